import { forcedArguments } from "@bailiwick/policy";
import type { Approval } from "../domain/approval.ts";
import { covers } from "../domain/bounded-yes.ts";
import { argumentsDigest } from "./identify.ts";
import { decideCall } from "./decide.ts";
import { elapsedMs } from "./elapsed.ts";
import { answeredByWhoMay, askedAlike, asksNoMorePeople, findBefore, Held, hold, recordHold, staleness } from "./hold.ts";
import { limit } from "./limit.ts";
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
  /** The yes it stands on. `once`: the approval is used. `bounded`: one use of a yes to several calls is taken. Both in the intent's transaction. */
  readonly yes?: { readonly kind: "once" | "bounded"; readonly approval: Approval } | undefined;
  /** How long this call was kept open while a person thought. */
  readonly waitedMs: number;
}

/** A permit is used within seconds; this bounds a call that got stuck between permit and execution. */
export const PERMIT_TTL_MS = 30_000;

const live = new WeakSet<Permit>();

/**
 * Gives a permit at once when policy allowed the call or a standing yes covers it, else finds or makes the approval it waits for.
 * An approval counts for this agent (and whoever acts through it), user, task, tool fingerprint, arguments, record version and policy
 * version, once.
 * @throws Held while people have not answered; Refusal `approval_denied`, `approval_expired`, `approval_used`, `approval_stale`.
 */
export async function approve(ports: CallPorts, call: LimitedCall): Promise<Permit> {
  if (call.decision.verdict === "allow") return allowed(ports, call);
  const before = await findBefore(ports, call);
  const standing = before?.stale.length === 0 ? before.approval : undefined;
  if (standing === undefined || standing.state === "pending") {
    const bounded = await findBounded(ports, call);
    // Nobody has to answer it then, and its ticket runs no second call.
    if (bounded !== undefined && before !== undefined && before.approval.state !== "denied") await withdraw(ports, before.approval);
    if (bounded !== undefined) return issue(ports, call, { yes: { kind: "bounded", approval: bounded }, waitedMs: 0 });
  }
  if (standing?.state === "pending") await recordHold(ports, call, standing);
  const from = ports.now();
  const asked = standing ?? (await hold(ports, call, before));
  const settled = asked.state === "pending" ? await wait(ports, call, asked) : { call, approval: asked, waited: false };
  const waitedMs = settled.waited ? elapsedMs(ports, from) : 0;
  if (settled.approval === undefined) return issue(ports, settled.call, { waitedMs });
  const final = await approvedCall(ports, settled.call, settled.approval);
  return issue(ports, final, { yes: { kind: "once", approval: settled.approval }, waitedMs });
}

/**
 * Policy alone lets the call go ahead. A ticket is used up with it: it runs its call once, and where a person has answered already, as they
 * said.
 */
async function allowed(ports: CallPorts, call: LimitedCall): Promise<Permit> {
  const { ticket } = call.incoming;
  const asked = ticket === undefined ? undefined : await ports.approvals.find(call.session.tenant, ticket);
  if (asked === undefined) return issue(ports, call, { waitedMs: 0 });
  if (asked.state === "pending" || staleness(asked, call).length > 0) {
    await withdraw(ports, asked);
    return issue(ports, call, { waitedMs: 0 });
  }
  const final = await approvedCall(ports, call, asked);
  return issue(ports, final, { yes: { kind: "once", approval: asked }, waitedMs: 0 });
}

/** @throws Refusal `approval_used` when the question was answered, used or withdrawn meanwhile. */
async function withdraw(ports: CallPorts, { tenant, id }: Approval): Promise<void> {
  if (await ports.approvals.cancel(tenant, id)) return;
  throw new Refusal("approval_used", `approval \`${id}\` waits no longer; repeat the call itself`);
}

/** A standing yes to several calls that covers this one, asked for by the same caller. */
async function findBounded(ports: CallPorts, call: LimitedCall): Promise<Approval | undefined> {
  const { session, operation, args, fingerprint, policy, decision } = call;
  const candidates = await ports.approvals.bounded({ tenant: session.tenant, agent: session.agent, user: session.user, operation });
  const asked = {
    session: session.id,
    task: session.task,
    args,
    fingerprint,
    policyVersion: policy.version,
    rules: (decision.approve?.rules ?? []).map(({ id }) => id),
  };
  for (const candidate of candidates) {
    if (!covers(candidate, asked) || !answeredByWhoMay(candidate.approval, call)) continue;
    if (await askedAlike(ports, candidate.approval, session)) return candidate.approval;
  }
  return undefined;
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

function issue(ports: CallPorts, call: LimitedCall, asked: Pick<Permit, "yes" | "waitedMs">): Permit {
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

/** A call after its wait, decided again. Without an approval policy has come to allow it meanwhile. */
interface Settled {
  readonly call: LimitedCall;
  readonly approval: Approval | undefined;
  readonly waited: boolean;
}

/**
 * Waits as long as the agent's line does. What people were shown may have changed while they thought: then they are asked again, with the
 * difference, and the wait goes on.
 */
async function wait(ports: CallPorts, first: LimitedCall, asked: Approval): Promise<Settled> {
  const { patience, io } = first.incoming;
  // A wait past the end of the session would end in a refusal; the agent comes back with a new token instead.
  const until = Math.min(ports.now().getTime() + patience.waitMs, first.session.expiresAt.getTime());
  for (let [call, approval] = [first, asked]; ;) {
    patience.onHeld?.(approval);
    const timeoutMs = until - ports.now().getTime();
    const answered =
      timeoutMs <= 0 ? undefined : await ports.approvals.wait(call.session.tenant, approval.id, { timeoutMs, signal: io.signal });
    if (answered === undefined || answered.state === "pending") throw new Held(approval);
    if (answered.state !== "approved") return { call, approval: answered, waited: true };
    const again = limit(ports, await decideCall(ports, call.session, call));
    const stale = staleness(answered, again);
    if (stale.length === 0) return { call: again, approval: answered, waited: true };
    if (again.decision.verdict === "allow") {
      await withdraw(ports, answered);
      return { call: again, approval: undefined, waited: true };
    }
    approval = await hold(ports, again, { approval: answered, stale });
    call = again;
  }
}

async function approvedCall(ports: CallPorts, call: LimitedCall, approval: Approval): Promise<LimitedCall> {
  const last = approval.answers.at(-1);
  const reason = last?.reason;
  switch (approval.state) {
    case "approved":
      return last?.args === undefined ? call : edited(ports, call, approval, last.args);
    case "denied":
      throw new Refusal("approval_denied", `\`${last?.by ?? "a person"}\` said no${reason === undefined ? "" : `: ${reason}`}`, {
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
async function edited(ports: CallPorts, call: LimitedCall, approval: Approval, args: Approval["args"]): Promise<LimitedCall> {
  // A person cannot set what the broker sets: it is what keeps tenants apart.
  const final = { ...args, ...forcedArguments(call.action, call.caller) };
  const changed = { ...call, args: final, argsDigest: argumentsDigest(call.operation, final) };
  const decided = limit(ports, await decideCall(ports, call.session, changed));
  if (decided.resource?.id !== call.resource?.id) {
    throw new Refusal("approval_stale", "the approved arguments name another record than the one shown; repeat the call");
  }
  if (!answeredByWhoMay(approval, decided)) {
    throw new Refusal(
      "approval_stale",
      `the approved arguments need the yes of ${decided.decision.approve?.by.join(" or ") ?? "somebody else"}, who was not asked; make the call with those arguments`,
    );
  }
  if (!asksNoMorePeople(approval, decided) || (decided.decision.approve?.stepUp === true && !isSigned(approval))) {
    throw new Refusal(
      "approval_stale",
      "the approved arguments need more people's yes, or a signed one, than the arguments asked for; make the call with those arguments",
    );
  }
  return decided;
}

/** Whether each yes that counts was signed: those to the same arguments as the last. */
function isSigned({ answers }: Approval): boolean {
  const last = answers.at(-1);
  return answers.every(({ argsDigest, receipt }) => argsDigest !== last?.argsDigest || receipt !== undefined);
}
