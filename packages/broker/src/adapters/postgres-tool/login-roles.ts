import { Client } from "pg";
import { Fault } from "../../domain/fault.ts";
import { clientConfig, type Database } from "./client-config.ts";
import { CONNECT_TIMEOUT_MS } from "./limits.ts";
import type { Login } from "./login-pools.ts";
import { scramVerifier } from "./scram-verifier.ts";

/** Who may change the roles, and where. */
export interface RoleAdmin {
  readonly at: Database;
  readonly admin: Login;
  readonly ca?: string | undefined;
}

/**
 * Gives the role a new password and lets it log in. The statement holds a SCRAM verifier, never the password.
 * `stillWanted` is asked under a lock at the database: a broker that lost its own lock meanwhile must not overwrite the password that
 * another one has set and switched to. @throws Fault.
 */
export async function renewRole(who: RoleAdmin, role: string, password: string, stillWanted: () => Promise<boolean>): Promise<void> {
  await asAdmin(who, async (client) => {
    await requireRole(client, role);
    // A connection that ends without a commit takes the whole of it back.
    await client.query("begin");
    await client.query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [`bailiwick.role ${role}`]);
    if (!(await stillWanted()))
      throw new Fault("credential_unavailable", `another broker took over the rotation of the role \`${role}\`; nothing was changed`);
    await client.query(`alter role ${identifier(role)} with login password '${scramVerifier(password)}' valid until 'infinity'`);
    await client.query("commit");
  });
}

/** Lets the server itself end the role's password after `graceMs`, by its own clock: it holds even when no broker runs then. @throws Fault. */
export async function letRoleLapse(who: RoleAdmin, role: string, graceMs: number): Promise<void> {
  await asAdmin(who, async (client) => {
    const { rows } = await client.query<{ until: string }>("select (clock_timestamp() + make_interval(secs => $1))::text as until", [
      graceMs / 1000,
    ]);
    await client.query(`alter role ${identifier(role)} valid until ${client.escapeLiteral(rows[0]?.until ?? "-infinity")}`);
  });
}

/** After its grace: no login, no password. @throws Fault. */
export async function closeRole(who: RoleAdmin, role: string): Promise<void> {
  await asAdmin(who, async (client) => {
    await client.query(`alter role ${identifier(role)} with nologin password null`);
  });
}

/** Logs in and asks one question. @throws Fault `credential_unavailable` when the login is not taken, `tool_unavailable` when nobody answers. */
export async function tryLogin(at: Database, login: Login, ca?: string): Promise<void> {
  await connected(at, login, ca, async (client) => {
    await client.query("select 1");
  });
}

async function requireRole(client: Client, role: string): Promise<void> {
  const { rowCount } = await client.query("select from pg_roles where rolname = $1", [role]);
  if (rowCount === 0) {
    throw new Fault(
      "credential_unavailable",
      `the database has no role \`${role}\`; make it with the rights the tool needs: \`create role ${identifier(role)} nologin\``,
    );
  }
}

function asAdmin(who: RoleAdmin, work: (client: Client) => Promise<void>): Promise<void> {
  return connected(who.at, who.admin, who.ca, work);
}

async function connected(at: Database, login: Login, ca: string | undefined, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ ...clientConfig(at, login, ca), query_timeout: CONNECT_TIMEOUT_MS });
  client.on("error", () => {});
  try {
    await client.connect();
    await work(client);
  } catch (error) {
    throw explain(error, at, login);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** What the driver says may quote the statement; only its code is kept. */
function explain(error: unknown, at: Database, login: Login): Fault {
  if (error instanceof Fault) return error;
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "no answer";
  if (REFUSED.has(code))
    return new Fault(
      "credential_unavailable",
      `the database \`${at.database}\` does not take the login \`${login.user}\` (${code}); check its password and its right to log in`,
    );
  if (code === NOT_ALLOWED)
    return new Fault(
      "credential_unavailable",
      `\`${login.user}\` may not change the login roles of \`${at.database}\` (${code}); give it CREATEROLE and the roles WITH ADMIN OPTION`,
    );
  return new Fault("tool_unavailable", `the database \`${at.database}\` cannot be reached (${code}); check its address`);
}

/** Invalid authorization, invalid password (PostgreSQL appendix A, class 28). */
const REFUSED: ReadonlySet<string> = new Set(["28000", "28P01"]);
const NOT_ALLOWED = "42501";

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
