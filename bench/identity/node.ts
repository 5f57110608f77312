// A second broker's store on the same PostgreSQL: says when a session it was asked to watch is refused, by the clock both processes share.
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { cachedSessions } from "../../packages/broker/src/adapters/cache/session-cache.ts";
import { openStore } from "../../packages/broker/src/adapters/store/index.ts";

const [url = "", rootKey = ""] = process.argv.slice(2);
const store = await openStore({ databaseUrl: url, rootKey }, { brokerId: `bench-${process.pid}` });
const sessions = cachedSessions(store.sessions, store);
const watched = z.object({ tenant: z.string(), session: z.string() });

process.on("message", (message) => void watch(watched.parse(message)));
process.on("disconnect", () => void store.close().then(() => process.exit(0)));
process.stdout.write("ready\n");

/** Looks as a call does, over and over, until the session is no longer live here. */
async function watch({ tenant, session }: z.output<typeof watched>): Promise<void> {
  let live = (await sessions.find(tenant, session))?.revokedAt === undefined;
  process.send?.({ watching: session });
  while (live) {
    // Looks about every millisecond, and lets the listener's socket be read in between.
    await pause(1);
    live = (await sessions.find(tenant, session))?.revokedAt === undefined;
  }
  process.send?.({ refused: session, atMs: performance.timeOrigin + performance.now() });
}
