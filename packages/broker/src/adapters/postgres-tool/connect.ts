import type { CatalogTool } from "@bailiwick/policy";
import type { Pool, PoolClient, PoolConfig } from "pg";
import { Fault } from "../../domain/fault.ts";
import type { ConnectionKey, ToolConnection } from "../../domain/tool.ts";
import { ToolError } from "../../domain/tool.ts";
import { builtInTool, structuredResult } from "../built-in-tool.ts";
import { clientConfig, type Database } from "./client-config.ts";
import { describeStatement } from "./describe.ts";
import { IDLE_TIMEOUT_MS, MAX_CONNECTIONS } from "./limits.ts";
import { type Login, loginPools } from "./login-pools.ts";
import { runStatement } from "./run-statement.ts";
import { bindValues } from "./values.ts";

export interface PostgresToolOptions {
  /** PEM of further trusted certificate authorities; default none beside the system's. */
  readonly ca?: string | undefined;
}

/**
 * A PostgreSQL database as a tool: each action of the catalog is one reviewed statement.
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
  const statements = new Map(
    tool.actions.filter((action) => action.statement !== undefined).map((action) => [action.operation.name, action]),
  );
  const pools = loginPools((login) => poolConfig(connect, login, options));
  return builtInTool({
    key,
    tools: [...statements.values()].map(describeStatement),
    instructions: "reviewed statements over a PostgreSQL database; rows come back under `rows`",
    invoke: async (operation, args, { timeoutMs, maxBytes, equipment, io }) => {
      const action = operation.kind === "tool" ? statements.get(operation.name) : undefined;
      if (action === undefined) {
        throw new ToolError(
          -32602,
          `\`${key.tool}\` has no statement \`${operation.name}\`; use one of ${[...statements.keys()].join(", ")}`,
        );
      }
      const { login } = equipment;
      if (login === undefined) {
        const stored = tool.credential === undefined ? "a `credential` to its catalog entry" : `the credential \`${tool.credential.name}\``;
        throw new Fault("credential_unavailable", `\`${key.tool}\` needs a login and got none; add ${stored}`);
      }
      const values = bindValues(action, args);
      return pools.use(login, async (pool) => {
        const client = await checkOut(pool, key);
        // A connection that failed in any way is not put back: its transaction dies with it.
        let broken = true;
        try {
          const result = await runStatement(client, action, values, { timeoutMs, maxBytes, signal: io.signal });
          broken = false;
          return structuredResult(result);
        } finally {
          client.release(broken);
        }
      });
    },
    close: () => pools.close(),
  });
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
