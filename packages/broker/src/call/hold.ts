import { digest } from "@bailiwick/ledger";
import type { JsonObject, ResourceFacts } from "@bailiwick/policy";
import type { Approval } from "../domain/approval.ts";
import type { Session } from "../domain/session.ts";
import { diffOf } from "./diff.ts";
import type { CallPorts } from "./ports.ts";
import { factsOf, obligationsBody, said } from "./record-body.ts";
import type { LimitedCall } from "./types.ts";

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

/**
 * The approval that already stands for exactly this call, or undefined. A change of policy, tool or record makes it void, and so does
 * another chain of agents or another role that must answer: the call asks again.
 */
export async function findStanding(ports: CallPorts, call: LimitedCall): Promise<Approval | undefined> {
  const approval = await ports.approvals.findFor({
    tenant: call.session.tenant,
    agent: call.session.agent,
    user: call.session.user,
    task: call.session.task,
    operation: call.operation,
    argsDigest: call.argsDigest,
  });
  if (approval === undefined) return undefined;
  const same =
    approval.policyVersion === call.policy.version &&
    approval.fingerprint === call.fingerprint &&
    approval.resource?.digest === (call.resource === undefined ? undefined : recordDigest(call.resource)) &&
    answeredByWhoMay(approval, call);
  return same && (await askedAlike(ports, approval, call.session)) ? approval : undefined;
}

/** Whether everybody who may answer this approval may also answer what the call, as it is decided now, asks for. */
export function answeredByWhoMay(approval: Approval, { decision }: Pick<LimitedCall, "decision">): boolean {
  return decision.approve === undefined || approval.approvers.every((role) => decision.approve?.by.includes(role));
}

// A session is renewed every few minutes and its approvals go on. One that another client, other agents or a partner stand behind is
// another matter: the person answered for who asked.
async function askedAlike(ports: Pick<CallPorts, "sessions">, approval: Approval, session: Session): Promise<boolean> {
  if (approval.session === session.id) return true;
  const asked = await ports.sessions.find(approval.tenant, approval.session);
  return asked !== undefined && whoStandsBehind(asked) === whoStandsBehind(session);
}

function whoStandsBehind({ actors, client, partner, userProof }: Session): string {
  return JSON.stringify([actors, client ?? null, partner ?? null, userProof]);
}

/** Records the hold, then makes the approval that a person will see. */
export async function hold(ports: CallPorts, call: LimitedCall): Promise<Approval> {
  const approval = newApproval(ports, call);
  await recordHold(ports, call, approval);
  await ports.approvals.create(approval);
  return approval;
}

/** That this call waits: also for an approval that an earlier one asked for, or nothing would say how it ended. */
export async function recordHold(ports: CallPorts, call: LimitedCall, approval: Approval): Promise<void> {
  await ports.log.append(call.session.tenant, {
    kind: "hold",
    callId: call.callId,
    ...said(ports, call, {
      approval: approval.id,
      approvers: approval.approvers,
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
    task: call.session.task,
    operation: call.operation,
    scope: call.action.scope,
    effect: call.action.effect,
    args: call.args,
    argsDigest: call.argsDigest,
    fingerprint: call.fingerprint,
    policyVersion: call.policy.version,
    resource:
      call.resource === undefined ? undefined : { type: call.resource.type, id: call.resource.id, digest: recordDigest(call.resource) },
    diff: diffOf(call.resource?.attributes, writtenFields(call)),
    statedReason: call.incoming.statedReason?.slice(0, MAX_STATED_REASON_CHARS),
    rules: demand.rules,
    approvers: demand.by,
    state: "pending",
    createdAt,
    expiresAt: new Date(createdAt.getTime() + demand.expiresMs),
  };
}

function writtenFields(call: LimitedCall): JsonObject {
  const idArgument = call.action.resource?.id.replace(/^args\./u, "");
  const at = call.action.resource?.fields?.replace(/^args\./u, "");
  const nested = at === undefined ? undefined : call.args[at];
  if (typeof nested === "object" && nested !== null && !Array.isArray(nested)) return nested as JsonObject;
  return Object.fromEntries(Object.entries(call.args).filter(([name]) => name !== idArgument));
}
