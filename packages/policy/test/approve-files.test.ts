import { describe, expect, it } from "vitest";
import { findings, loadAll, places } from "./support/changed-folder.ts";
import { HELPDESK } from "./support/helpdesk.ts";

const APPROVE = "approve: { by: [support-lead], expires: 20m, unless: ";
const approve = (text: string, more: Readonly<Record<string, string>> = {}) =>
  findings("roles/support.yaml", APPROVE, `approve: { by: [support-lead], ${text}, unless: `, more);

const LEADS = "lena: { name: Lena Fox, email: lena@platform.example, tenants: [acme, globex], roles: [support-lead, operator] }";
const people = (text: string): Readonly<Record<string, string>> => ({
  "bailiwick.yaml": (HELPDESK["bailiwick.yaml"] ?? "").replace(LEADS, text),
});
const lead = (id: string, tenants: string, roles = "support-lead, operator") =>
  `${id}: { name: ${id}, email: ${id}@platform.example, tenants: [${tenants}], roles: [${roles}] }`;

describe("an approval", () => {
  it("that names a role nobody holds is an error, wherever it names it", () => {
    expect(places(approve("also: [{ by: [leed] }], expires: 20m"))).toEqual(["error unknown-person-role roles/support.yaml:18"]);
    expect(places(approve("escalate: { after: 1m, to: [leed] }, expires: 20m"))).toEqual([
      "error unknown-person-role roles/support.yaml:18",
    ]);
    expect(places(approve("escalate: { after: 1m, to: [auditor] }, expires: 20m"))).toEqual([
      "error auditor-reads-only roles/support.yaml:18",
    ]);
  });

  it("that ends before it escalates is an error", () => {
    expect(places(approve("escalate: { after: 20m, to: [operator] }, expires: 20m"))).toEqual([
      "error late-escalation roles/support.yaml:18",
    ]);
    expect(approve("escalate: { after: 19m, to: [operator] }, expires: 20m")).toEqual([]);
  });

  it("that takes more people than there are in any tenant is an error", () => {
    // Two leads in acme: the owner of the agent is one of them, so that in fact one can answer.
    expect(places(approve("count: 3, expires: 20m"))).toEqual(["error too-few-approvers roles/support.yaml:18"]);
    expect(places(approve("count: 2, also: [{ by: [operator] }], expires: 20m"))).toEqual([
      "error too-few-approvers roles/support.yaml:18",
    ]);
  });

  it("that takes more people than can answer in a tenant is a warning that names it", () => {
    const [only, ...others] = approve("count: 2, expires: 20m", people([LEADS, `  ${lead("kai", "acme")}`].join("\n")));
    expect(others).toEqual([]);
    expect([only?.code, only?.severity, only?.what]).toEqual([
      "too-few-approvers",
      "warning",
      "the approval of `mail-customers` takes 2 different people, and in `globex` only 1 can answer",
    ]);
  });

  it("counts nobody twice, no auditor and no owner of the agent", () => {
    const two = "count: 1, also: [{ by: [operator] }], expires: 20m";
    // Dana owns the agent, Lena alone would be both people.
    expect(approve(two).map(({ code, severity }) => `${severity} ${code}`)).toEqual(["warning too-few-approvers"]);
    expect(approve(two, people([LEADS, `  ${lead("kai", "acme, globex")}`].join("\n")))).toEqual([]);
    expect(
      approve(two, people([LEADS, `  ${lead("kai", "acme, globex", "operator, auditor")}`].join("\n"))).map(({ code }) => code),
    ).toContain("too-few-approvers");
  });

  it("gives people to groups so that all groups are filled", () => {
    // Kai is only a lead, so Lena must be the operator: the first come must not take her place.
    const some = people([LEADS, `  ${lead("kai", "acme, globex", "support-lead")}`].join("\n"));
    expect(approve("also: [{ by: [operator] }], expires: 20m", some)).toEqual([]);
    expect(approve("also: [{ by: [support-lead] }], expires: 20m", some)).toEqual([]);
  });

  it("counts those to whom it escalates, who may answer in the end", () => {
    const some = people([LEADS, `  ${lead("kai", "acme, globex", "finance")}`].join("\n"));
    expect(approve("count: 2, expires: 20m", some).map(({ code }) => code)).toEqual(["too-few-approvers"]);
    expect(approve("count: 2, escalate: { after: 1m, to: [finance] }, expires: 20m", some)).toEqual([]);
  });

  it.each([
    ["count: 0", "error invalid-value"],
    ["count: 21", "error invalid-value"],
    ["bounded: true", "error invalid-value"],
    ["bounded: { uses: 1001 }", "error invalid-value"],
    ["bounded: { for: 31d }", "error invalid-value"],
    ["bounded: { calls: 3 }", "error unknown-key"],
    ["escalate: { after: 1m }", "error missing-key"],
    ["also: [{ count: 2 }]", "error missing-key"],
    ["stepup: true", "error unknown-key"],
  ])("with `%s` is an error", (text, found) => {
    // The file is not read then, so its role is missing as well.
    expect(places(approve(`${text}, expires: 20m`))).toContain(`${found} roles/support.yaml:18`);
  });

  it("of a gate is checked where the gate asks", () => {
    const gate = (text: string) =>
      findings("gates.yaml", "approve: { by: [support-lead], expires: 30m }", `approve: { by: [support-lead], ${text} }`);
    expect(places(gate("count: 3"))).toEqual(["error too-few-approvers gates.yaml:8"]);
    expect(places(gate("count: 2"))).toEqual(["warning too-few-approvers gates.yaml:4"]);
    expect(places(gate('unless: "true"'))).toEqual(["error unknown-key gates.yaml:8"]);
  });

  it("of a default gate is checked once somebody changes who answers", () => {
    const change = (text: string) => loadAll({ "gates.yaml": `defaults:\n  delete: { ${text}, reason: r }\n` });
    const codes = (text: string) => change(text).map(({ code }) => code);
    expect(codes("count: 3")).toEqual(["too-few-approvers"]);
    expect(codes("escalate: { after: 30m, to: [operator] }")).toEqual(["late-escalation"]);
    expect(codes("by: [nobody]")).toEqual(["unknown-person-role"]);
    const nobody = { "bailiwick.yaml": "version: 1\ntenants: [acme]\nenvironments: { dev: {} }\n" };
    const alone = (gates: string) =>
      loadAll({ ...Object.fromEntries(Object.keys(HELPDESK).map((path) => [path, undefined])), ...nobody, "gates.yaml": gates });
    expect(alone("defaults:\n  delete: { bounded: { uses: 3 }, reason: r }\n")).toEqual([]);
  });
});

describe("an agent's `eligible`", () => {
  const AGENT = HELPDESK["agents/billing.yaml"] ?? "";
  const eligible = (text: string, more: Readonly<Record<string, string>> = {}) =>
    loadAll({ "agents/billing.yaml": `${AGENT}eligible:\n${text}`, ...more });
  const entry = (changes: Readonly<Record<string, string>> = {}) => {
    const { role = "helper", most = "4h", reason = "r", approve: who = "{ by: [operator] }" } = changes;
    return `  - { role: ${role}, most: ${most}, reason: ${reason}, approve: ${who} }\n`;
  };
  const HELPER = { "roles/helper.yaml": "role: helper\nreason: r\nallow:\n  - do: invoices:read\n    id: help\n" };

  it("is a finding-free place for a role that nobody holds", () => {
    expect(eligible(entry(), HELPER)).toEqual([]);
    expect(loadAll(HELPER).map(({ code }) => code)).toEqual(["unused-role"]);
  });

  it.each([
    ["an unknown role", { role: "halper" }, "unknown-role"],
    ["no end", { most: "31d" }, "invalid-value"],
    ["a role that nobody holds to say yes", { approve: "{ by: [nobody] }" }, "unknown-person-role"],
    ["an escalation that comes too late", { approve: "{ by: [operator], escalate: { after: 30m, to: [finance] } }" }, "late-escalation"],
    ["a yes to several", { approve: "{ by: [operator], bounded: false }" }, "unknown-key"],
  ] as const)("with %s is an error", (_, changes, code) => {
    expect(eligible(entry(changes), HELPER).map((one) => `${one.severity} ${one.code}`)).toEqual([`error ${code}`]);
  });

  it("with one role twice is an error", () => {
    expect(eligible(entry() + entry({ most: "1h" }), HELPER).map(({ code }) => code)).toEqual(["duplicate-id"]);
  });

  it("with a role that the agent holds is a warning", () => {
    expect(places(eligible(entry({ role: "base" })))).toEqual(["warning idle-eligible agents/billing.yaml:10"]);
  });

  it("with more people than can answer is a warning", () => {
    expect(places(eligible(entry({ approve: "{ by: [operator], count: 2 }" }), HELPER))).toEqual([
      "warning too-few-approvers agents/billing.yaml:10",
    ]);
  });

  it("beyond the ceiling is told, as for a role that is held", () => {
    const wide = { "roles/helper.yaml": "role: helper\nreason: r\nallow:\n  - do: tickets:read\n    id: help\n" };
    expect(eligible(entry(), wide).map(({ code, what }) => [code, what])).toEqual([
      ["unreachable-rule", expect.stringContaining("`tickets:read` is outside the ceiling")],
    ]);
  });

  it("makes nobody bypass an approval of a role that is held", () => {
    const asking = {
      "roles/billing.yaml": (HELPDESK["roles/billing.yaml"] ?? "").replace(
        "    id: invoices\n",
        "    id: invoices\n    approve: { by: [operator] }\n",
      ),
    };
    expect(eligible(entry(), { ...HELPER, ...asking })).toEqual([]);
  });

  it("is what a condition on the role can be met by", () => {
    const gate = `${HELPDESK["gates.yaml"] ?? ""}  - gate: helpers\n    reason: r\n    on: { do: ["invoices:read"] }\n    when: principal in Role::"helper"\n    require: { limits: { perDay: 1 } }\n`;
    expect(eligible(entry(), { ...HELPER, "gates.yaml": gate })).toEqual([]);
    expect(loadAll({ ...HELPER, "gates.yaml": gate }).map(({ code }) => code)).toEqual(["unreachable-rule", "unused-role"]);
  });
});

describe("`reveal`", () => {
  const reveal = (text: string) => findings("bailiwick.yaml", "session:\n", `reveal: ${text}\nsession:\n`);

  it("with a role nobody holds is an error", () => {
    expect(places(reveal("{ untrusted: [leed] }"))).toEqual(["error unknown-person-role bailiwick.yaml:11"]);
  });

  it("with a label that no field has is a warning", () => {
    expect(places(reveal("{ pii: [support-lead] }"))).toEqual(["warning unknown-label bailiwick.yaml:11"]);
    expect(reveal("{ untrusted: [support-lead] }")).toEqual([]);
  });
});
