import { Pool } from "pg";
import type { z } from "zod";

/** How one program of the company logs in to its database. A `host` that starts with `/` is the folder of a Unix socket. */
export interface DatabaseLogin {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
}

/** Connections per program: the helpdesk is small. */
const MAX_CONNECTIONS = 4;

export function openDatabase(login: DatabaseLogin): Pool {
  const pool = new Pool({ ...login, max: MAX_CONNECTIONS, allowExitOnIdle: true });
  // A connection that dies is replaced by the next query; without a listener it would end the program.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  return pool;
}

/** Rows of `query` as records: absent columns are left out, each record is checked against `schema`. */
export async function records<Schema extends z.ZodType>(
  pool: Pool,
  schema: Schema,
  query: string,
  values: readonly unknown[],
): Promise<z.output<Schema>[]> {
  const { rows } = await pool.query<{ record: unknown }>(
    `with found as (${query}) select jsonb_strip_nulls(to_jsonb(found)) as record from found`,
    [...values],
  );
  return rows.map((row) => schema.parse(row.record));
}

/** A time column as RFC 3339 text in UTC. */
export function utc(column: string): string {
  return `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;
}
