import type { CatalogAction, CatalogTool, Effect, FieldType } from "@bailiwick/policy";
import { Client } from "pg";
import { connectPostgresTool } from "../../src/adapters/postgres-tool/connect.ts";
import type { CallIo, ToolConnection } from "../../src/domain/tool.ts";
import { testDatabase } from "../support/database.ts";

export const KEY = { tool: "reports", tenant: "acme", environment: "prod", workflow: "helpdesk" };

export interface StatementDatabase {
  readonly owner: Client;
  readonly tool: ToolConnection;
  readonly login: { readonly user: string; readonly password: string };
  readonly target: { readonly host: string; readonly port: string; readonly database: string };
  close(): Promise<void>;
}

/** A database with a small table, a login of its own, and the tool over it. */
export async function statementDatabase(actions: readonly CatalogAction[]): Promise<StatementDatabase> {
  const database = await testDatabase();
  const owner = new Client({ connectionString: database.databaseUrl });
  await owner.connect();
  const login = { user: `user_${database.name}`, password: `pw-${database.name}` };
  await owner.query(`
    create role ${login.user} login password '${login.password}';
    create table ticket (id text primary key, tier int not null, amount numeric(12,2), big bigint, seen timestamptz, day date, raw bytea, tags jsonb);
    insert into ticket values ('T-1', 1, 12.50, 9007199254740993, '2026-11-23T10:00:00+01', '2026-11-23', '\\x01ff', '{"a":[1]}'), ('T-2', 2, null, 7, null, null, null, null);
    grant select, insert, update, delete on ticket to ${login.user};
    create table fragile (mode text not null);
    grant insert, select on fragile to ${login.user};
    create function at_commit() returns trigger language plpgsql as $$
    begin
      if new.mode = 'die' then perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(5); end if;
      if new.mode = 'refuse' then raise exception 'not today'; end if;
      if new.mode = 'hang' then
        begin perform pg_sleep(5); exception when query_canceled then perform pg_sleep(3); end;
      end if;
      return new;
    end $$;
    create constraint trigger at_commit after insert on fragile deferrable initially deferred for each row execute function at_commit();
    create function sneaky() returns int language sql as $$ update ticket set tier = 9 returning 1 $$;
  `);
  const target = { host: owner.host, port: String(owner.port), database: database.name };
  const tool = connectPostgresTool(KEY, catalogTool(actions), target);
  return {
    owner,
    tool,
    login,
    target,
    close: async () => {
      await tool.close();
      await owner.query(`drop owned by ${login.user}; drop role ${login.user}`);
      await owner.end();
      await database.close();
    },
  };
}

export function statement(
  name: string,
  sql: string,
  options: { effect?: Effect; args?: Record<string, FieldType>; params?: string[]; force?: Record<string, string> } = {},
): CatalogAction {
  return {
    operation: { tool: "reports", kind: "tool", name },
    scope: `reports:${name}`,
    effect: options.effect ?? "read",
    args: options.args ?? {},
    force: options.force ?? {},
    push: {},
    tokens: [],
    labels: {},
    destination: [],
    timeoutMs: 10_000,
    statement: { sql, params: options.params ?? [] },
    at: { file: "tools/reports.yaml", line: 1 },
  };
}

export function catalogTool(actions: readonly CatalogAction[]): CatalogTool {
  return {
    tool: "reports",
    connect: { postgres: { host: "localhost", database: "reports" } },
    credential: { name: "reports-login", inject: { login: "reports" } },
    types: {},
    tenantField: {},
    tables: [],
    actions,
    at: { file: "tools/reports.yaml", line: 1 },
  };
}

export function callIo(signal: AbortSignal = new AbortController().signal): CallIo {
  return { signal, capabilities: {}, progress: () => {}, log: () => {}, ask: () => Promise.reject(new Error("no agent here")) };
}

export async function errorOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => {
      throw new Error("the call succeeded");
    },
    (error: Error) => error,
  );
}
