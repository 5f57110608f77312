import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { startEmbedded } from "../../src/adapters/store/embedded/server.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Owner's URL of the run's PostgreSQL; `testDatabase()` makes databases on it. */
    readonly postgresUrl: string;
  }
}

/** Every test file may hold several stores, each with a handful of connections. */
const MAX_CONNECTIONS = 300;

/** One embedded PostgreSQL for the whole run, gone with it. `BAILIWICK_TEST_DATABASE_URL` (a superuser's URL) replaces it. */
export default async function globalPostgres(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env["BAILIWICK_TEST_DATABASE_URL"];
  if (given !== undefined && given !== "") {
    project.provide("postgresUrl", given);
    return async () => undefined;
  }
  const folder = await mkdtemp(join(tmpdir(), "bailiwick-test-"));
  const server = await startEmbedded({ folder, maxConnections: MAX_CONNECTIONS });
  project.provide("postgresUrl", server.ownerUrl("postgres"));
  return async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  };
}
