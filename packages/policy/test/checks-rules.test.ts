import { describe, expect, it } from "vitest";
import { load } from "../src/index.ts";
import { allow, CEILING, cedar, deny, findings, loadAll, places, rows } from "./support/changed-folder.ts";
import { files, HELPDESK } from "./support/helpdesk.ts";

describe("a role that nobody holds", () => {
  it("is not seen where an agent holds it through another role", () => {
    const role = "role: extra\nreason: r\nallow:\n  - do: tickets:read\n";
    expect(places(loadAll({ "roles/extra.yaml": role }))).toEqual(["warning unused-role roles/extra.yaml:1"]);
    expect(findings("roles/billing.yaml", "extends: [base]", "extends: [base, extra]", { "roles/extra.yaml": role })).not.toContainEqual(
      expect.objectContaining({ code: "unused-role" }),
    );
  });
});

describe("a grant that permits nothing", () => {
  it("is told with the ceiling that it is outside of", () => {
    const found = findings("roles/support.yaml", "do: tickets:close", "do: invoices:create");
    expect(found[0]?.what).toContain("`invoices:create` is outside the ceiling at agents/support.yaml:8");
  });

  it("is not seen while one holder's ceiling lets one of its actions through", () => {
    expect(findings("roles/base.yaml", "do: knowledge:read", "do: knowledge:*")).toEqual([]);
  });

  it("is seen where effects leave nothing of its scope", () => {
    const found = findings(
      "agents/billing.yaml",
      'allow: ["invoices:*", "knowledge:read"]',
      'effects: [pay], allow: ["invoices:*", "knowledge:read"]',
    );
    expect(places(found)).toEqual([]);
    const narrow = findings(
      "agents/billing.yaml",
      'allow: ["invoices:*", "knowledge:read"]',
      'effects: [send], allow: ["invoices:*", "knowledge:read"]',
    );
    expect(places(narrow)).toEqual(["warning unreachable-rule roles/billing.yaml:5"]);
  });

  it("is seen where an attribute of every holder contradicts its rows", () => {
    const [only] = rows(`resource.region == "amer" && resource.region == principal.region`);
    expect(only?.what).toContain('`resource.region == "amer"` and `resource.region == "emea"` cannot both be true');
  });

  it("is not seen where rows compare with an attribute of the holder", () => {
    expect(rows(`resource.region == principal.region && principal.region == "emea"`)).toEqual([]);
  });

  it("is seen where its own limit leaves none of the calls it asks for", () => {
    const close = (most: number) =>
      findings(
        "roles/support.yaml",
        "limits: { records: 10 }\n  - do: mail",
        `when: context.records > 10\n    limits: { records: ${String(most)} }\n  - do: mail`,
      );
    expect(places(close(10))).toEqual(["warning unreachable-rule roles/support.yaml:14"]);
    expect(close(11)).toEqual([]);
  });

  it("is seen where an action without a list is asked for more than one record", () => {
    expect(
      places(
        findings("roles/support.yaml", "    rows: resource.tier == 1 &&", "    when: context.records > 1\n    rows: resource.tier == 1 &&"),
      ),
    ).toEqual(["warning unreachable-rule roles/support.yaml:5"]);
  });

  it("is seen where it asks for what the ceiling's condition excludes", () => {
    const task = (name: string) =>
      findings("roles/billing.yaml", `when: context.session.task != ""`, `when: context.session.task == "${name}"`);
    expect(places(task("frozen"))).toEqual(["warning unreachable-rule roles/billing.yaml:5"]);
    expect(task("open")).toEqual([]);
  });

  it("does not stop the folder from loading, since a narrower ceiling must take effect", () => {
    expect(load(files({ "agents/support.yaml": (HELPDESK["agents/support.yaml"] ?? "").replace("tickets:*", "tickets:delete") })).ok).toBe(
      true,
    );
  });

  it("is not asked for next to an error, which may be its cause", () => {
    const found = findings("agents/support.yaml", "roles: [support]", "roles: [suport]");
    expect(places(found)).toEqual(["error unknown-role agents/support.yaml:6"]);
  });
});

describe("a protection that never applies", () => {
  it("is not seen in a deny without a grant to deny, or for an environment without an agent", () => {
    expect(deny('  - do: tickets:delete\n    when: principal.environment == "prod"\n')).toEqual([]);
    const main = (HELPDESK["bailiwick.yaml"] ?? "").replace("  dev: {}\n", "  dev: {}\n  staging: {}\n");
    const text = (HELPDESK["roles/support.yaml"] ?? "").replace("id: never-delete", 'when: context.environment == "staging"');
    expect(loadAll({ "bailiwick.yaml": main, "roles/support.yaml": text })).toEqual([]);
    expect(places(deny('  - do: tickets:delete\n    when: principal.environment == "stagging"\n'))).toEqual([
      "warning unreachable-rule roles/support.yaml:20",
    ]);
  });

  it("is seen in a gate for an environment where no agent is", () => {
    const main = (HELPDESK["bailiwick.yaml"] ?? "").replace("  dev: {}\n", "  dev: {}\n  staging: {}\n");
    const gate = (name: string) => findings("gates.yaml", "environments: [prod]", `environments: [${name}]`, { "bailiwick.yaml": main });
    expect(gate("staging").map(({ what }) => what)).toEqual([
      "gate `mail-leaves-the-company` applies to no call of any agent: no agent is in `staging`",
    ]);
    expect(gate("dev")).toEqual([]);
  });

  it("is seen in a gate whose condition asks for another environment than the gate", () => {
    const gate = (name: string) => findings("gates.yaml", `context.args.to.domain != "acme.example"`, `context.environment == "${name}"`);
    expect(places(gate("dev"))).toEqual(["warning unreachable-rule gates.yaml:4"]);
    expect(places(gate("prod"))).toEqual([]);
  });

  it("is seen in a gate on many records of an action that touches one, and in no gate that ships on", () => {
    const bulk = (scope: string) =>
      findings(
        "gates.yaml",
        "gates:\n",
        `gates:\n  - { gate: many, reason: r, on: { do: ["${scope}"], recordsOver: 5 }, require: { approve: { by: [operator] } } }\n`,
      );
    expect(places(bulk("tickets:update"))).toEqual(["warning unreachable-rule gates.yaml:4"]);
    expect(bulk("tickets:*")).toEqual([]);
    const defaults = findings("gates.yaml", "defaults:\n", "defaults:\n  bulk: { recordsOver: 50, reason: r }\n", {
      "tools/tickets.yaml": (HELPDESK["tools/tickets.yaml"] ?? "").replace("    batch: args.ids\n", ""),
    });
    expect(defaults).toEqual([]);
  });
});

describe("a grant that denies take back", () => {
  it("is named with the deny", () => {
    const [only] = deny("  - { do: tickets:close, id: stop, reason: r }\n");
    expect(only).toMatchObject({ code: "shadowed-grant", at: { line: 14 } });
    expect(only?.what).toContain("deny `stop` (roles/support.yaml:20)");
  });

  it("is seen where the deny's condition follows from the grant's", () => {
    const denied = (condition: string) => deny(`  - { do: tickets:read, reason: r, rows: ${condition} }\n`);
    expect(places(denied("resource.tier <= 3"))).toEqual(["warning shadowed-grant roles/support.yaml:5"]);
    expect(denied("resource.tier > 1")).toEqual([]);
    expect(denied('resource.tier == 1 && resource.status == "closed"')).toEqual([]);
  });

  it("is seen where two denies leave nothing together", () => {
    const denied = (least: number) =>
      deny(
        `  - { do: tickets:close, reason: r, when: context.records < 5 }\n  - { do: tickets:close, reason: r, when: context.records >= ${String(least)} }\n`,
      );
    expect(places(denied(4))).toEqual(["warning shadowed-grant roles/support.yaml:14"]);
    expect(denied(6)).toEqual([]);
  });

  it("is seen where each field it may write is denied, and not where one is left", () => {
    const [status, assignee] = ["  - { do: tickets:update:status, reason: r }\n", "  - { do: tickets:update:assignee, reason: r }\n"];
    expect(places(deny(status + assignee))).toEqual(["warning shadowed-grant roles/support.yaml:9"]);
    expect(deny(status)).toEqual([]);
  });

  it("is not seen where only some holders have the deny", () => {
    const role = (text: string) => ({
      "roles/extra.yaml": `role: extra\nreason: r\n${text}`,
      "agents/billing.yaml": (HELPDESK["agents/billing.yaml"] ?? "").replace("roles: [billing]", "roles: [billing, extra]"),
    });
    expect(loadAll(role("deny:\n  - do: knowledge:read\n"))).toEqual([]);
    expect(places(loadAll(role("deny:\n  - do: invoices:*\n")))).toEqual(["warning shadowed-grant roles/billing.yaml:5"]);
  });

  it("is seen where a forbid of a .cedar file is meant for its role", () => {
    const forbid = (role: string) => loadAll(cedar(`forbid (principal in Role::"${role}", action in Action::"tickets:close", resource);`));
    expect(places(forbid("support"))).toContain("warning shadowed-grant roles/support.yaml:14");
    expect(places(forbid("billing"))).not.toContain("warning shadowed-grant roles/support.yaml:14");
  });

  it("does not stop the folder from loading, since a role that is stopped must stop at once", () => {
    const text = (HELPDESK["roles/support.yaml"] ?? "").replace("do: tickets:delete", "do: tickets:*");
    expect(load(files({ "roles/support.yaml": text })).ok).toBe(true);
  });
});

describe("an approval that another grant bypasses", () => {
  const asking = (when: string) => `  - { do: mail:send, id: asking, when: '${when}', approve: { by: [support-lead] } }\n`;
  const wide = (when: string) => `  - { do: mail:send, id: wide, when: '${when}' }\n`;

  it("is seen by what the conditions mean, not by how they are written", () => {
    const both = (condition: string) => allow(asking('context.args.to.domain == "acme.test"') + wide(condition));
    expect(places(both('context.args.to.domain != "acme.example"'))).toContain("warning shadowed-approval roles/support.yaml:19");
    expect(places(both('context.args.to.domain like "*.test"'))).toContain("warning shadowed-approval roles/support.yaml:19");
    expect(places(both('context.args.to.domain like "*.example"'))).not.toContain("warning shadowed-approval roles/support.yaml:19");
  });

  it("is not seen where both hold for some of the same calls only: that spares the harmless ones", () => {
    expect(allow(wide('context.args.to.domain == "acme.test"'))).toEqual([]);
  });

  it("is seen where only rows tell the grants apart and no record is loaded before the call", () => {
    const tier2 = (scope: string) => allow(`  - { do: "${scope}", rows: resource.tier == 2, approve: { by: [support-lead] } }\n`);
    expect(places(tier2("tickets:read"))).toEqual(["warning shadowed-approval roles/support.yaml:19"]);
    const loadedBefore = allow(
      "  - { do: tickets:update, id: free, rows: resource.tier == 1 }\n  - { do: tickets:update, rows: resource.tier == 2, fields: { write: [priority] }, approve: { by: [support-lead] } }\n",
    );
    expect(loadedBefore).toEqual([]);
  });

  it("is not seen where a permit of a .cedar file is meant for another role", () => {
    const ask = "  - { do: tickets:read, rows: resource.tier == 2, approve: { by: [support-lead] } }\n";
    const own = (HELPDESK["roles/support.yaml"] ?? "").replace(/ {2}- do: tickets:read[\s\S]*?(?= {2}- do: tickets:update)/, ask);
    const permit = (role: string) =>
      loadAll({
        "roles/support.yaml": own,
        ...cedar(
          `permit (principal in Role::"${role}", action in Action::"tickets:read", resource is Ticket) when { resource.tier == 1 };`,
        ),
      }).map(({ code }) => code);
    expect(permit("support")).toEqual(["shadowed-approval"]);
    expect(permit("billing")).not.toContain("shadowed-approval");
  });

  it("is not seen where the other grant permits fewer fields or fewer records", () => {
    const close = (most: number) =>
      allow(`  - { do: tickets:close, limits: { records: ${String(most)} }, approve: { by: [support-lead] } }\n`);
    expect(places(close(10))).toEqual(["warning shadowed-approval roles/support.yaml:19"]);
    expect(close(20)).toEqual([]);
  });

  it("is seen for some of its actions only where the other grant comes from another file", () => {
    const grant = "  - { do: tickets:*, approve: { by: [support-lead] } }\n";
    const free = "  - { do: tickets:delete, id: free }\n";
    expect(places(allow(grant + free.replace("delete", "close").replace("free", "own"))).filter((place) => place.endsWith(":19"))).toEqual(
      [],
    );
    const base = { "roles/base.yaml": `${HELPDESK["roles/base.yaml"] ?? ""}${free}` };
    const text = (HELPDESK["roles/support.yaml"] ?? "").replace(/deny:[\s\S]*/, grant);
    const found = loadAll({ ...base, "roles/support.yaml": text }).find(({ code }) => code === "shadowed-approval");
    expect(found?.what).toContain("never happens on `tickets:delete` for `helpdesk/support`: `free`");
  });
});

describe("everything at once under many names", () => {
  const open = (text: string) =>
    findings("agents/support.yaml", CEILING, `ceiling: { allow: ["tickets:*", "knowledge:*", "mail:*", "invoices:*"]${text} }`);

  it("is seen in a ceiling with every effect, and not in one that leaves some out", () => {
    const all = ", effects: [read, write, delete, send, pay, export, grant, execute]";
    expect(places(open(all))).toEqual(["warning wide-ceiling agents/support.yaml:8"]);
    expect(open(all.replace(", execute", ""))).toEqual([]);
    expect(open(`, when: context.session.task != "frozen"`)).toEqual([]);
  });

  it("is not seen in a ceiling that leaves out one action", () => {
    expect(findings("agents/support.yaml", CEILING, 'ceiling: { allow: ["tickets:*", "knowledge:*", "mail:*", "invoices:read"] }')).toEqual(
      [],
    );
  });

  it("is seen in a permit of a .cedar file that lists the whole catalog", () => {
    const permit = (last: string) =>
      places(
        loadAll(
          cedar(
            `permit (principal in Role::"base", action in [Action::"tickets:*", Action::"knowledge:*", Action::"mail:send", Action::"${last}"], resource);`,
          ),
        ),
      );
    expect(permit("invoices:*")).toContain("warning wide-grant policies/extra.cedar:1");
    expect(permit("invoices:read")).not.toContain("warning wide-grant policies/extra.cedar:1");
  });
});
