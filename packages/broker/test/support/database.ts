import { randomBytes } from "node:crypto";
import { Client } from "pg";
import { inject } from "vitest";

export interface TestDatabase {
  /** The owner's URL of this database. */
  readonly databaseUrl: string;
  readonly name: string;
  close(): Promise<void>;
}

/** A fresh database on the run's PostgreSQL; a copy of `template` when one is named. */
export async function testDatabase(template = "template0"): Promise<TestDatabase> {
  const server = inject("postgresUrl");
  const name = `test_${randomBytes(8).toString("hex")}`;
  await onServer(server, `create database ${name} template ${template}`);
  return {
    databaseUrl: withDatabase(server, name),
    name,
    close: () => onServer(server, `drop database if exists ${name} with (force)`),
  };
}

/** The same server, another database. */
export function withDatabase(url: string, name: string): string {
  return url.replace(/\/[^/?]*(\?|$)/, `/${name}$1`);
}

/** Runs one statement on a connection of its own. */
export async function onServer(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
