import { type Kysely, sql } from "kysely";
import type { Tables } from "./tables.ts";
import { inTenant } from "./tenant-scope.ts";

interface Claim {
  readonly tenant: string;
  readonly run: string;
  readonly agent: string;
}

/** Whoever names a run first has it, over all brokers. Returns whether it is this agent's. @throws Fault `store_unavailable`. */
export function claimRun(
  { db, now }: { readonly db: Kysely<Tables>; readonly now: () => Date },
  { tenant, run, agent }: Claim,
): Promise<boolean> {
  return inTenant(db, tenant, async (scoped) => {
    // What another transaction has just written is waited for, and seen by the second statement.
    await scoped
      .insertInto("bailiwick.runs")
      .values({ tenant_id: tenant, run, agent, at: now() })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    const { rows } = await sql<{ agent: string }>`
      select agent from bailiwick.runs where tenant_id = ${tenant} and run = ${run}`.execute(scoped);
    return rows[0]?.agent === agent;
  });
}
