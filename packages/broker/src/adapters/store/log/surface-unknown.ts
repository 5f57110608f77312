import { randomUUID } from "node:crypto";
import type { Pool, PoolClient } from "pg";
import { z } from "zod";
import { orUnavailable } from "../unavailable.ts";
import { appendBatch } from "./append.ts";
import { endOf } from "./not-sent.ts";

export interface SurfaceDeps {
  readonly appenders: Pool;
  readonly brokerId: string;
  readonly since: Date;
}

/** Calls ended in one transaction; the log's lock is held meanwhile. */
const MAX_AT_ONCE = 200;

const orphans = z.array(z.object({ call_id: z.string(), leaf: z.string() }));

/**
 * Ends every call of a broker that is gone with an outcome `unknown`: whether the tool acted is not known, and nobody guesses.
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
    const found = await orphanedCalls(client, deps, tenant);
    if (found.length > 0) {
      const entries = found.map((call) => endOf(call.call_id, call.leaf, { at: at.toISOString(), status: "unknown" }));
      await appendBatch(client, { tenant, writer: `surface ${randomUUID()}`, number: 1, entries });
    }
    await client.query("commit");
    client.release();
    return found.length;
  } catch (error) {
    client.release(true);
    throw error;
  }
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
