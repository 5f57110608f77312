import type { JsonObject } from "@bailiwick/policy";
import { z } from "zod";
import type { RefusalCode } from "./call/refusal.ts";
import type { Approval, ApprovalState, ApprovalStore } from "./domain/approval.ts";
import type { AuditLog, LogEntry, StoredRecord } from "./domain/audit.ts";

/** Approvals whose calls are ended at one look. */
const MAX_APPROVALS = 100;
/** Calls that one question holds: an agent that asks again and again makes a new call each time. */
const MAX_CALLS = 1_000;
const PAGE = 200;

/** What the hold of a call says of it, repeated by the record of its end. */
const REPEATED = [
  "tenant",
  "environment",
  "workflow",
  "agent",
  "userProof",
  "session",
  "run",
  "binding",
  "client",
  "lineage",
  "actors",
  "partner",
  "undoes",
  "traceparent",
  "tool",
  "operation",
  "action",
  "effect",
  "fingerprint",
  "rules",
  "policyVersion",
  "approval",
] as const;

export interface HeldCallsDeps {
  readonly approvals: Pick<ApprovalStore, "takeEnded" | "saidEnded">;
  readonly log: Pick<AuditLog, "append" | "calls" | "recordsOf">;
  readonly brokerId: string;
  now(): Date;
}

/**
 * Says in a tenant's log how calls ended that waited for people when no agent was there any more to hear the answer. A call whose agent waited has
 * said it itself and is left alone. Returns how many calls were ended.
 * @throws Fault `log_unavailable` | `store_unavailable`.
 */
export async function endHeldCalls(deps: HeldCallsDeps, tenant: string): Promise<number> {
  let ended = 0;
  for (const approval of await deps.approvals.takeEnded(tenant, MAX_APPROVALS)) {
    const code = codeOf(approval);
    if (code === undefined) continue;
    for (const hold of await holdsOf(deps.log, approval)) {
      await deps.log.append(tenant, endOf(deps, approval, hold, code));
      ended += 1;
    }
    await deps.approvals.saidEnded(tenant, approval.id);
  }
  return ended;
}

/** Undefined while it is not over. */
function codeOf({ state }: Pick<Approval, "state">): RefusalCode | undefined {
  const codes: Readonly<Record<ApprovalState, RefusalCode | undefined>> = {
    pending: undefined,
    approved: undefined,
    denied: "approval_denied",
    expired: "approval_expired",
    cancelled: "approval_expired",
    used: undefined,
  };
  return codes[state];
}

const bodySchema = z.record(z.string(), z.json());

interface Hold {
  readonly callId: string;
  readonly body: JsonObject;
}

/** Calls that wait for this approval and have no end: the one that asked, and those that found the question waiting. */
async function holdsOf(log: HeldCallsDeps["log"], approval: Approval): Promise<readonly Hold[]> {
  const ids = new Set([approval.callId]);
  const query = { status: "held", agent: approval.agent, user: approval.user, from: approval.createdAt, limit: PAGE };
  for (let before: number | undefined; ids.size < MAX_CALLS;) {
    const { places, next } = await log.calls(approval.tenant, { ...query, before });
    for (const { callId } of places) ids.add(callId);
    if (next === undefined) break;
    before = next;
  }
  const records = await log.recordsOf(approval.tenant, [...ids]);
  return [...Map.groupBy(records, ({ callId }) => callId)].flatMap(([callId, own]) => {
    const last = own.filter(({ kind }) => kind !== "admin" && kind !== "lookup").at(-1);
    const body = last?.kind === "hold" ? bodyOf(last) : undefined;
    return body?.["approval"] === approval.id ? [{ callId, body }] : [];
  });
}

function bodyOf({ text }: StoredRecord): JsonObject | undefined {
  const parsed = bodySchema.safeParse(JSON.parse(text));
  return parsed.success ? parsed.data : undefined;
}

function endOf({ now, brokerId }: HeldCallsDeps, approval: Approval, hold: Hold, code: RefusalCode): LogEntry {
  const repeated = Object.fromEntries(
    REPEATED.flatMap((name) => {
      const value = hold.body[name];
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
  return {
    kind: "refusal",
    callId: hold.callId,
    body: { ...repeated, at: now().toISOString(), broker: brokerId, verdict: "deny", code },
    people: { user: approval.user },
    task: approval.task,
    ...(approval.resource === undefined ? {} : { resource: { type: approval.resource.type, id: approval.resource.id } }),
  };
}
