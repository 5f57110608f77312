import { Client, Pool, type PoolConfig, TypeOverrides } from "pg";

/** No statement of the store takes longer when the database is well; then it is better to fail than to hold a call. */
export const STATEMENT_TIMEOUT_MS = 10_000;
/** The broker gives up on an answer a little later than the server gives up on the statement. */
const ANSWER_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 2_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** Connections for everything but the log; queries wait for a free one. */
const MAX_CONNECTIONS = 8;
/** Connections that append to logs: one batch a tenant is under way at a time, and two cores rarely need more than this. */
export const MAX_LOG_CONNECTIONS = 4;
/** Connections that wait for what other brokers hold, one a tenant: whoever waits on them keeps nobody else from working. */
export const MAX_WAITING_CONNECTIONS = 4;
/** PostgreSQL's type number of bigint; all of ours are below 2^53. */
const INT8 = 20;

/** Settings of each session, whatever the server's defaults are: what is confirmed is on the disk, and each statement sees what is committed. */
const SESSION = "-c synchronous_commit=on -c default_transaction_isolation=read\\ committed -c timezone=UTC";

const TYPES = new TypeOverrides();
TYPES.setTypeParser(INT8, Number);

export function connectionConfig(url: string): PoolConfig {
  return {
    connectionString: url,
    application_name: "bailiwick",
    options: SESSION,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
    keepAlive: true,
    types: TYPES,
  };
}

/** A pool whose idle connections may break without ending the process; the next query then gets a new one. */
export function openPool(url: string, max = MAX_CONNECTIONS): Pool {
  const pool = new Pool({ ...connectionConfig(url), max });
  pool.on("error", () => undefined);
  // A connection that breaks while it is taken out and no statement is under way has no other listener, and would end the process.
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}

/** One connection, connected. The caller ends it. */
export async function connectOnce(url: string, overrides: PoolConfig = {}): Promise<Client> {
  const client = new Client({ ...connectionConfig(url), ...overrides });
  client.on("error", () => undefined);
  try {
    await client.connect();
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
  return client;
}

/** The SQLSTATE or system code of a failure; undefined when it has none. */
export function errorState(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
