import { describe, expect, it } from "vitest";
import { matrix } from "../src/index.ts";
import type { MatrixCell, Policy } from "../src/index.ts";
import { BILLING, loaded } from "./support/helpdesk.ts";
import { ceiling, cell, role } from "./support/matrix.ts";

/** The words of a cell, empty parts left out. */
function words(one: MatrixCell): unknown {
  const ways = one.ways.map(({ grant, verdict, conditions, rows, fields, limits, approval, hours }) => ({
    [`${verdict} by ${grant.id}`]: Object.fromEntries(
      Object.entries({ conditions, rows, fields, limits, approval, hours }).filter(([, texts]) => texts.length > 0),
    ),
  }));
  const rules = one.rules.map((rule) => `${rule.kind} ${rule.id} ${rule.at.file}:${String(rule.at.line)}`);
  return { is: `${one.verdict} ${one.when}`, ...(one.reason === undefined ? { ways } : { reason: one.reason }), rules };
}

const POLICY = loaded();

describe("the table", () => {
  it("has a row for every identity and a cell for every action of the catalog, in its order", () => {
    const { rows, policyVersion } = matrix(POLICY);
    expect(policyVersion).toBe(POLICY.version);
    expect(rows.map((row) => row.agent.name)).toEqual(POLICY.agents.map((agent) => agent.name));
    const actions = POLICY.tools.flatMap((tool) => tool.actions.map((action) => action.operation));
    for (const row of rows) expect(row.cells.map((one) => one.operation)).toEqual(actions);
  });

  it("can be narrowed to agents and tools", () => {
    const { rows } = matrix(POLICY, { agents: [BILLING.agent], tools: ["mail"] });
    expect(rows.map((row) => [row.agent.name, row.cells.map((one) => one.action)])).toEqual([[BILLING.agent, ["mail.send"]]]);
  });
});

describe("a permitted cell", () => {
  it("says rows with the agent's attributes filled in, hidden and masked fields, and the grant with its line", () => {
    expect(words(cell(POLICY, "tickets.get_ticket"))).toEqual({
      is: "allow sometimes",
      ways: [
        {
          "allow by read-own-region": {
            rows: ["own tenant", 'resource.tier == 1 && resource.region == "emea"'],
            fields: ["hides internal_notes", "masks customer.email (partial), customer.ssn (redact)"],
          },
        },
      ],
      rules: ["grant read-own-region roles/support.yaml:5"],
    });
  });

  it("says which fields a call may set and how often", () => {
    expect(words(cell(POLICY, "tickets.update_ticket"))).toMatchObject({
      ways: [
        {
          "allow by update-own-region": {
            rows: ["own tenant", 'resource.region == "emea"'],
            fields: ["sets only status, assignee"],
            limits: ["30 per minute, 200 per hour, 10 records a call"],
          },
        },
      ],
    });
  });

  it("says who approves, what spares it, and what a gate adds when", () => {
    expect(words(cell(POLICY, "mail.send"))).toEqual({
      is: "allow sometimes",
      ways: [
        {
          "allow by mail-customers": {
            limits: ['20 per hour when context.args.to.domain != "acme.example"'],
            approval: [
              'by support-lead within 20 min unless context.args.to.domain == "acme.example"',
              'by support-lead within 30 min when context.args.to.domain != "acme.example"',
            ],
          },
        },
      ],
      rules: ["grant mail-customers roles/support.yaml:16", "gate mail-leaves-the-company gates.yaml:4"],
    });
  });

  it("is `ask` when a gate asks at every call, and says hours, what a deny leaves and what a ceiling demands", () => {
    expect(words(cell(POLICY, "billing.create_invoice", BILLING.agent))).toEqual({
      is: "ask sometimes",
      ways: [
        {
          "ask by invoices": {
            conditions: [
              'context.session.task != ""',
              'context.session.task != "frozen"',
              '!(context.args has amount && context.args.amount.greaterThan(decimal("10000.0")))',
            ],
            approval: ["by operator within 30 min"],
            hours: ["mon-fri 08:00-18:00 Europe/Berlin"],
          },
        },
      ],
      rules: [
        "grant invoices roles/billing.yaml:5",
        "ceiling finance/billing/ceiling agents/billing.yaml:8",
        "deny too-much roles/billing.yaml:9",
        "gate payment defaults/gates.yaml:10",
        "gate office-hours-for-money gates.yaml:9",
      ],
    });
  });

  it("lists the grants that can apply by least demand, and none behind one that always permits", () => {
    const many = (...more: readonly string[]) =>
      cell(
        loaded(
          role(
            "allow:",
            "  - { do: tickets:close, id: asks, approve: { by: [operator] } }",
            "  - { do: tickets:close, id: slow, limits: { perMinute: 2 }, when: context.session.task != context.user.id }",
            "  - { do: tickets:close, id: task, when: context.session.task == context.user.id }",
            ...more,
          ),
        ),
        "tickets.bulk_close",
      ).ways.map((way) => [way.grant.id, way.verdict]);
    expect(many()).toEqual([
      ["task", "allow"],
      ["slow", "allow"],
      ["asks", "ask"],
    ]);
    expect(many("  - { do: tickets:close, id: plain }")).toEqual([
      ["plain", "allow"],
      ["task", "allow"],
    ]);
    expect(many("  - { do: tickets:close, id: five, limits: { records: 5 } }").map(([id]) => id)).toEqual(["task", "five", "slow", "asks"]);
    expect(
      many("  - { do: tickets:close, id: later, approve: { by: [operator], unless: context.records == 2 }, limits: { perDay: 1 } }"),
    ).toEqual([
      ["task", "allow"],
      ["slow", "allow"],
      ["asks", "ask"],
      ["later", "allow"],
    ]);
  });

  it("keeps a grant whose spared approval lets it apply before or beside one that always permits", () => {
    const listed = (plain: string, spared: string) =>
      cell(
        loaded(
          role(
            "allow:",
            `  - { do: tickets:close, id: plain${plain} }`,
            `  - { do: tickets:close, id: spared, approve: { by: [operator], unless: context.records == 1 }${spared} }`,
          ),
        ),
        "tickets.bulk_close",
      ).ways.map((way) => way.grant.id);
    expect(listed("", "")).toEqual(["plain", "spared"]);
    expect(listed(", limits: { perDay: 1 }", "")).toEqual(["plain", "spared"]);
    expect(listed("", ", limits: { perDay: 1 }")).toEqual(["plain"]);
  });

  it("names fields that a ceiling or a deny keeps from being set", () => {
    const bound = loaded({
      ...ceiling('{ allow: ["tickets:update:status", "tickets:update:priority"] }'),
      ...role("allow:", "  - { do: tickets:update }", "deny:", "  - { do: tickets:update:priority, id: no-priority }"),
    });
    expect(cell(bound, "tickets.update_ticket").ways[0]?.fields).toEqual(["sets only status, priority", "never sets priority"]);
    expect(cell(bound, "tickets.update_ticket").rules.map((rule) => rule.id)).toContain("no-priority");
  });

  it("merges approvals of grant and gate as a decision does", () => {
    const gates =
      "gates:\n  - { gate: g, reason: r, on: { do: [tickets:close] }, require: { approve: { by: [finance, operator], expires: 5m } } }\n";
    const grant = "  - { do: tickets:close, approve: { by: [support-lead, operator], unless: context.records == 1 } }";
    const one = cell(loaded({ "gates.yaml": gates, ...role("allow:", grant) }), "tickets.bulk_close");
    expect(one.ways[0]?.approval).toEqual([
      "by operator within 5 min unless context.records == 1",
      "by finance or operator within 5 min when context.records == 1",
      "by operator within 30 min when more than 100 records",
    ]);
    const few = cell(
      loaded({ "gates.yaml": gates, ...role("allow:", grant.replace("close,", "close, limits: { records: 100 },")) }),
      "tickets.bulk_close",
    );
    expect(few.ways[0]?.approval).toHaveLength(2);
    expect(one.verdict).toBe("ask");
  });

  it("says so where no record can meet the rows of a read, which runs all the same", () => {
    const policy = loaded(
      role("allow:", '  - { do: tickets:read, rows: resource.region == principal.region && resource.region == "amer" }'),
    );
    expect(cell(policy, "tickets.list_tickets").ways[0]?.rows).toEqual([
      "own tenant",
      'resource.region == "emea" && resource.region == "amer" (no record meets this)',
    ]);
  });
});

describe("a denied cell says in one phrase why", () => {
  const reason = (policy: Policy, action: string) => {
    const { verdict, when, reason: text, rules } = cell(policy, action);
    return [verdict, when, text, rules.map((rule) => rule.id)];
  };

  it.each([
    ["no grant", loaded(), "billing.get_invoice", "no grant", ["deny-by-default"]],
    ["a deny", loaded(), "tickets.delete_ticket", "denied by roles/support.yaml:20", ["never-delete"]],
    ["a ceiling", loaded(), "billing.create_invoice", "outside the ceiling, agents/support.yaml:8", ["helpdesk/support/ceiling"]],
    [
      "a ceiling whose condition the agent can never meet",
      loaded(ceiling('{ allow: ["tickets:*"], when: principal.environment == "dev" }')),
      "tickets.get_ticket",
      "outside the ceiling, agents/support.yaml:8",
      ["helpdesk/support/ceiling"],
    ],
    [
      "a read that the ceiling names only in field form",
      loaded(ceiling('{ allow: ["tickets:close:ids"] }')),
      "tickets.get_ticket",
      "outside the ceiling, agents/support.yaml:8",
      ["helpdesk/support/ceiling"],
    ],
    [
      "a condition that holds for another tenant only",
      loaded(role("allow:", '  - { do: tickets:read, id: there, when: principal.tenant == "globex" }')),
      "tickets.get_ticket",
      "every grant's condition is impossible",
      ["there"],
    ],
    [
      "rows that no loaded record meets, given the agent's region",
      loaded(
        role("allow:", '  - { do: tickets:update, id: none, rows: resource.region == principal.region && resource.region == "amer" }'),
      ),
      "tickets.update_ticket",
      "every grant's condition is impossible",
      ["none"],
    ],
    [
      "a condition that the ceiling contradicts",
      loaded({
        ...ceiling('{ allow: ["tickets:*"], when: context.session.task == "" }'),
        ...role("allow:", '  - { do: tickets:read, id: tasks, when: context.session.task != "" }'),
      }),
      "tickets.get_ticket",
      "every grant's condition is impossible within the ceiling, agents/support.yaml:8",
      ["tasks", "helpdesk/support/ceiling"],
    ],
    [
      "denies that cover all that is granted",
      loaded(
        role(
          "allow:",
          "  - { do: tickets:close, id: some, when: context.records > 3 }",
          "deny:",
          "  - { do: tickets:close, id: never, when: context.records > 2 }",
        ),
      ),
      "tickets.bulk_close",
      "whatever a grant permits is denied by roles/support.yaml:6",
      ["some", "never"],
    ],
    [
      "a required argument that no grant lets be set",
      loaded(role("allow:", "  - { do: tickets:close, id: little, fields: { write: [] } }")),
      "tickets.bulk_close",
      "every call sets ids, which no grant permits",
      ["little"],
    ],
    [
      "a deny of a required argument",
      loaded(role("allow:", "  - { do: tickets:close }", "deny:", "  - { do: tickets:close:ids, id: no-ids }")),
      "tickets.bulk_close",
      "denied by roles/support.yaml:6",
      ["no-ids"],
    ],
  ])("%s", (_, policy, action, text, rules) => {
    expect(reason(policy, action)).toEqual(["deny", "always", text, rules]);
  });

  it("counts a Cedar permit for another role as no grant", () => {
    const permit = '@id("theirs") @reason("r") permit(principal in Role::"billing", action in Action::"tickets:delete", resource);';
    const policy = loaded({ "policies/x.cedar": permit, ...role("allow: []") });
    expect(reason(policy, "tickets.delete_ticket")).toEqual(["deny", "always", "no grant", ["deny-by-default"]]);
  });
});
