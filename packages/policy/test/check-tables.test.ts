import { describe, expect, it } from "vitest";
import { load } from "../src/index.ts";

const MAIN = `version: 1
tenants: [acme]
environments: { prod: {} }
people: { dana: { name: Dana, email: dana@acme.example, tenants: [acme], roles: [lead] } }
`;

const TOOL = `tool: crm
connect: { postgres: { host: db, database: crm } }
credential: { name: crm-login, inject: { login: crm } }
types:
  Customer: { id: string, tenant: string, tier: integer, "note?": string, address: { city: string } }
tenantField: { Customer: tenant }
tables:
  customers: { type: Customer, read: list, columns: { address.city: city } }
actions:
  list: { is: "crm:read", effect: read, args: { "tier?": integer, "limit?": integer, "after?": string }, table: { name: customers, do: select }, returns: { type: Customer, at: result.rows } }
  get: { is: "crm:read", effect: read, args: { id: string }, table: { name: customers, do: select }, resource: { type: Customer, id: args.id }, returns: { type: Customer, at: result.record } }
  add: { is: "crm:add", effect: write, args: { id: string, tier: integer }, force: { tenant: principal.tenant }, table: { name: customers, do: insert }, returns: { type: Customer, at: result.record } }
  set: { is: "crm:set", effect: write, args: { id: string, "tier?": integer }, table: { name: customers, do: update }, resource: { type: Customer, id: args.id, before: get }, returns: { type: Customer, at: result.record } }
  drop: { is: "crm:drop", effect: delete, args: { id: string }, table: { name: customers, do: delete }, resource: { type: Customer, id: args.id, before: get }, returns: { type: Customer, at: result.record } }
  query: { is: "crm:query", effect: read, args: { sql: string, "params?": [any] }, sql: { tables: [customers], functions: [sinh] } }
  old: { is: "crm:old", effect: read, args: {}, statement: { sql: select 1 } }
`;

/** Codes and lines of what is wrong with the tool after one change of its text. */
function wrong(from = "", to = ""): readonly string[] {
  expect(TOOL).toContain(from);
  const loaded = load([
    { path: "bailiwick.yaml", text: MAIN },
    { path: "tools/crm.yaml", text: TOOL.replace(from, to) },
  ]);
  return loaded.ok ? [] : loaded.diagnostics.map(({ code, at }) => `${code} ${String(at.line)}`);
}

describe("a tool with tables", () => {
  it("loads as it is written in the guide", () => {
    expect(wrong()).toEqual([]);
  });

  it.each([
    ["a table of an unknown type", "type: Customer, read: list", "type: Other, read: list", "unknown-type 8"],
    ["a read action that there is not", "read: list", "read: lost", "unknown-action 8"],
    ["a read action that needs an argument", "read: list", "read: get", "unknown-action 8"],
    ["a read action that is no read", "read: list", "read: add", "unknown-action 8"],
    ["a key that is no field", "read: list,", "read: list, key: nothing,", "unknown-field 8"],
    ["an optional key", "read: list,", "read: list, key: note,", "unknown-field 8"],
    ["a column of no field", "address.city: city", "address.town: city, address.city: town", "unknown-field 8"],
    ["a nested field without a column", "columns: { address.city: city }", "columns: {}", "table 8"],
    ["two fields in one column", "address.city: city", "address.city: note", "table 8"],
    [
      "an action with two ways to its SQL",
      "sql: { tables: [customers], functions: [sinh] }",
      "sql: { tables: [customers] }, statement: { sql: select 1 }",
      "statement 15",
    ],
    ["an action without a way", ", statement: { sql: select 1 }", "", "statement 16"],
    ["an unknown table", "table: { name: customers, do: delete }", "table: { name: others, do: delete }", "table 14"],
    ["an effect that is another", "effect: delete", "effect: write", "table 14"],
    ["a select that writes", 'list: { is: "crm:read", effect: read', 'list: { is: "crm:read", effect: write', "table 10"],
    ["records in another place", "at: result.rows", "at: result", "table 10"],
    ["an argument that is no field", '"tier?": integer, "limit?"', '"size?": integer, "limit?"', "table 10"],
    ["an argument of another type", '"tier?": integer, "limit?"', '"tier?": string, "limit?"', "table 10"],
    [
      "an update without its key",
      'set: { is: "crm:set", effect: write, args: { id: string,',
      'set: { is: "crm:set", effect: write, args: { note: string,',
      "table 13",
    ],
    [
      "a delete with more than the key",
      "effect: delete, args: { id: string }",
      "effect: delete, args: { id: string, tier: integer }",
      "table 14",
    ],
    ["an insert into any tenant", "force: { tenant: principal.tenant }", "force: {}", "table 12"],
    [
      "an update of the tenant",
      '"tier?": integer }, table: { name: customers, do: update }',
      '"tenant?": string }, table: { name: customers, do: update }',
      "table 13",
    ],
    ["a query that is no read", 'query: { is: "crm:query", effect: read', 'query: { is: "crm:query", effect: write', "query 15"],
    ["a query with other arguments", '"params?": [any]', '"values?": [any]', "query 15"],
    ["a query of an unknown table", "tables: [customers], functions", "tables: [others], functions", "table 15"],
    ["a query with a function that reaches out", "functions: [sinh]", "functions: [pg_read_file]", "query 15"],
    ["tables of another kind of tool", "postgres: { host: db, database: crm }", "mcp: { command: [x] }", "table 8"],
  ])("is refused with %s", (_, from, to, finding) => {
    expect(wrong(from, to)).toContain(finding);
  });

  it.each([
    "set_config",
    "current_setting",
    "dblink_exec",
    "lo_import",
    "query_to_xml",
    "nextval",
    "pg_sleep",
    "has_table_privilege",
    "to_regclass",
    "ts_rewrite",
    "lowrite",
    "getpgusername",
  ])("does not let a query call %s, whoever reviewed it", (name) => {
    expect(wrong("functions: [sinh]", `functions: [${name}]`)).toContain("query 15");
  });
});
