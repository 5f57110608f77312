import { randomBytes } from "node:crypto";
import { inject } from "vitest";
import { onServer, withDatabase } from "./server-statement.ts";

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
    close: async () => {
      await onServer(server, `drop database if exists ${name} with (force)`);
      await onServer(server, `drop role if exists "bailiwick_${name}"`);
    },
  };
}
