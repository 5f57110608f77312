import type { CatalogTool } from "@bailiwick/policy";
import { Pool, type PoolClient, type PoolConfig } from "pg";
import { Fault } from "../../domain/fault.ts";
import type { ConnectionKey, Equipment, ToolConnection } from "../../domain/tool.ts";
import { ToolError } from "../../domain/tool.ts";
import { builtInTool, structuredResult } from "../built-in-tool.ts";
import { describeStatement } from "./describe.ts";
import { CONNECT_TIMEOUT_MS, IDLE_TIMEOUT_MS, MAX_CONNECTIONS } from "./limits.ts";
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
  connect: { readonly host: string; readonly port?: string | undefined; readonly database: string },
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
      const client = await checkOut(pools.of(login), key);
      // A connection that failed in any way is not put back: its transaction dies with it.
      let broken = true;
      try {
        const result = await runStatement(client, action, values, { timeoutMs, maxBytes, signal: io.signal });
        broken = false;
        return structuredResult(result);
      } finally {
        client.release(broken);
      }
    },
    close: () => pools.close(),
  });
}

type Login = NonNullable<Equipment["login"]>;

/** One pool at a time, of the newest login; the pool of an older one ends when its running calls have ended. */
function loginPools(configure: (login: Login) => PoolConfig): { of(login: Login): Pool; close(): Promise<void> } {
  let current: { readonly login: Login; readonly pool: Pool } | undefined;
  const ending = new Set<Promise<void>>();
  const end = (pool: Pool): void => {
    const ended: Promise<void> = pool.end().finally(() => ending.delete(ended));
    ending.add(ended);
  };
  return {
    of: (login) => {
      if (current?.login.user === login.user && current.login.password === login.password) return current.pool;
      if (current !== undefined) end(current.pool);
      const pool = new Pool(configure(login));
      // A connection that dies is replaced on the next call; without listeners it would end the process.
      pool.on("error", () => {});
      pool.on("connect", (client) => client.on("error", () => {}));
      current = { login, pool };
      return pool;
    },
    close: async () => {
      if (current !== undefined) end(current.pool);
      current = undefined;
      await Promise.all(ending);
    },
  };
}

function poolConfig(
  connect: { readonly host: string; readonly port?: string | undefined; readonly database: string },
  login: Login,
  options: PostgresToolOptions,
): PoolConfig {
  const local = connect.host.startsWith("/") || LOOPBACK.has(connect.host);
  return {
    host: connect.host,
    port: connect.port === undefined ? DEFAULT_PORT : Number(connect.port),
    database: connect.database,
    user: login.user,
    password: login.password,
    ssl: local ? false : { rejectUnauthorized: true, ...(options.ca === undefined ? {} : { ca: options.ca }) },
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    application_name: "bailiwick",
    allowExitOnIdle: true,
  };
}

const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"]);

const DEFAULT_PORT = 5432;

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
