import { randomUUID } from "node:crypto";
import type { Pool, PoolClient } from "pg";
import { z } from "zod";
import { orUnavailable } from "../unavailable.ts";
import { appendBatch } from "./append.ts";
import type { GivenUp } from "./given-up.ts";
import { endOf } from "./not-sent.ts";

export interface SurfaceDeps {
  readonly appenders: Pool;
  readonly brokerId: string;
  readonly since: Date;
  readonly givenUp: GivenUp;
}

/** Calls ended in one transaction; the log's lock is held meanwhile. */
const MAX_AT_ONCE = 200;

const orphans = z.array(z.object({ call_id: z.string(), leaf: z.string() }));

/**
 * Ends every call of a broker that is gone, and those whose end this one could not write, with an outcome `unknown`: whether the tool acted is
 * not known, and nobody guesses.
 * Exactly once, even when brokers do it at the same time. Returns how many.
 */
export async function surfaceUnknown(deps: SurfaceDeps, tenant: string, at: Date): Promise<number> {
  let total = 0;
  for (;;) {
    const ended = await orUnavailable(() => surfaceSome(deps, tenant, at));
    total += ended;
    if (ended < MAX_AT_ONCE) return total;
  }
}

async function surfaceSome(deps: SurfaceDeps, tenant: string, at: Date): Promise<number> {
  const client = await deps.appenders.connect();
  try {
    await client.query("begin");
    const givenUp = deps.givenUp.of(tenant).slice(0, MAX_AT_ONCE);
    const found = [...(await orphanedCalls(client, deps, tenant)), ...(await stillOpen(client, tenant, givenUp))];
    if (found.length > 0) {
      const entries = found.map((call) => endOf(call.call_id, call.leaf, { at: at.toISOString(), status: "unknown" }));
      await appendBatch(client, { tenant, writer: `surface ${randomUUID()}`, number: 1, entries });
    }
    await client.query("commit");
    client.release();
    deps.givenUp.ended(tenant, givenUp);
    return found.length;
  } catch (error) {
    client.release(true);
    throw error;
  }
}

/** Those of the calls that have begun and have no end. `orphaned_calls` holds the log by now. */
async function stillOpen(client: PoolClient, tenant: string, callIds: readonly string[]): Promise<z.infer<typeof orphans>> {
  if (callIds.length === 0) return [];
  const { rows } = await client.query(
    `select o.call_id, r.leaf from bailiwick.open_calls o
       join bailiwick.records r on r.tenant_id = o.tenant_id and r.index = o.index
      where o.tenant_id = $1 and o.call_id = any($2) order by o.index`,
    [tenant, callIds],
  );
  return orphans.parse(rows);
}

async function orphanedCalls(client: PoolClient, deps: SurfaceDeps, tenant: string): Promise<z.infer<typeof orphans>> {
  const { rows } = await client.query("select call_id, leaf from bailiwick.orphaned_calls($1, $2, $3, $4)", [
    tenant,
    deps.brokerId,
    deps.since,
    MAX_AT_ONCE,
  ]);
  return orphans.parse(rows);
}
