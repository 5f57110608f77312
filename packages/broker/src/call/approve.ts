import type { Approval } from "../domain/approval.ts";
import { argumentsDigest } from "./identify.ts";
import { decideCall } from "./decide.ts";
import { elapsedMs } from "./elapsed.ts";
import { answeredByWhoMay, findStanding, Held, hold, recordDigest, recordHold } from "./hold.ts";
import { limit } from "./limit.ts";
import { lookup } from "./lookup.ts";
import type { CallPorts } from "./ports.ts";
import { Refusal } from "./refusal.ts";
import type { LimitedCall } from "./types.ts";

declare const permitBrand: unique symbol;

/**
 * Proof that policy, and a person when policy asked for one, said yes to exactly these arguments.
 * Only this file makes one; `redeem` takes it back once, right before execution.
 */
export interface Permit {
  readonly [permitBrand]: true;
  readonly call: LimitedCall;
  readonly argsDigest: string;
  readonly policyVersion: string;
  readonly expiresAt: Date;
  readonly approval?: Approval | undefined;
  /** How long this call was kept open while a person thought. */
  readonly waitedMs: number;
}

/** A permit is used within seconds; this bounds a call that got stuck between permit and execution. */
export const PERMIT_TTL_MS = 30_000;

const live = new WeakSet<Permit>();

/**
 * Gives a permit at once when policy allowed the call, else finds or makes the approval it waits for.
 * An approval counts for this agent (and whoever acts through it), user, task, tool fingerprint, arguments, record version and policy
 * version, once.
 * @throws Held while a person has not answered; Refusal `approval_denied`, `approval_expired`, `approval_used`, `approval_stale`.
 */
export async function approve(ports: CallPorts, call: LimitedCall): Promise<Permit> {
  if (call.decision.verdict === "allow") return issue(ports, call, { waitedMs: 0 });
  const standing = await findStanding(ports, call);
  if (standing?.state === "pending") await recordHold(ports, call, standing);
  const found = standing ?? (await hold(ports, call));
  const from = ports.now();
  const approval = found.state === "pending" ? await wait(ports, call, found) : found;
  const waitedMs = approval === found ? 0 : elapsedMs(ports, from);
  const final = await approvedCall(ports, call, approval);
  if (!(await ports.approvals.use(call.session.tenant, approval.id, ports.now()))) {
    throw new Refusal("approval_used", `approval \`${approval.id}\` was used already or has expired; repeat the call to ask again`);
  }
  return issue(ports, final, { approval, waitedMs });
}

/**
 * Takes a permit back right before the effect: it must be unused, unexpired, and still cover these arguments under this policy.
 * @throws Refusal `permit_invalid`, `policy_changed`.
 */
export function redeem(ports: Pick<CallPorts, "policy" | "now">, permit: Permit): LimitedCall {
  const { call } = permit;
  const unused = live.delete(permit);
  if (!unused || permit.expiresAt <= ports.now()) {
    throw new Refusal("permit_invalid", "the permit of this call was used or has expired; repeat the call");
  }
  if (argumentsDigest(call.operation, call.args) !== permit.argsDigest) {
    throw new Refusal("permit_invalid", "the arguments are not those that were permitted; repeat the call");
  }
  if (ports.policy().version !== permit.policyVersion) {
    throw new Refusal("policy_changed", "the policy changed while this call was under way; repeat it to have it decided again", {
      next: [{ kind: "retry_after", ms: 0 }],
    });
  }
  return call;
}

function issue(ports: CallPorts, call: LimitedCall, asked: Pick<Permit, "approval" | "waitedMs">): Permit {
  const permit = {
    call,
    argsDigest: argumentsDigest(call.operation, call.args),
    policyVersion: call.policy.version,
    expiresAt: new Date(ports.now().getTime() + PERMIT_TTL_MS),
    ...asked,
  } as Permit; // the brand exists in types only
  live.add(permit);
  return permit;
}

async function wait(ports: CallPorts, call: LimitedCall, approval: Approval): Promise<Approval> {
  const { patience, io } = call.incoming;
  patience.onHeld?.(approval);
  // A wait past the end of the session would end in a refusal; the agent comes back with a new token instead.
  const sessionLeftMs = call.session.expiresAt.getTime() - ports.now().getTime();
  const timeoutMs = Math.min(patience.waitMs, sessionLeftMs);
  const answered =
    timeoutMs <= 0 ? undefined : await ports.approvals.wait(call.session.tenant, approval.id, { timeoutMs, signal: io.signal });
  if (answered === undefined || answered.state === "pending") throw new Held(approval);
  await requireSameRecord(ports, call);
  return answered;
}

// The record may have changed while the person was thinking: what they saw must be what is changed.
async function requireSameRecord(ports: CallPorts, call: LimitedCall): Promise<void> {
  if (call.resource === undefined) return;
  if (recordDigest(await lookup(ports, call)) !== recordDigest(call.resource)) {
    throw new Refusal(
      "approval_stale",
      "the record changed after the approval was asked for; repeat the call to ask again with the new difference",
    );
  }
}

async function approvedCall(ports: CallPorts, call: LimitedCall, approval: Approval): Promise<LimitedCall> {
  const reason = approval.answer?.reason;
  switch (approval.state) {
    case "approved":
      return approval.answer?.args === undefined ? call : edited(ports, call, approval, approval.answer.args);
    case "denied":
      throw new Refusal("approval_denied", `\`${approval.answer?.by ?? "a person"}\` said no${reason === undefined ? "" : `: ${reason}`}`, {
        rules: approval.rules,
      });
    case "used":
      throw new Refusal("approval_used", `approval \`${approval.id}\` was used already; repeat the call to ask again`);
    case "expired":
    case "cancelled":
      throw new Refusal("approval_expired", `nobody answered approval \`${approval.id}\` in time; repeat the call to ask again`);
    case "pending":
      throw new Held(approval);
  }
}

// A person's edit is decided again: nobody can approve what policy denies, or what is another role's to answer.
async function edited(
  ports: CallPorts,
  call: LimitedCall,
  approval: Approval,
  args: NonNullable<NonNullable<Approval["answer"]>["args"]>,
): Promise<LimitedCall> {
  const changed = { ...call, args, argsDigest: argumentsDigest(call.operation, args) };
  const decided = limit(await decideCall(ports, call.session, changed));
  if (decided.resource?.id !== call.resource?.id) {
    throw new Refusal("approval_stale", "the approved arguments name another record than the one shown; repeat the call");
  }
  if (!answeredByWhoMay(approval, decided)) {
    throw new Refusal(
      "approval_stale",
      `the approved arguments need the yes of ${decided.decision.approve?.by.join(" or ") ?? "somebody else"}, who was not asked; make the call with those arguments`,
    );
  }
  return decided;
}
