import { createHash } from "node:crypto";
import type { Client } from "pg";
import { Fault } from "../../domain/fault.ts";
import { APP_ROLE } from "./migrate.ts";
import { connectOnce, errorState } from "./connections.ts";

/** A name in PostgreSQL holds at most 63 bytes. */
const MAX_NAME_BYTES = 63;

/**
 * Makes the role the broker logs in as on this database: it owns nothing, is subject to row-level security, and may do
 * what `bailiwick_app` may. Its password comes from the root key, so that all brokers of one deployment know it.
 * Returns the application's connection URL.
 * @throws Fault `store_unavailable` when the owner may not make roles.
 */
export async function ensureLogin(owner: Client, ownerUrl: string, password: string): Promise<string> {
  const { rows } = await owner.query<{ database: string }>("select current_database() as database");
  const database = rows[0]?.database ?? "";
  const role = loginName(database);
  const url = withLogin(ownerUrl, role, password);
  const exists = await owner.query("select from pg_roles where rolname = $1", [role]);
  if (exists.rowCount === 0) await createLogin(owner, database, role, password);
  const probe = await connectOnce(url).catch((error: unknown) => {
    // 28P01: the root key, and with it the password, is another than when the role was made.
    if (errorState(error) === "28P01") return undefined;
    throw error;
  });
  if (probe === undefined) await owner.query(`alter role ${quoted(role)} password ${literal(password)}`);
  await probe?.end();
  return url;
}

/** @throws Fault `store_unavailable` when the role the application uses could pass the tenant walls. */
export async function assertPowerless(app: Pick<Client, "query">): Promise<void> {
  const { rows } = await app.query<{ strong: boolean; owns: boolean }>(
    `select (rolsuper or rolbypassrls or rolcreaterole) as strong,
            exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'bailiwick' and pg_has_role(current_user, c.relowner, 'member')) as owns
       from pg_roles where rolname = current_user`,
  );
  const found = rows[0];
  if (found === undefined || found.strong || found.owns) {
    throw new Fault(
      "store_unavailable",
      "the role the broker logs in with is a superuser, bypasses row-level security, or owns its tables: tenants would not be walled off; give it a role of its own that is only a member of `bailiwick_app`",
    );
  }
}

async function createLogin(owner: Client, database: string, role: string, password: string): Promise<void> {
  try {
    await owner.query(`
      do $$ begin create role ${quoted(role)} login nobypassrls nosuperuser nocreatedb nocreaterole password ${literal(password)} in role ${APP_ROLE};
      exception when duplicate_object or unique_violation then null; end $$;
      revoke connect, temporary on database ${quoted(database)} from public;
      grant connect on database ${quoted(database)} to ${quoted(role)};
    `);
  } catch (cause) {
    if (errorState(cause) !== "42501") throw cause;
    throw new Fault(
      "store_unavailable",
      `the database's user may not make the login role \`${role}\`; give it CREATEROLE, or use a user that has it`,
      { cause },
    );
  }
}

function loginName(database: string): string {
  const plain = `bailiwick_${database}`;
  if (Buffer.byteLength(plain) <= MAX_NAME_BYTES) return plain;
  return `bailiwick_${createHash("sha256").update(database).digest("hex").slice(0, 32)}`;
}

function withLogin(url: string, user: string, password: string): string {
  return url.replace(/^([a-z]+:\/\/)(?:[^@/]*@)?/i, `$1${encodeURIComponent(user)}:${encodeURIComponent(password)}@`);
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Only for passwords made here (base64url): they need no escaping beyond quotes. */
function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
