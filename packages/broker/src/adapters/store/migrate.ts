import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Client } from "pg";
import { Fault } from "../../domain/fault.ts";

/** A migration as shipped. Released files are never edited: `checksum` (SHA-256) tells when one was. */
interface Migration {
  readonly name: string;
  readonly text: string;
  readonly checksum: string;
}

const FOLDER = join(import.meta.dirname, "migrations");

/** Holds all rights of the application; each database's login role is a member. It cannot log in itself. */
export const APP_ROLE = "bailiwick_app";

/**
 * Brings the database up to this version, forward only, all or nothing, one broker at a time. Returns the names applied now.
 * @throws Fault `store_unavailable` when an applied migration was edited, or the database is newer than this broker.
 */
export async function migrate(owner: Client): Promise<readonly string[]> {
  const shipped = await shippedMigrations();
  await owner.query("begin");
  try {
    await owner.query(
      "select pg_advisory_xact_lock(hashtextextended('bailiwick.migrate', 0)), set_config('bailiwick.tenant', '_system', true)",
    );
    await prepare(owner);
    const applied = await owner.query<{ name: string; checksum: string }>("select name, checksum from bailiwick.migrations order by name");
    const pending = pendingOf(shipped, applied.rows);
    for (const { name, text, checksum } of pending) {
      await owner.query(text);
      await owner.query("insert into bailiwick.migrations (tenant_id, name, checksum) values ('_system', $1, $2)", [name, checksum]);
    }
    await owner.query("commit");
    return pending.map((migration) => migration.name);
  } catch (error) {
    await owner.query("rollback").catch(() => undefined);
    throw error;
  }
}

async function shippedMigrations(): Promise<readonly Migration[]> {
  const names = (await readdir(FOLDER)).filter((name) => name.endsWith(".sql")).toSorted();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(FOLDER, name), "utf8");
      return { name, text, checksum: createHash("sha256").update(text).digest("hex") };
    }),
  );
}

async function prepare(owner: Client): Promise<void> {
  const found = await owner.query<{ role: boolean; schema: boolean }>(
    "select exists (select from pg_roles where rolname = $1) as role, exists (select from pg_namespace where nspname = 'bailiwick') as schema",
    [APP_ROLE],
  );
  if (found.rows[0]?.role !== true) {
    // Roles belong to the whole server: another database's broker may be making the same one now.
    await owner.query(
      `do $$ begin create role ${APP_ROLE} nologin nobypassrls; exception when duplicate_object or unique_violation then null; end $$`,
    );
  }
  if (found.rows[0]?.schema === true) return;
  await owner.query(`
    create schema bailiwick;
    create table bailiwick.migrations (
      tenant_id text not null check (tenant_id = '_system'),
      name text not null primary key,
      checksum text not null,
      applied_at timestamptz not null default clock_timestamp()
    );
  `);
}

function pendingOf(
  shipped: readonly Migration[],
  applied: readonly { readonly name: string; readonly checksum: string }[],
): readonly Migration[] {
  for (const { name, checksum } of applied) {
    const known = shipped.find((migration) => migration.name === name);
    if (known === undefined) {
      throw new Fault(
        "store_unavailable",
        `the database was made by a newer Bailiwick (it has \`${name}\`); start that version, or restore a backup from before it`,
      );
    }
    if (known.checksum !== checksum) {
      throw new Fault("store_unavailable", `the migration \`${name}\` was changed after it had been applied; put the released file back`);
    }
  }
  return shipped.slice(applied.length);
}
