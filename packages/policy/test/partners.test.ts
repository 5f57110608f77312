import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { load } from "../src/index.ts";
import { loadAll, places } from "./support/changed-folder.ts";
import { files, HELPDESK } from "./support/helpdesk.ts";

const KEYS: Readonly<Record<string, string>> = {
  issuer: "https://idp.globex.example",
  kinds: "[id-jag]",
  subjects: '["user-*"]',
  tenants: "[acme]",
  environments: "[prod]",
  agent: "helpdesk/support",
  ceiling: "{ scope: [tickets:read], rows: { Ticket: { id: [T-1] } }, limits: { calls: 20 } }",
  contact: "security@globex.example",
};

function partner(more: Readonly<Record<string, string | undefined>> = {}, name = "globex-corp"): string {
  return `  ${name}:\n${Object.entries({ ...KEYS, ...more })
    .flatMap(([key, value]) => (value === undefined ? [] : [`    ${key}: ${value}\n`]))
    .join("")}`;
}

const found = (...partners: readonly string[]): readonly string[] =>
  places(loadAll({ "partners.yaml": `partners:\n${partners.join("")}` }).filter(({ severity }) => severity === "error"));

function loaded(text: string | undefined) {
  const result = load(files(text === undefined ? {} : { "partners.yaml": text }));
  if (!result.ok) throw new Error(JSON.stringify(result.diagnostics));
  return result.policy;
}

describe("partners.yaml", () => {
  it("is optional: without it there is no partner", () => {
    expect(loaded(undefined).partners).toEqual([]);
  });

  it("names the partner, the agent its sessions act as, and its ceiling", () => {
    expect(loaded(`partners:\n${partner()}`).partners).toMatchObject([
      {
        name: "globex-corp",
        issuer: "https://idp.globex.example",
        algorithms: ["ES256"],
        workflow: "helpdesk",
        agent: "support",
        ceiling: { scope: ["tickets:read"], rows: { Ticket: { id: ["T-1"] } }, limits: { calls: 20 } },
        maxTtlMs: 300_000,
      },
    ]);
  });

  it("loads as docs/spec/policy-files.md shows it", () => {
    const spec = readFileSync(new URL("../../../docs/spec/policy-files.md", import.meta.url), "utf8");
    const [, shown = ""] = /## partners\.yaml\n+```yaml\n([\s\S]*?)```/u.exec(spec) ?? [];
    expect(loaded(shown).partners.map(({ name }) => name)).toEqual(["globex"]);
  });

  it("gives another version to every change but one of the contact", () => {
    const version = (more: Readonly<Record<string, string>>): string | undefined =>
      loaded(`partners:\n${partner(more)}`).partners[0]?.version;
    expect(version({ contact: "soc@globex.example" })).toBe(version({}));
    for (const change of [
      { issuer: "https://other.example" },
      { subjects: '["user-1*"]' },
      { maxTtl: "1m" },
      { jwks: "https://a.example/k" },
    ])
      expect(version(change)).not.toBe(version({}));
  });

  it.each<[string, Readonly<Record<string, string | undefined>>, string, number]>([
    ["an unknown tenant", { tenants: "[acme, nowhere]" }, "unknown-tenant", 6],
    ["an unknown environment", { environments: "[prod, moon]" }, "unknown-environment", 7],
    ["an unknown agent", { agent: "helpdesk/suport" }, "unknown-agent", 8],
    ["an unknown scope", { ceiling: "{ scope: [tickets:raed] }" }, "unknown-scope", 9],
    ["everything at once", { ceiling: '{ scope: ["*"] }' }, "god-mode", 9],
    ["an unknown record type", { ceiling: "{ scope: [tickets:read], rows: { Tiket: { id: [T-1] } } }" }, "unknown-type", 9],
    ["an unknown field", { ceiling: "{ scope: [tickets:read], rows: { Ticket: { regoin: [emea] } } }" }, "unknown-field", 9],
    ["an address that is not encrypted", { issuer: "http://idp.globex.example" }, "invalid-value", 3],
    ["an address with a password", { issuer: '"https://a:b@idp.example"' }, "invalid-value", 3],
    ["a pattern for every subject", { subjects: '["*"]' }, "invalid-value", 5],
    ["a star in the middle", { subjects: '["user-*-x"]' }, "invalid-value", 5],
    ["a symmetric algorithm", { algorithms: "[HS256]" }, "invalid-value", 11],
    ["no ceiling", { ceiling: undefined }, "missing-key", 2],
    ["a misspelt key", { maxTTL: "5m" }, "unknown-key", 11],
    ["a SPIFFE kind without its bundle", { kinds: "[jwt-svid]" }, "partner", 4],
    ["a bundle that nothing uses", { spiffe: "{ trustDomain: a.example, bundle: https://a.example/b }" }, "partner", 11],
    ["a session that would live an hour", { maxTtl: "1h" }, "partner", 11],
  ])("reports %s at its line", (_, change, code, line) => {
    expect(found(partner(change))).toContain(`error ${code} partners.yaml:${line}`);
  });

  it("reports two partners that one assertion could be of", () => {
    expect(found(partner(), partner({}, "twin"))).toEqual(["error partner partners.yaml:12"]);
  });

  it("reports a tool that goes out to nobody", () => {
    const tool = (HELPDESK["tools/tickets.yaml"] ?? "").replace(
      "credential: { name: helpdesk-api,",
      "credential: { name: helpdesk-api, from: partner:globex-corp,",
    );
    const errors = (partners: string): readonly string[] =>
      places(loadAll({ "tools/tickets.yaml": tool, "partners.yaml": partners })).filter((place) => place.startsWith("error"));
    expect(errors(`partners:\n${partner()}`)).toContain("error partner tools/tickets.yaml:1");
    const outbound = "{ resource: https://globex.example/mcp, scope: [tickets:read] }";
    expect(errors(`partners:\n${partner({ outbound })}`)).toEqual([]);
  });
});
