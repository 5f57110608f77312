import { digest } from "@bailiwick/ledger";
import type { ApprovalDemand, ApprovalTerms, JsonObject, ResourceFacts } from "@bailiwick/policy";
import type { Approval, Staleness } from "../domain/approval.ts";
import type { Session } from "../domain/session.ts";
import { diffOf } from "./diff.ts";
import { originsOf } from "./origins.ts";
import { isObject } from "./paths.ts";
import type { CallPorts } from "./ports.ts";
import { Refusal } from "./refusal.ts";
import { reachOf } from "./reach.ts";
import { factsOf, obligationsBody, said } from "./record-body.ts";
import type { LimitedCall } from "./types.ts";

/** Calls of one agent that wait at a time: nobody answers more, and the inbox is other agents' too. */
const MAX_WAITING = 1_000;
const RETRY_AFTER_MS = 60_000;
/** Longest stated reason that is kept; it is untrusted text from the agent. */
const MAX_STATED_REASON_CHARS = 1_000;

/** Thrown when the call waits for a person; the approval is durable and the hold is recorded. */
export class Held extends Error {
  override readonly name = "Held";
  readonly approval: Approval;
  constructor(approval: Approval) {
    super("held for a person");
    this.approval = approval;
  }
}

/** What was asked before for exactly these arguments: it stands, or it no longer does and why. */
export type Before = { readonly approval: Approval; readonly stale: readonly Staleness[] };

/**
 * The last question about exactly this call, or undefined when there is none that this caller may go on from. A change of policy, tool or record makes
 * it void, and so do other roles that must answer.
 */
export async function findBefore(ports: CallPorts, call: LimitedCall): Promise<Before | undefined> {
  const approval = await ports.approvals.findFor({
    tenant: call.session.tenant,
    agent: call.session.agent,
    user: call.session.user,
    task: call.session.task,
    operation: call.operation,
    argsDigest: call.argsDigest,
  });
  if (approval === undefined || !(await askedAlike(ports, approval, call.session))) return undefined;
  return { approval, stale: staleness(approval, call) };
}

/** What has changed since people were asked; empty while their answer holds. */
export function staleness(approval: Approval, call: LimitedCall): readonly Staleness[] {
  const version = call.resource === undefined ? undefined : recordDigest(call.resource);
  return [
    ...(approval.policyVersion === call.policy.version ? [] : (["policy"] as const)),
    ...(approval.resource?.digest === version ? [] : (["record"] as const)),
    ...(approval.fingerprint === call.fingerprint ? [] : (["tool"] as const)),
    ...(answeredByWhoMay(approval, call) && demandsNoMore(approval, call) ? [] : (["approvers"] as const)),
  ];
}

/** Whether everybody who may answer this approval, now or later, may also answer what the call, as it is decided now, asks for. */
export function answeredByWhoMay({ approvers, terms }: Approval, { decision }: Pick<LimitedCall, "decision">): boolean {
  const now = decision.approve;
  if (now === undefined) return true;
  const { escalate } = terms;
  const later = now.escalate !== undefined && escalate !== undefined && now.escalate.afterMs <= escalate.afterMs ? now.escalate.to : [];
  return (
    approvers.every((role) => now.by.includes(role)) && (escalate?.to ?? []).every((role) => now.by.includes(role) || later.includes(role))
  );
}

/** Whether the call, as it is decided now, asks for no more people than were asked. Each group counts for one that is asked for now. */
export function asksNoMorePeople({ terms }: Approval, { decision }: Pick<LimitedCall, "decision">): boolean {
  const now = decision.approve;
  if (now === undefined) return true;
  const left = [...terms.also];
  return (
    now.count <= terms.count &&
    now.also.every((group) => {
      const at = left.findIndex(({ by, count }) => count >= group.count && by.every((role) => group.by.includes(role)));
      if (at !== -1) left.splice(at, 1);
      return at !== -1;
    })
  );
}

/** The same, and whether it asks for no signature where none was asked for. */
function demandsNoMore(approval: Approval, call: Pick<LimitedCall, "decision">): boolean {
  return asksNoMorePeople(approval, call) && (call.decision.approve?.stepUp !== true || approval.terms.stepUp);
}

// A session is renewed every few minutes and its approvals go on. One that another client, other agents or a partner stand behind is
// another matter: the person answered for who asked.
export async function askedAlike(ports: Pick<CallPorts, "sessions">, approval: Approval, session: Session): Promise<boolean> {
  if (approval.session === session.id) return true;
  const asked = await ports.sessions.find(approval.tenant, approval.session);
  return asked !== undefined && whoStandsBehind(asked) === whoStandsBehind(session);
}

function whoStandsBehind({ actors, client, partner, userProof, undo }: Session): string {
  return JSON.stringify([actors, client ?? null, partner ?? null, userProof, undo?.call ?? null, undo?.by ?? null]);
}

/**
 * Records the hold, then makes the approval that people will see. With a question before it that no longer holds, that one is withdrawn and they
 * see what has changed since.
 * @throws Refusal `rate_limited` when too many of the agent's calls wait already.
 */
export async function hold(ports: CallPorts, call: LimitedCall, before?: Before): Promise<Approval> {
  const { tenant, agent } = call.session;
  const waiting = await ports.approvals.countPending(tenant, agent);
  if (waiting >= MAX_WAITING) {
    throw new Refusal("rate_limited", `${waiting} calls of this agent wait for people already; let them be answered first`, {
      rules: call.decision.approve?.rules ?? [],
      next: [{ kind: "retry_after", ms: RETRY_AFTER_MS }],
    });
  }
  const approval = newApproval(ports, call);
  const supersedes = before === undefined ? undefined : await difference(ports, before, call);
  const asked = supersedes === undefined ? approval : { ...approval, supersedes };
  await recordHold(ports, call, asked);
  if (before !== undefined) await ports.approvals.cancel(call.session.tenant, before.approval.id);
  await ports.approvals.create(asked);
  return asked;
}

/** What people saw of the record is among the sealed facts of the call that asked; without them only that it changed can be said. */
async function difference(ports: CallPorts, { approval, stale }: Before, call: LimitedCall): Promise<NonNullable<Approval["supersedes"]>> {
  const facts = stale.includes("record") ? await ports.log.facts(approval.tenant, approval.callId) : undefined;
  const shown = facts?.["resource"];
  const attributes = isObject(shown) ? shown["attributes"] : undefined;
  const changes =
    isObject(attributes) && call.resource !== undefined
      ? diffOf(attributes, { ...goneFrom(attributes, call.resource.attributes), ...call.resource.attributes })
      : [];
  return { id: approval.id, because: stale, changes };
}

/** Fields that are no longer there. */
function goneFrom(before: JsonObject, after: JsonObject): JsonObject {
  return Object.fromEntries(Object.keys(before).flatMap((name) => (Object.hasOwn(after, name) ? [] : [[name, null]])));
}

/** That this call waits: also for an approval that an earlier one asked for, or nothing would say how it ended. */
export async function recordHold(ports: CallPorts, call: LimitedCall, approval: Approval): Promise<void> {
  await ports.log.append(call.session.tenant, {
    kind: "hold",
    callId: call.callId,
    ...said(ports, call, {
      approval: approval.id,
      approvers: approval.approvers,
      ...(approval.supersedes === undefined ? {} : { supersedes: approval.supersedes.id, because: [...approval.supersedes.because] }),
      expiresAt: approval.expiresAt.toISOString(),
      ...obligationsBody(call),
    }),
    facts: factsOf(call),
  });
}

/** Version of a loaded record: what the approver saw. */
export function recordDigest(resource: ResourceFacts): string {
  return digest({ type: resource.type, id: resource.id, attributes: resource.attributes });
}

function newApproval(ports: CallPorts, call: LimitedCall): Approval {
  const createdAt = ports.now();
  const demand = call.decision.approve;
  if (demand === undefined) throw new Error("a decision to ask says who may answer; the policy engine guarantees it");
  return {
    id: ports.newId("apr"),
    tenant: call.session.tenant,
    environment: call.session.environment,
    callId: call.callId,
    agent: call.session.agent,
    user: call.session.user,
    session: call.session.id,
    actors: call.session.actors,
    run: call.session.run,
    task: call.session.task,
    ...(call.session.undo === undefined ? {} : { undo: call.session.undo }),
    operation: call.operation,
    scope: call.action.scope,
    effect: call.action.effect,
    args: call.args,
    argsDigest: call.argsDigest,
    fingerprint: call.fingerprint,
    policyVersion: call.policy.version,
    ...(call.resource === undefined
      ? {}
      : { resource: { type: call.resource.type, id: call.resource.id, digest: recordDigest(call.resource) } }),
    diff: diffOf(call.resource?.attributes, writtenFields(call)),
    reach: reachOf(call),
    origins: originsOf(ports.memory, call),
    ...(call.incoming.statedReason === undefined ? {} : { statedReason: call.incoming.statedReason.slice(0, MAX_STATED_REASON_CHARS) }),
    rules: demand.rules,
    approvers: demand.by,
    terms: termsOf(demand),
    state: "pending",
    createdAt,
    expiresAt: new Date(createdAt.getTime() + demand.expiresMs),
    answers: [],
  };
}

function termsOf({ count, also, stepUp, escalate, bounded }: ApprovalDemand): ApprovalTerms {
  return {
    count,
    also,
    stepUp,
    ...(escalate === undefined ? {} : { escalate }),
    ...(bounded === undefined ? {} : { bounded }),
  };
}

/** What a call would set, by field. */
export function writtenFields(call: Pick<LimitedCall, "action" | "args">): JsonObject {
  const idArgument = call.action.resource?.id.replace(/^args\./u, "");
  const at = call.action.resource?.fields?.replace(/^args\./u, "");
  const nested = at === undefined ? undefined : call.args[at];
  if (typeof nested === "object" && nested !== null && !Array.isArray(nested)) return nested as JsonObject;
  return Object.fromEntries(Object.entries(call.args).filter(([name]) => name !== idArgument));
}
