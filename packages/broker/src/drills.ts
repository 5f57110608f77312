import { createHmac } from "node:crypto";
import type { Policy } from "@bailiwick/policy";
import type { DrillsConfig } from "./approvals-config.ts";
import { adminRecord, BROKER } from "./domain/admin-record.ts";
import type { Approval, ApprovalStore } from "./domain/approval.ts";
import type { AuditLog } from "./domain/audit.ts";
import type { DrillStore } from "./domain/drill.ts";
import { drillOf } from "./insight/drills/drill-of.ts";

const DAY_MS = 86_400_000;
/** Only where somebody answered lately is anybody there to be tested. */
const AWAKE_MS = 60 * 60_000;
/** Past questions that are looked at for one to copy. */
const MAX_PAST = 100;
const ID_BYTES = 16;
/** What a fraction is out of. */
const UINT32 = 2 ** 32;

export interface DrillDeps {
  readonly approvals: Pick<ApprovalStore, "list" | "find" | "create">;
  readonly drills: DrillStore;
  readonly log: Pick<AuditLog, "append">;
  readonly config: DrillsConfig;
  /** Every broker of a deployment has it, and nobody else: when a drill comes and which one cannot be told in advance. */
  readonly key: Uint8Array;
  policy(): Policy;
  now(): Date;
}

/**
 * Sows the drill whose time has come, if any: of each part of the day one, at a moment that nobody can foresee. Its id is made of that part, so that two
 * brokers sow one. Returns its id.
 * @throws Fault `store_unavailable`.
 */
export async function sowDrill(deps: DrillDeps, tenant: string): Promise<string | undefined> {
  const now = deps.now();
  const lengthMs = DAY_MS / deps.config.perDay;
  const slot = Math.floor(now.getTime() / lengthMs);
  const drawn = drawing(deps.key, `${tenant}|${deps.config.perDay}|${slot}`);
  if (now.getTime() < slot * lengthMs + drawn.fraction("when") * lengthMs) return undefined;
  const id = `apr_${drawn.id("approval")}`;
  if ((await deps.approvals.find(tenant, id)) !== undefined) return undefined;
  const { approvals: seen } = await deps.approvals.list(tenant, { order: "newest", limit: MAX_PAST });
  if (!awake(seen, now)) return undefined;
  const { domains, roles } = deps.config;
  const domain = domains[Math.floor(drawn.fraction("domain") * domains.length)] ?? domains[0] ?? "";
  const making = { policy: deps.policy(), seen, domain, id, callId: `call_${drawn.id("call")}`, now };
  const candidates = seen
    .filter(({ state, approvers }) => state !== "pending" && approvers.some((role) => roles.includes(role)))
    .flatMap((past) => drillOf(past, making) ?? []);
  const drill = candidates[Math.floor(drawn.fraction("which") * candidates.length)];
  if (drill === undefined) return undefined;
  return (await created(deps.approvals, drill)) ? id : undefined;
}

/**
 * Records drills that nobody answered in time; those that somebody answered are recorded with the answer. Returns how many.
 * @throws Fault `log_unavailable` | `store_unavailable`.
 */
export async function endMissedDrills(deps: Pick<DrillDeps, "drills" | "log" | "now">, tenant: string): Promise<number> {
  const missed = await deps.drills.endMissed(tenant, deps.now());
  for (const { id, agent } of missed) {
    const body = { approval: id, agent, verdict: "none" };
    await deps.log.append(tenant, adminRecord({ at: deps.now(), event: "approval.drill", by: BROKER, callId: id, body }));
  }
  return missed.length;
}

function awake(seen: readonly Approval[], now: Date): boolean {
  return seen.some(({ answers }) => answers.some(({ at }) => now.getTime() - at.getTime() <= AWAKE_MS));
}

/** False when another broker was faster. */
async function created(approvals: DrillDeps["approvals"], drill: Approval): Promise<boolean> {
  try {
    await approvals.create(drill);
    return true;
  } catch (error) {
    if ((await approvals.find(drill.tenant, drill.id)) !== undefined) return false;
    throw error;
  }
}

/** What looks drawn by lot, and is the same on every broker. */
function drawing(key: Uint8Array, about: string): { fraction(what: string): number; id(what: string): string } {
  const bytes = (what: string): Buffer => createHmac("sha256", key).update(`${about}|${what}`).digest();
  return {
    fraction: (what) => bytes(what).readUInt32BE(0) / UINT32,
    id: (what) => bytes(what).subarray(0, ID_BYTES).toString("base64url"),
  };
}
