import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";

/** How long a server may take to come back and to notice that its clients are gone. */
const WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 15;

/** Resolves when nobody else is connected to this database: what a broker that is gone had sent has then been done, or never will be. */
export async function untilAlone(databaseUrl: string): Promise<void> {
  for (const deadline = Date.now() + WITHIN_MS; Date.now() < deadline; await sleep(LOOK_EVERY_MS)) {
    if ((await others(databaseUrl).catch(() => undefined)) === 0) return;
  }
  throw new Error("somebody is still connected to the database, or it does not answer");
}

async function others(databaseUrl: string): Promise<number> {
  const [row] = await rowsOf(
    databaseUrl,
    "select count(*)::int as others from pg_stat_activity where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()",
  );
  return Number(row?.["others"]);
}

/** Asks on a connection of its own. */
export async function rowsOf(databaseUrl: string, statement: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const client = new Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5_000 });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}
