import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { openStore } from "../../src/adapters/store/index.ts";
import { startEmbedded } from "../../src/adapters/store/embedded/server.ts";
import { onServer, withDatabase } from "./server-statement.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Owner's URL of the run's PostgreSQL; `testDatabase()` makes databases on it. */
    readonly postgresUrl: string;
    /** Name of a migrated, empty database there; `testStore()` copies it. */
    readonly templateDatabase: string;
  }
}

/** Every test file may hold several stores, each with a handful of connections. */
const MAX_CONNECTIONS = 300;

/** One embedded PostgreSQL for the whole run, gone with it. `BAILIWICK_TEST_DATABASE_URL` (a superuser's URL) replaces it. */
export default async function globalPostgres(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env["BAILIWICK_TEST_DATABASE_URL"];
  if (given !== undefined && given !== "") {
    const template = await makeTemplate(given);
    provide(project, given, template);
    return () => dropTemplate(given, template);
  }
  const folder = await mkdtemp(join(tmpdir(), "bailiwick-test-"));
  await chmod(folder, 0o711);
  const server = await startEmbedded({ folder, maxConnections: MAX_CONNECTIONS });
  const url = server.ownerUrl("postgres");
  provide(project, url, await makeTemplate(url));
  return async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  };
}

function provide(project: TestProject, url: string, template: string): void {
  project.provide("postgresUrl", url);
  project.provide("templateDatabase", template);
}

async function makeTemplate(url: string): Promise<string> {
  const name = `template_${randomBytes(6).toString("hex")}`;
  await onServer(url, `create database ${name} template template0`);
  const store = await openStore({ databaseUrl: withDatabase(url, name), rootKey: "00".repeat(32) }, { brokerId: "template" });
  await store.close();
  return name;
}

async function dropTemplate(url: string, name: string): Promise<void> {
  await onServer(url, `drop database if exists ${name} with (force)`);
  await onServer(url, `drop role if exists "bailiwick_${name}"`);
}
