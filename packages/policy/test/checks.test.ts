import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { DIAGNOSTIC_CODES } from "../src/load/findings.ts";
import { cedar, deny, findings, loadAll, places, rows } from "./support/changed-folder.ts";

describe("a condition that is never true", () => {
  it("is told by the two parts that contradict each other, and by no other", () => {
    const [only, ...others] = rows(`resource.tier > 0 && resource.tier == 1 && resource.status == "open" && resource.tier == 2`);
    expect(only?.what).toBe("the condition can never be true: `resource.tier == 1` and `resource.tier == 2` cannot both be true");
    expect(others).toEqual([]);
  });

  it("is reported once where Cedar's validator sees it as well", () => {
    expect(places(rows("1 == 2"))).toEqual(["error impossible-condition roles/support.yaml:7"]);
  });

  it("is told apart from one that every alternative but one contradicts", () => {
    expect(rows("resource.tier != 1 && (resource.tier == 1 || resource.tier == 2)").map(({ code }) => code)).toEqual(["impossible-part"]);
  });

  it("is told apart from bounds that leave one value", () => {
    expect(rows("resource.tier >= 2 && resource.tier <= 2")).toEqual([]);
  });

  it("is found in a .cedar policy, `unless` included", () => {
    const when = `when { context.session.task == "a" }`;
    const policy = (unless: string) => loadAll(cedar(`forbid (principal, action in Action::"tickets:read", resource)\n${when} ${unless};`));
    expect(places(policy(`unless { context.session.task like "a*" }`))).toEqual(["error impossible-condition policies/extra.cedar:1"]);
    expect(policy(`unless { context.session.task like "b*" }`)).toEqual([]);
  });

  it("is found where it holds for another action than the rule covers", () => {
    const policy = (action: string) =>
      loadAll(cedar(`forbid (principal, action in Action::"tickets:read", resource) when { action == Action::"tickets.${action}" };`));
    expect(places(policy("update_ticket"))).toEqual(["error impossible-condition policies/extra.cedar:1"]);
    expect(policy("list_tickets")).toEqual([]);
  });

  it("is found in a .cedar policy that covers no action", () => {
    expect(places(loadAll(cedar("forbid (principal, action in [], resource);")))).toEqual([
      "error impossible-condition policies/extra.cedar:1",
    ]);
  });

  it("is not seen in a ceiling that one environment of the agent can meet", () => {
    const environment = (name: string) =>
      findings(
        "agents/support.yaml",
        "effects: [read, write, send, delete] }",
        `effects: [read], when: principal.environment == "${name}" }`,
      );
    expect(places(environment("staging"))).toEqual(["error impossible-condition agents/support.yaml:8"]);
    expect(places(environment("dev"))).not.toContain("error impossible-condition agents/support.yaml:8");
  });
});

describe("an alternative that is never true", () => {
  it("is told with the part outside that contradicts it", () => {
    const [only] = rows(`resource.tier == 1 && (resource.status == "open" || resource.tier > 1)`);
    expect(only?.what).toBe(
      "the alternative `resource.tier > 1` can never be true: `resource.tier == 1` and `resource.tier > 1` cannot both be true",
    );
  });

  it("is found below another alternative", () => {
    expect(places(rows(`resource.status == "open" || resource.tier > 1 && (resource.tier == 1 || resource.region == "emea")`))).toEqual([
      "warning impossible-part roles/support.yaml:7",
    ]);
  });

  it("is found in what `!` turns into alternatives", () => {
    expect(rows(`resource.tier == 1 && !(resource.tier == 1 && resource.status == "open")`).map(({ what }) => what)).toEqual([
      "the alternative `!(resource.tier == 1)` can never be true: `resource.tier == 1` and `!(resource.tier == 1)` cannot both be true",
    ]);
  });

  it("is not seen where each alternative fits what is outside", () => {
    expect(rows(`resource.tier <= 2 && (resource.status == "open" || resource.tier > 1)`)).toEqual([]);
  });
});

describe("a condition that is always true", () => {
  it("is not seen where two denied values are joined by `&&`", () => {
    expect(rows(`resource.region != "amer" && resource.region != "apac"`)).toEqual([]);
  });

  it("is not seen in a .cedar policy without a clause", () => {
    expect(loadAll(cedar('forbid (principal, action in Action::"tickets:read", resource);')).map(({ code }) => code)).not.toContain(
      "always-true-condition",
    );
  });

  it("is found in a deny, a gate and a ceiling", () => {
    const text = `context.session.task == "a" || context.session.task != "a"`;
    expect(places(deny(`  - do: tickets:delete\n    when: ${text}\n`))).toEqual(["warning always-true-condition roles/support.yaml:21"]);
    expect(places(findings("gates.yaml", `context.args.to.domain != "acme.example"`, text))).toEqual([
      "warning always-true-condition gates.yaml:7",
    ]);
    expect(places(findings("agents/billing.yaml", `context.session.task != "frozen"`, text))).toEqual([
      "warning always-true-condition agents/billing.yaml:8",
    ]);
  });

  it("is not seen in an exception that is narrower than its grant", () => {
    const grant = (domain: string) =>
      findings(
        "roles/support.yaml",
        "    approve: { by: [support-lead]",
        `    when: context.args.to.domain like "*.${domain}"\n    approve: { by: [support-lead]`,
      );
    expect(grant("example")).toEqual([]);
  });
});

describe("a name that nothing bears", () => {
  it.each([
    ["a role", 'principal in Role::"suport"', "unknown-role", "`support`"],
    ["a role in a list", 'principal in [Role::"support", Role::"biling"]', "unknown-role", "`billing`"],
    ["an action", 'action in Action::"tickets:raed"', "unknown-action", "`tickets:read`"],
    [
      "an agent",
      'principal == Agent::"bailiwick://acme/prod/helpdesk/suport"',
      "unknown-agent",
      "`bailiwick://acme/prod/helpdesk/support`",
    ],
    ["a record type", "resource is Tiket", "unknown-type", "`Ticket`"],
    ["a type of entity", 'principal in Rol::"support"', "unknown-type", "`Role`"],
  ])("is found in the body of a .cedar policy, at its line, once: %s", (_, condition, code, write) => {
    const found = loadAll(
      cedar(`forbid (principal, action in Action::"tickets:read", resource)\nwhen { context.session.task != "" &&\n  ${condition} };`),
    );
    expect(places(found)).toEqual([`error ${code} policies/extra.cedar:4`]);
    expect(found[0]?.write).toBe(write);
  });

  it.each([
    ["principal", 'principal in Rol::"support", action in Action::"tickets:read", resource', "unknown-type"],
    ["action", 'principal, action in Action::"tickets:raed", resource', "unknown-action"],
    ["resource", 'principal, action in Action::"tickets:read", resource is Tiket', "unknown-type"],
  ])("is found in the scope of a .cedar policy: %s", (_, scope, code) => {
    expect(places(loadAll(cedar(`forbid (${scope});`)))).toEqual([`error ${code} policies/extra.cedar:2`]);
  });

  it("is not seen in names of roles, actions and types that exist", () => {
    expect(
      rows('principal in Role::"base" && action in [Action::"tickets.get_ticket", Action::"tickets:read"] && resource is Ticket'),
    ).toEqual([]);
  });
});

describe("the table of codes in docs/spec/policy-files.md", () => {
  const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
  const table = [...read("docs/spec/policy-files.md").matchAll(/^\| `([a-z-]+)` \| ((?:error|warning)(?:, warning)?) \| .+ \|$/gm)].map(
    ([, code = "", severity = ""]) => `${code} ${severity}`,
  );

  it("lists exactly the codes that exist, with how much they weigh", () => {
    const codes = Object.entries(DIAGNOSTIC_CODES).map(([code, severities]) => `${code} ${severities.join(", ")}`);
    // The broker's own: what `load` never sees.
    expect(read("packages/broker/src/config/live-policy.ts")).toContain('code: "folder"');
    expect(table).toEqual([...codes, "folder error"].toSorted());
  });

  it("lists only codes that some source reports, and all that the readers of files report", () => {
    const source = (folder: string): string =>
      readdirSync(new URL(`../src/${folder}/`, import.meta.url))
        .filter((name) => name.endsWith(".ts") && name !== "findings.ts")
        .map((name) => read(`packages/policy/src/${folder}/${name}`))
        .join("\n");
    const all = ["files", "load", "load/checks"].map(source).join("\n");
    expect(Object.keys(DIAGNOSTIC_CODES).filter((code) => !all.includes(`"${code}"`))).toEqual([]);
    const ofFiles = [...source("files").matchAll(/^\s*code: .*/gm)].flatMap(([line]) =>
      [...line.matchAll(/"([a-z-]+)"/g)].map(([, code]) => code),
    );
    expect(ofFiles.length).toBeGreaterThan(3);
    expect(ofFiles.filter((code) => !Object.hasOwn(DIAGNOSTIC_CODES, code ?? ""))).toEqual([]);
  });
});
