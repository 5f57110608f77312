import { describe, expect, it } from "vitest";
import { load } from "../src/index.ts";
import { loadAll, places } from "./support/changed-folder.ts";
import { files } from "./support/helpdesk.ts";

const DATABASE = (credential: string): Readonly<Record<string, string>> => ({
  "tools/reports.yaml": `tool: reports
connect: { postgres: { host: db.example, database: "reports" } }
credential: ${credential}
actions:
  look: { is: "reports:read", effect: read, args: {}, statement: { sql: "select 1" } }
`,
});
const codes = (credential: string): readonly string[] =>
  places(loadAll(DATABASE(credential))).filter((place) => place.includes("tools/reports.yaml"));
const ROTATED = (postgres: string, more = ""): string =>
  `{ name: reports-db, inject: { login: r }, ${more} rotate: { every: 30d, grace: 10m, postgres: { ${postgres} } } }`;

describe("the credential of a tool", () => {
  it("carries its source, hosts and schedule, times in milliseconds", () => {
    const credential = `{ name: reports-db, inject: { login: reports_acme_a }, rotate: { every: 30d, grace: 10m, postgres: { roles: ["r_\${tenant}_a", "r_\${tenant}_b"], admin: reports-admin } } }`;
    const loaded = load(files(DATABASE(credential)));
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics));
    expect(loaded.policy.tools.find(({ tool }) => tool === "reports")?.credential).toEqual({
      name: "reports-db",
      inject: { login: "reports_acme_a" },
      rotate: { everyMs: 2_592_000_000, graceMs: 600_000, postgres: { roles: ["r_${tenant}_a", "r_${tenant}_b"], admin: "reports-admin" } },
    });
  });

  it.each([["env:KEY_${tenant}"], ["file:/run/secrets/${tenant}/${environment}.key"], ["vault:secret/crm/${tenant}#api-key"]])(
    "may be kept at `%s`",
    (from) => {
      expect(codes(`{ name: reports-db, inject: { login: r }, from: "${from}", hosts: [db.example] }`)).toEqual([]);
    },
  );

  it.each([
    "env:KEY ${tenant}",
    "env:${env:HOME}",
    "file:relative/${tenant}",
    "vault:secret#${tenant}",
    "vault:secret/${tenant}",
    "file:/x/${user}",
    "STORE",
    "partner:",
  ])("is not kept at `%s`", (from) => {
    expect(codes(`{ name: reports-db, inject: { login: r }, from: "${from}", hosts: [db.example] }`)).toEqual([
      "error invalid-value tools/reports.yaml:3",
    ]);
  });

  it("says the same in every tool that names it", () => {
    const other = (file: string, from: string): string =>
      `tool: ${file}\nconnect: { mcp: { command: [x] } }\ncredential: { name: shared-key, inject: { environment: KEY }, from: "${from}" }\nactions: { look: { is: "${file}:read", effect: read, args: {} } }\n`;
    const both = (from: string) => loadAll({ "tools/one.yaml": other("one", "env:KEY_${tenant}"), "tools/two.yaml": other("two", from) });
    expect(places(both("env:OTHER_${tenant}"))).toContain("error credential-conflict tools/two.yaml:3");
    expect(places(both("env:KEY_${tenant}"))).not.toContain("error credential-conflict tools/two.yaml:3");
  });

  it.each([
    ["the same role twice", ROTATED('roles: ["a_${tenant}", "a_${tenant}"], admin: reports-admin')],
    ["itself as admin", ROTATED('roles: ["a_${tenant}", "b_${tenant}"], admin: reports-db')],
    ["one pair of roles for all tenants", ROTATED("roles: [a, b], admin: reports-admin")],
    [
      "a source the broker cannot write to",
      ROTATED('roles: ["a_${tenant}", "b_${tenant}"], admin: reports-admin', 'from: "file:/run/${tenant}", hosts: [db.example],'),
    ],
  ])("does not rotate login roles with %s", (_, credential) => {
    expect(codes(credential)).toEqual(["error credential-rotation tools/reports.yaml:3"]);
  });
});
