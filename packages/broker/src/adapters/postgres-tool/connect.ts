import type { CatalogAction, CatalogTool } from "@bailiwick/policy";
import type { Pool, PoolClient, PoolConfig } from "pg";
import { Fault } from "../../domain/fault.ts";
import type { ConnectionKey, ToolConnection } from "../../domain/tool.ts";
import { ToolError } from "../../domain/tool.ts";
import { builtInTool, structuredResult } from "../built-in-tool.ts";
import type { SqlTable } from "../sql/columns.ts";
import { loadSqlParser } from "../sql/parser.ts";
import { clientConfig, type Database } from "./client-config.ts";
import { sqlTable } from "./column-facts.ts";
import { describeAction } from "./describe.ts";
import { IDLE_TIMEOUT_MS, MAX_CONNECTIONS } from "./limits.ts";
import { type Login, loginPools } from "./login-pools.ts";
import { planOf, type TableFacts } from "./plan.ts";
import { runStatement } from "./run-statement.ts";

export interface PostgresToolOptions {
  /** PEM of further trusted certificate authorities; default none beside the system's. */
  readonly ca?: string | undefined;
}

/**
 * A PostgreSQL database as a tool: each action of the catalog is a reviewed statement, an operation on a declared table, or a query that
 * the agent writes over its views of declared tables.
 * Texts of `connect` are already filled in; a `host` that starts with `/` is the folder of a Unix socket.
 * Over a network the line is TLS with a checked certificate, except to this machine.
 * A changed login (rotation) takes effect on the next call.
 */
export function connectPostgresTool(
  key: ConnectionKey,
  tool: CatalogTool,
  connect: Database,
  options: PostgresToolOptions = {},
): ToolConnection {
  const actions = new Map(tool.actions.filter((action) => isSql(action)).map((action) => [action.operation.name, action]));
  const pools = loginPools((login) => poolConfig(connect, login, options));
  const known = new Map<string, Promise<SqlTable>>();
  return builtInTool({
    key,
    tools: [...actions.values()].map((action) => describeAction(tool, action)),
    instructions: "a PostgreSQL database: rows come back under `rows`, a single record under `record`",
    invoke: async (operation, args, { timeoutMs, maxBytes, equipment, io, views, maskSalt, caller, changed }) => {
      const action = operation.kind === "tool" ? actions.get(operation.name) : undefined;
      if (action === undefined) {
        throw new ToolError(-32602, `\`${key.tool}\` has no action \`${operation.name}\`; use one of ${[...actions.keys()].join(", ")}`);
      }
      const { login } = equipment;
      if (login === undefined) {
        const stored = tool.credential === undefined ? "a `credential` to its catalog entry" : `the credential \`${tool.credential.name}\``;
        throw new Fault("credential_unavailable", `\`${key.tool}\` needs a login and got none; add ${stored}`);
      }
      await loadSqlParser();
      return pools.use(login, async (pool) => {
        const client = await checkOut(pool, key);
        // A connection that failed in any way is not put back: its transaction dies with it.
        let broken = true;
        try {
          const { plan, shape } = await planOf(tool, action, { args, views, maskSalt, caller, changed }, tablesOf(client, tool, known));
          const settings = connect.role === undefined ? plan.settings : { ...plan.settings, role: connect.role };
          const rows = await runStatement(client, { ...plan, settings }, { timeoutMs, maxBytes, signal: io.signal });
          broken = false;
          return structuredResult(shape(rows));
        } finally {
          client.release(broken);
        }
      });
    },
    close: () => pools.close(),
  });
}

function isSql({ statement, table, sql }: CatalogAction): boolean {
  return statement !== undefined || table !== undefined || sql !== undefined;
}

/** What is known of a table is kept for as long as the connection: it changes with a migration, and then only to something that fails. */
function tablesOf(client: PoolClient, tool: CatalogTool, known: Map<string, Promise<SqlTable>>): TableFacts {
  return (name) => {
    const table = tool.tables.find((each) => each.name === name);
    if (table === undefined) throw new Error(`\`${name}\` is no declared table, which \`check\` excludes`);
    const found = known.get(name) ?? sqlTable(client, tool, table);
    known.set(name, found);
    found.catch(() => known.delete(name));
    return found;
  };
}
function poolConfig(at: Database, login: Login, options: PostgresToolOptions): PoolConfig {
  return {
    ...clientConfig(at, login, options.ca),
    max: MAX_CONNECTIONS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    allowExitOnIdle: true,
  };
}

async function checkOut(pool: Pool, key: ConnectionKey): Promise<PoolClient> {
  try {
    return await pool.connect();
  } catch {
    // The driver's message may name the user or the host's configuration: not for the agent.
    throw new Fault(
      "tool_unavailable",
      `\`${key.tool}\` cannot reach or log in to its database; nothing was sent, check its address and credential`,
    );
  }
}
