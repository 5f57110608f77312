import type { ClientConfig } from "pg";
import { CONNECT_TIMEOUT_MS } from "./limits.ts";
import type { Login } from "./login-pools.ts";

/** A database as the tool file names it, filled in. A host that starts with `/` is the folder of a Unix socket. */
export interface Database {
  readonly host: string;
  readonly port?: string | undefined;
  readonly database: string;
  /** What each transaction acts as; the login is a member of it. */
  readonly role?: string | undefined;
}

const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"]);
const DEFAULT_PORT = 5432;

/** Over a network the line is TLS with a checked certificate, except to this machine. `ca`: PEM of further trusted authorities. */
export function clientConfig(at: Database, login: Login, ca: string | undefined): ClientConfig {
  const local = at.host.startsWith("/") || LOOPBACK.has(at.host);
  return {
    host: at.host,
    port: at.port === undefined ? DEFAULT_PORT : Number(at.port),
    database: at.database,
    user: login.user,
    password: login.password,
    ssl: local ? false : { rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) },
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: "bailiwick",
  };
}
