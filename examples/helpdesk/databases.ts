import { readFile } from "node:fs/promises";
import { Client, Pool } from "pg";
import { type Row, seed, type Seed } from "./seed.ts";

/** A PostgreSQL of the company's own, started by whoever starts the company. */
export interface CompanyDatabaseServer {
  /** An owner's URL of a database on this server. */
  ownerUrl(database: string): string;
  close(): Promise<void>;
}

export const ENVIRONMENTS = ["dev", "prod"] as const;
export type Environment = (typeof ENVIRONMENTS)[number];

/** Database logins: one for each program, none shared. */
export const PROGRAMS = ["helpdesk_app", "helpdesk_billing", "helpdesk_reports"] as const;

/** The company's databases, one per environment, read with the owner's eyes. */
export interface HelpdeskDatabase {
  readonly address: { readonly host: string; readonly port: number };
  nameOf(environment: string): string;
  /** Rows of one statement, as they really are. */
  rows(environment: Environment, sql: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
  close(): Promise<void>;
}

/** Makes the databases of both environments anew, with the seeded records and fresh passwords for the programs' logins. */
export async function setUpDatabases(
  server: CompanyDatabaseServer,
  passwords: Readonly<Record<string, string>>,
): Promise<HelpdeskDatabase> {
  await onServer(server, "postgres", async (client) => {
    for (const program of PROGRAMS) await setUpLogin(client, program, passwords[program] ?? "");
    for (const environment of ENVIRONMENTS) {
      await client.query(`drop database if exists ${nameOf(environment)} with (force)`);
      await client.query(`create database ${nameOf(environment)}`);
    }
  });
  const schema = await readFile(new URL("server/schema.sql", import.meta.url), "utf8");
  const records = seed();
  const pools = new Map<Environment, Pool>();
  for (const environment of ENVIRONMENTS) {
    await onServer(server, nameOf(environment), async (client) => {
      await client.query(schema);
      await insertSeed(client, records);
    });
    const pool = new Pool({ connectionString: server.ownerUrl(nameOf(environment)), max: 1, allowExitOnIdle: true });
    pool.on("error", () => {});
    pools.set(environment, pool);
  }
  const { host, port } = new Client({ connectionString: server.ownerUrl("postgres") });
  return {
    address: { host, port },
    nameOf,
    rows: async (environment, sql, values = []) => {
      const found = await pools.get(environment)?.query<Record<string, unknown>>(sql, [...values]);
      return found?.rows ?? [];
    },
    close: async () => {
      for (const pool of pools.values()) await pool.end();
    },
  };
}

function nameOf(environment: string): string {
  return `helpdesk_${environment}`;
}

async function onServer(server: CompanyDatabaseServer, database: string, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: server.ownerUrl(database) });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

async function setUpLogin(client: Client, name: string, password: string): Promise<void> {
  const { rowCount } = await client.query("select 1 from pg_roles where rolname = $1", [name]);
  const verb = rowCount === 0 ? "create" : "alter";
  await client.query(`${verb} role ${client.escapeIdentifier(name)} login password ${client.escapeLiteral(password)}`);
}

async function insertSeed(client: Client, { customers, tickets, invoices, articles }: Seed): Promise<void> {
  const tables: readonly (readonly [string, readonly Row[]])[] = [
    ["customer", customers],
    ["ticket", tickets],
    ["invoice", invoices],
    ["article", articles],
  ];
  for (const [table, rows] of tables) {
    const columns = Object.keys(rows[0] ?? {}).join(", ");
    // One statement per table: the rows travel as one JSON value.
    await client.query(`insert into ${table} (${columns}) select ${columns} from jsonb_populate_recordset(null::${table}, $1)`, [
      JSON.stringify(rows),
    ]);
  }
}
