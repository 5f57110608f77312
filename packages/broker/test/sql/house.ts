import type { JsonObject, Policy, RecordView } from "@bailiwick/policy";
import { Client } from "pg";
import { connectPostgresTool } from "../../src/adapters/postgres-tool/connect.ts";
import { loadSqlParser } from "../../src/adapters/sql/parser.ts";
import { readQuery } from "../../src/adapters/sql/read-query.ts";
import { handleCall } from "../../src/call/handle-call.ts";
import type { CallAnswer } from "../../src/call/types.ts";
import { Fault } from "../../src/domain/fault.ts";
import type { Session } from "../../src/domain/session.ts";
import type { ConnectionKey, ToolConnection } from "../../src/domain/tool.ts";
import { incoming, silentIo, testPolicy, type World, world } from "../call/support.ts";
import { testDatabase } from "../support/database.ts";
import { testStore } from "../support/store.ts";

/** What no answer may ever hold: it stands in hidden rows and hidden columns only. */
export const MARKER = "hidden-marker";

/** The e-mail addresses, salt and masks are those of the broker; records of `emea` are the agent's own. */
const SCHEMA = `
  create table customers (
    id text primary key, tenant text not null, region text not null, name text not null, email text, ssn text, balance numeric(12,2) not null,
    tier int not null, active boolean not null, since timestamptz, notes text, city text not null, zip text, tags text[], extra jsonb
  );
  insert into customers values
    ('C-1', 'acme', 'emea', 'Ada', 'ada@acme.example', '123-45-6789', 10.50, 1, true, '2026-01-02T03:04:05Z', 'hidden-marker', 'Paris', '75001', '{vip,old}', '{"a":1}'),
    ('C-2', 'acme', 'emea', 'Bob', null, '987-65-4321', 4, 2, false, null, 'hidden-marker', 'Rome', null, null, null),
    ('C-3', 'acme', 'amer', 'hidden-marker', 'hidden-marker@x.example', 'hidden-marker', 0, 3, true, '2025-01-01T00:00:00Z', 'hidden-marker', 'hidden-marker', 'hidden-marker', '{hidden-marker}', '{"a":"hidden-marker"}'),
    ('C-4', 'globex', 'emea', 'hidden-marker', 'hidden-marker', 'hidden-marker', 0, 1, true, null, 'hidden-marker', 'hidden-marker', null, '{hidden-marker}', '"hidden-marker"');
  create table orders (id int primary key, tenant text not null, customer text not null, total bigint not null, placed date not null);
  insert into orders values (1, 'acme', 'C-1', 100, '2026-05-01'), (2, 'acme', 'C-2', 200, '2026-05-02'), (3, 'globex', 'C-4', 999999, '2026-05-03');
  create table secrets (id text primary key, value text);
  insert into secrets values ('S-1', 'hidden-marker');
  create view spying as select id, notes from customers;
  create function public.spy() returns text language sql as $$ select notes from public.customers limit 1 $$;
  create function public.upper(text) returns text language sql as $$ select notes from public.customers limit 1 $$;
`;

export const CATALOG = `tool: tickets
connect: { postgres: { host: unused, database: unused } }
credential: { name: desk-login, inject: { login: desk } }
types:
  Customer:
    id: string
    tenant: string
    region: string
    name: string
    "email?": email
    "ssn?": string
    balance: decimal
    tier: integer
    active: boolean
    "since?": datetime
    "notes?": string
    address: { city: string, "zip?": string }
    "tags?": [string]
    "extra?": any
  Order: { id: integer, tenant: string, customer: string, total: integer, placed: datetime }
  Secret: { id: string, "value?": string }
tenantField: { Customer: tenant, Order: tenant }
tables:
  customers: { type: Customer, read: list_customers, columns: { address.city: city, address.zip: zip } }
  orders: { type: Order, read: list_orders }
  secrets: { type: Secret, read: list_secrets }
actions:
  list_customers: { is: "tickets:read", effect: read, args: { "limit?": integer, "after?": string, "region?": string, "ssn?": string, "notes?": string }, table: { name: customers, do: select }, returns: { type: Customer, at: result.rows } }
  get_customer: { is: "tickets:read", effect: read, args: { id: string }, table: { name: customers, do: select }, resource: { type: Customer, id: args.id }, returns: { type: Customer, at: result.record } }
  list_orders: { is: "tickets:orders", effect: read, args: {}, table: { name: orders, do: select }, returns: { type: Order, at: result.rows } }
  list_secrets: { is: "tickets:secrets", effect: read, args: {}, table: { name: secrets, do: select }, returns: { type: Secret, at: result.rows } }
  update_customer:
    is: tickets:update
    effect: write
    args: { id: string, "name?": string, "region?": string, "ssn?": string, "address?": { city: string, "zip?": string }, "extra?": any, "tags?": [string], "since?": datetime }
    table: { name: customers, do: update }
    resource: { type: Customer, id: args.id, before: get_customer }
    returns: { type: Customer, at: result.record }
  add_customer:
    is: tickets:add
    effect: write
    args: { id: string, region: string, name: string, balance: decimal, tier: integer, active: boolean, address: { city: string, "zip?": string }, "extra?": any, "tags?": [string] }
    force: { tenant: principal.tenant }
    table: { name: customers, do: insert }
    returns: { type: Customer, at: result.record }
  delete_customer:
    is: tickets:delete
    effect: delete
    args: { id: string }
    table: { name: customers, do: delete }
    resource: { type: Customer, id: args.id, before: get_customer }
    returns: { type: Customer, at: result.record }
  query:
    is: tickets:query
    effect: read
    args: { sql: string, "params?": [any] }
    sql: { tables: [customers, orders], maxRows: 50, maxCost: 50000 }
    timeout: 3s
`;

const ROLE = `role: support
reason: works with the customers of its region
allow:
  - do: tickets:read
    rows: resource.region == "emea"
    fields: { hide: [notes], mask: { ssn: partial, email: hash } }
  - do: tickets:orders
  - do: tickets:secrets
  - do: tickets:query
  - do: tickets:update
    rows: resource.region == "emea"
    fields: { hide: [notes] }
  - do: tickets:add
  - do: tickets:delete
    rows: resource.region == "emea"
`;

export interface House extends World {
  /** Owner of the tool's database. */
  readonly owner: Client;
  readonly policy: Policy;
  readonly connection: ToolConnection;
  /** One query through the whole path. */
  query(sql: string, params?: readonly JsonObject[string][]): Promise<CallAnswer>;
  /** A call of a session that is like the house's own but for what is given. */
  callAs(session: Session, name: string, args: JsonObject): Promise<CallAnswer>;
  /** Straight to the tool, past the path. */
  invoke(name: string, args: JsonObject, views: ReadonlyMap<string, RecordView> | undefined): Promise<JsonObject>;
  /** The tool's login. */
  readonly login: string;
  /** The tool again, whose transactions act as this role; queries see every record of the tenant. */
  connectAs(role: string): { query(sql: string): Promise<unknown>; close(): Promise<void> };
  /** Runs right before a change is sent to the tool. */
  before(hook: (() => Promise<void>) | undefined): void;
  close(): Promise<void>;
}

/** The path of a call with the real store, the real tool and a real database of a customer behind it. */
export async function sqlHouse(extra: Readonly<Record<string, string>> = {}): Promise<House> {
  await loadSqlParser();
  const [store, database] = [await testStore(), await testDatabase()];
  const owner = new Client({ connectionString: database.databaseUrl });
  await owner.connect();
  const login = { user: `desk_${database.name}`, password: `pw-${database.name}` };
  await owner.query(SCHEMA);
  await owner.query(`create role ${login.user} login password '${login.password}';
    grant select, insert, update, delete on all tables in schema public to ${login.user};`);
  const policy = testPolicy({ "tools/tickets.yaml": CATALOG, "roles/support.yaml": ROLE, ...WITHOUT_HEALTH, ...extra });
  const [tool] = policy.tools;
  if (tool === undefined) throw new Error("the policy has its tool");
  const key: ConnectionKey = { tool: "tickets", tenant: "acme", environment: "prod", workflow: "helpdesk" };
  const connection = connectPostgresTool(key, tool, { host: owner.host, port: String(owner.port), database: database.name });
  const listing = await connection.listing();
  const opened = {
    tenant: "acme",
    environment: "prod",
    workflow: "helpdesk",
    hosts: ["unused:5432"],
    name: "desk-login",
    version: 1,
    value: login.password,
    login: login.user,
    alsoSecret: [],
  };
  let hook: (() => Promise<void>) | undefined;
  const changes = async (operation: string): Promise<void> => {
    if (operation === "update_customer" || operation === "delete_customer") await hook?.();
  };
  const built = await world(
    store.store,
    (ports) => ({
      ...ports,
      readSql: readQuery,
      onFault: (failure) => {
        if (failure instanceof Fault || (failure instanceof Error && failure.name === "Refusal")) return;
        console.error(failure);
      },
      credentials: { open: () => Promise.resolve(opened), held: () => Promise.resolve([]) },
      tools: { known: () => listing, connect: () => Promise.resolve(hooked(connection, changes)) },
    }),
    policy,
  );
  return {
    ...built,
    owner,
    policy,
    connection,
    query: (sql, params) => built.call("query", params === undefined ? { sql } : { sql, params }),
    callAs: async (session, name, args) => {
      const other = { ...session, id: `${session.id}b`, task: `${session.task}b` };
      await store.store.sessions.create(other);
      return handleCall(built.ports, incoming(other.id, name, args));
    },
    invoke: (name, args, views) =>
      connection.invoke({ tool: "tickets", kind: "tool", name }, args, {
        timeoutMs: 5_000,
        maxBytes: 100_000,
        equipment: { headers: {}, environment: {}, login },
        io: silentIo(),
        views,
        maskSalt: "salt",
      }),
    login: login.user,
    connectAs: (role) => {
      const target = { host: owner.host, port: String(owner.port), database: database.name, role };
      const narrow = connectPostgresTool(key, tool, target);
      const whole = { op: "true" } as const;
      const view = (type: string): RecordView => ({
        type,
        layers: [{ base: whole, grants: [{ rows: ACME, fields: new Map() }] }],
        unpushed: [],
      });
      const views = new Map([
        ["customers", view("Customer")],
        ["orders", view("Order")],
      ]);
      const options = { timeoutMs: 5_000, maxBytes: 100_000, equipment: { headers: {}, environment: {}, login }, io: silentIo() };
      return {
        query: async (sql) =>
          (await narrow.invoke({ tool: "tickets", kind: "tool", name: "query" }, { sql }, { ...options, views, maskSalt: "salt" }))[
            "structuredContent"
          ],
        close: () => narrow.close(),
      };
    },
    before: (next) => {
      hook = next;
    },
    close: async () => {
      await connection.close();
      await owner.query(`drop owned by ${login.user}; drop role ${login.user}`);
      await owner.end();
      await database.close();
      await store.close();
    },
  };
}

const ACME = { op: "eq", left: { field: "tenant", type: "string" }, right: { value: { type: "string", text: "acme" } } } as const;

function hooked(connection: ToolConnection, before: (operation: string) => Promise<void>): ToolConnection {
  return {
    ...connection,
    invoke: async (operation, args, options) => {
      await before(operation.name);
      return connection.invoke(operation, args, options);
    },
  };
}

export const WITHOUT_HEALTH = {
  "agents/support.yaml": `agent: support
workflow: helpdesk
owner: dana
tenants: [acme, globex]
environments: [prod]
roles: [support]
ceiling: { allow: ["tickets:*"] }
`,
};

/** Rows of an answer; throws what came instead. */
export function rowsOf(answer: CallAnswer): readonly JsonObject[] {
  const content = answer.kind === "result" ? answer.body["structuredContent"] : undefined;
  // unsafe: the tool's own output schema says so.
  const { rows } = (content ?? {}) as { readonly rows?: readonly JsonObject[] };
  if (rows === undefined) throw new Error(`no rows: ${JSON.stringify(answer)}`);
  return rows;
}

export function recordOf(answer: CallAnswer): JsonObject {
  const content = answer.kind === "result" ? answer.body["structuredContent"] : undefined;
  // unsafe: the tool's own output schema says so.
  const { record } = (content ?? {}) as { readonly record?: JsonObject };
  if (record === undefined) throw new Error(`no record: ${JSON.stringify(answer)}`);
  return record;
}

/** What the answer says for itself when it is no result. */
export function said(answer: CallAnswer): string {
  return answer.kind === "refused" || answer.kind === "tool_error"
    ? `${answer.code} ${answer.message}`
    : `${answer.kind} ${JSON.stringify(answer)}`;
}
