import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { csv } from "../../src/cli/csv.ts";
import { printable } from "../../src/cli/text.ts";
import { makePolicyCli, type PolicyCli } from "../people-support/policy-cli.ts";

let cli: PolicyCli;
beforeEach(async () => {
  cli = await makePolicyCli();
});
afterEach(async () => cli.remove());

const GATES = `gates:
  - gate: closing
    reason: a closed ticket is not looked at again
    on: { do: [tickets:update], environments: [prod] }
    when: context.args has status && context.args.status == "closed"
    require:
      approve: { by: [operator], expires: 2h }
      hours: { days: [mon, tue, wed, sat], from: "08:00", to: "18:00", zone: Europe/Berlin }
`;

const ROLE = `role: support
reason: support works tickets
allow:
  - do: tickets:read
    id: open-ones
    rows: resource.status != "secret" || context.user.id == "lena"
    fields: { mask: { status: hash } }
  - do: tickets:read
    id: of-the-task
    when: context.args.id == context.session.task
    limits: { perMinute: 5 }
deny:
  - do: tickets:update
    reason: nobody changes tickets yet
`;

describe("the text", () => {
  test("is one block for identities that come out the same, one line an action with the verdict first, and a sum", async () => {
    expect(await cli.run("matrix")).toEqual({
      code: 0,
      err: "",
      out: `bailiwick://{acme,globex}/{dev,prod}/support/support-bot
roles support; owner ines; agents/support.yaml:1
  allow  tickets.get_ticket     tickets:read    read   always
         by        grant support/allow/1, roles/support.yaml:4
  ask    tickets.update_ticket  tickets:update  write  always
         by        grant support/allow/2, roles/support.yaml:5
         approval  by support-lead within 30 min

4 agents, 2 actions: 4 allow, 4 ask, 0 deny
`,
    });
  });

  test("has a block for each environment where they differ, and no line is longer than 120 characters", async () => {
    await cli.write("gates.yaml", GATES);
    const { out } = await cli.run("matrix", "--tool", "tickets");
    expect(out).toContain(`bailiwick://{acme,globex}/prod/support/support-bot
roles support; owner ines; agents/support.yaml:1
  allow  tickets.get_ticket     tickets:read    read   always
         by        grant support/allow/1, roles/support.yaml:4
  ask    tickets.update_ticket  tickets:update  write  sometimes
         by        grant support/allow/2, roles/support.yaml:5; gate closing, gates.yaml:2
         approval  by support-lead within 30 min; by operator within 2 h when context.args has status &&
                   context.args.status == "closed"
         hours     mon-wed sat 08:00-18:00 Europe/Berlin when context.args has status && context.args.status == "closed"
`);
    expect(out).toContain("bailiwick://{acme,globex}/dev/support/support-bot\n");
    expect(Math.max(...out.split("\n").map((line) => line.length))).toBeLessThanOrEqual(120);
  });

  test("lists several grants as alternatives, the least demanding first, and says why an action is denied", async () => {
    await cli.write("roles/support.yaml", ROLE);
    const { out } = await cli.run("matrix", ".", "--agent", "globex/dev");
    expect(out).toBe(`bailiwick://globex/dev/support/support-bot
roles support; owner ines; agents/support.yaml:1
  allow  tickets.get_ticket     tickets:read    read   sometimes
         by        grant open-ones, roles/support.yaml:4
         rows      resource.status != "secret" || context.user.id == "lena"
         fields    masks status (hash)
         or by     grant of-the-task, roles/support.yaml:8
         if        context.args.id == context.session.task
         limits    5 per minute
  deny   tickets.update_ticket  tickets:update  write  denied by roles/support.yaml:13

1 agent, 2 actions: 1 allow, 0 ask, 1 deny
`);
  });
});

describe("a role that the agent may ask for", () => {
  const AGENT = `agent: support-bot
workflow: support
owner: ines
tenants: [acme]
environments: [prod]
roles: [support]
eligible:
  - role: closing
    most: 4h
    reason: nobody else is there
    approve: { by: [support-lead], stepUp: true, expires: 1h }
ceiling: { allow: ["tickets:*"] }
`;
  const CLOSING = "role: closing\nreason: r\nallow:\n  - { do: tickets:update, id: close, limits: { perDay: 5 } }\n";

  beforeEach(async () => {
    await cli.write("agents/support.yaml", AGENT);
    await cli.write("roles/closing.yaml", CLOSING);
    await cli.write("roles/support.yaml", "role: support\nreason: r\nallow:\n  - do: tickets:read\n");
  });

  test("stands below the cell it would change, with who has to say yes and the grants it adds", async () => {
    const { out } = await cli.run("matrix", "--tool", "tickets");
    expect(out).toContain("roles support; may ask for closing; owner ines; agents/support.yaml:1");
    expect(out).toContain(`  deny   tickets.update_ticket  tickets:update  write  no grant
         eligible  allow always with \`closing\`: ask for the elevation, at most 4 h, by support-lead with step-up within
                   1 h, agents/support.yaml:8
         by        grant close, roles/closing.yaml:4
         limits    5 per day
`);
    expect(out).toContain("1 agent, 2 actions: 1 allow, 0 ask, 1 deny");
  });

  test("is a field of its own in CSV, and whole in JSON", async () => {
    const [, read, update] = (await cli.run("matrix", "--csv")).out.split("\r\n");
    expect(read).toMatch(/,$/u);
    expect(update).toMatch(
      /,"allow always with `closing`: ask for the elevation, at most 4 h, by support-lead with step-up within 1 h, [^"]*"$/u,
    );
    const json: unknown = JSON.parse((await cli.run("--json", "matrix")).out);
    expect(json).toMatchObject({
      rows: [{ cells: [{}, { verdict: "deny", elevations: [{ eligible: { role: "closing" }, active: [], verdict: "allow" }] }] }],
    });
  });

  test("can be supposed to be had, by `why`, and no other can", async () => {
    const call = ["why", "support-bot", "update_ticket", "--args", '{"id":"T-1"}'] as const;
    const refused = await cli.run(...call);
    expect([refused.code, refused.out]).toEqual([
      1,
      expect.stringContaining("would be allowed with the role `closing`, which this agent may ask for (agents/support.yaml:8)"),
    ]);
    const allowed = await cli.run(...call, "--elevated", "closing");
    expect([allowed.code, allowed.out]).toEqual([0, expect.stringContaining("is allowed by close (roles/closing.yaml:4)")]);
    const other = await cli.run(...call, "--elevated", "closing,support");
    expect([other.code, other.err]).toEqual([2, expect.stringContaining("may not ask for the role `support`")]);
  });
});

describe("--csv", () => {
  test("is one record for each agent and action under a heading, with the alternatives numbered", async () => {
    await cli.write("roles/support.yaml", ROLE);
    const { code, out } = await cli.run("matrix", "--csv", "--agent", "acme/prod");
    expect(code).toBe(0);
    expect(out.split("\r\n")).toEqual([
      "agent,tenant,environment,workflow,tool,action,kind,scope,effect,verdict,when,reason,grants,if,rows,fields,limits,approval,hours,texts,rules,eligible",
      'bailiwick://acme/prod/support/support-bot,acme,prod,support,tickets,tickets.get_ticket,tool,tickets:read,read,allow,sometimes,,(1) open-ones (2) of-the-task,(2) context.args.id == context.session.task,"(1) resource.status != ""secret"" || context.user.id == ""lena""",(1) masks status (hash),(2) 5 per minute,,,,"grant open-ones, roles/support.yaml:4; grant of-the-task, roles/support.yaml:8",',
      'bailiwick://acme/prod/support/support-bot,acme,prod,support,tickets,tickets.update_ticket,tool,tickets:update,write,deny,always,denied by roles/support.yaml:13,,,,,,,,,"deny support/deny/1, roles/support.yaml:13",',
      "",
    ]);
  });

  test("makes text of what a spreadsheet would take for a formula", async () => {
    const when = '-(if context.session.task == "" then 1 else 2) < 0';
    await cli.write("roles/support.yaml", `role: support\nreason: r\nallow:\n  - do: tickets:read\n    when: ${when}\n`);
    expect((await cli.run("matrix", "--csv", "--agent", "acme/dev")).out).toContain(",\"'-(if context");
    expect((await cli.run("matrix", "--csv")).out).not.toMatch(/(^|,)"?[=+\-@]/mu);
    expect(csv([["=1+1", "+1", "-1", "@x", "＝1", "a=1"]])).toBe("'=1+1,'+1,'-1,'@x,'＝1,a=1\r\n");
  });

  const field = fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: fc.constantFrom('"', ",", "=", "'", "\r", "\n", "a") }));

  test("can be read back by any reader of RFC 4180, whatever the texts", () => {
    fc.assert(
      fc.property(fc.array(fc.array(field, { minLength: 1, maxLength: 4 }), { maxLength: 4 }), (records) => {
        const shown = records.map((record) => record.map((text) => printable(text).replace(/^(?=[=+\-@＝＋－＠])/u, "'")));
        expect(readCsv(csv(records))).toEqual(shown);
      }),
    );
  });
});

/** Fields of each record; every record ends in CRLF. */
function readCsv(text: string): readonly (readonly string[])[] {
  return text
    .split("\r\n")
    .slice(0, -1)
    .map((line) =>
      [...`,${line}`.matchAll(/,(?:"((?:[^"]|"")*)"|([^",]*))/gu)].map(
        ([, inQuotes, plain]) => inQuotes?.replaceAll('""', '"') ?? plain ?? "",
      ),
    );
}

test("--json is the whole table with its sums", async () => {
  const { out } = await cli.run("matrix", "--json", "--agent", "acme/dev");
  expect(JSON.parse(out)).toMatchObject({
    totals: { agents: 1, actions: 2, allow: 1, ask: 1, deny: 0 },
    rows: [
      {
        agent: { name: "bailiwick://acme/dev/support/support-bot" },
        cells: [
          { action: "tickets.get_ticket", verdict: "allow", when: "always" },
          { action: "tickets.update_ticket", verdict: "ask", ways: [{ approval: ["by support-lead within 30 min"] }] },
        ],
      },
    ],
  });
});

describe("what cannot be answered", () => {
  test("a folder that does not load gives the answer and the exit code of `check`", async () => {
    await cli.write("roles/support.yaml", "role: support\nreason: r\nallows: []\n");
    const [shown, checked] = [await cli.run("matrix"), await cli.run("check")];
    expect(shown).toEqual(checked);
    expect(shown.code).toBe(1);
    expect(shown.out).toContain("roles/support.yaml:3");
  });

  test.each([
    [["--agent", "nobody"], "no agent's name contains `nobody`", "agents of this folder: support/support-bot"],
    [["--tool", "mail"], "no tool `mail` is in the catalog", "tools of this folder: tickets"],
    [["nowhere"], "cannot read the policy folder", "name the folder that holds `bailiwick.yaml`"],
  ])("%j is wrong usage, with what to do", async (args, message, next) => {
    const { code, out, err } = await cli.run("matrix", ...args);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(message);
    expect(err).toContain(`next: ${next}`);
  });

  test("two forms at once are wrong usage", async () => {
    expect((await cli.run("matrix", "--csv", "--json")).code).toBe(2);
  });
});
