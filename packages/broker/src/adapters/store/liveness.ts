import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import { Fault } from "../../domain/fault.ts";
import { connectOnce } from "./connections.ts";

/** Shows other brokers that this one lives: it holds a lock named after it as long as its connection stands. */
export interface Liveness {
  /** When this process took its name, by the database's clock. */
  readonly since: Date;
  held(): boolean;
  close(): Promise<void>;
}

/** The connection of a broker that was just killed may take this long to be noticed. */
const CLAIM_TIMEOUT_MS = 3_000;
const RETRY_MS = 100;

/**
 * @throws Fault `store_unavailable` when another living broker has this id.
 */
export async function holdLiveness(url: string, brokerId: string): Promise<Liveness> {
  const state: { client: Client | undefined; closed: boolean } = { client: undefined, closed: false };
  const deadline = performance.now() + CLAIM_TIMEOUT_MS;
  let since = await claim(state, url, brokerId);
  while (since === undefined) {
    if (performance.now() > deadline) {
      throw new Fault(
        "store_unavailable",
        `another broker named \`${brokerId}\` lives on this database; give each broker a name of its own`,
      );
    }
    await sleep(RETRY_MS);
    since = await claim(state, url, brokerId);
  }
  return {
    since,
    held: () => state.client !== undefined,
    close: async () => {
      state.closed = true;
      await state.client?.end().catch(() => undefined);
    },
  };
}

async function claim(state: { client: Client | undefined; closed: boolean }, url: string, brokerId: string): Promise<Date | undefined> {
  const client = await connectOnce(url, { application_name: `bailiwick ${brokerId}`.slice(0, 63) });
  const { rows } = await client.query<{ held: boolean; since: Date }>(
    "select pg_try_advisory_lock(hashtextextended('bailiwick.broker ' || $1, 0)) as held, clock_timestamp() as since",
    [brokerId],
  );
  if (rows[0]?.held !== true || state.closed) {
    await client.end();
    return undefined;
  }
  state.client = client;
  client.once("end", () => {
    state.client = undefined;
    void reclaim(state, url, brokerId);
  });
  return rows[0].since;
}

/** After a lost connection: as long as it takes. Meanwhile another broker may call this one's open calls unknown, which is true for it. */
async function reclaim(state: { client: Client | undefined; closed: boolean }, url: string, brokerId: string): Promise<void> {
  while (!state.closed) {
    await sleep(RETRY_MS, undefined, { ref: false });
    if (state.closed || (await claim(state, url, brokerId).catch(() => undefined)) !== undefined) return;
  }
}
