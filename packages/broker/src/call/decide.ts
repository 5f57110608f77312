import { decide, type DecisionRequest, type ResourceFacts } from "@bailiwick/policy";
import type { Session } from "../domain/session.ts";
import { callerOf } from "./agent-of.ts";
import { lookup } from "./lookup.ts";
import type { CallPorts } from "./ports.ts";
import { Refusal } from "./refusal.ts";
import type { DecidedCall, IdentifiedCall } from "./types.ts";
import { pushedArguments, viewsOf } from "./views.ts";

/**
 * Asks the policy. When the action names a record to load first, the question is put twice: once without the record
 * (can any record make this call allowed?), so that a hopeless call never makes the broker read anything; then with it.
 * @throws Refusal with the policy's code, rules and next steps.
 */
export async function decideCall(ports: CallPorts, session: Session, call: IdentifiedCall): Promise<DecidedCall> {
  const policy = ports.policy();
  const request: DecisionRequest = { caller: callerOf(session), operation: call.operation, args: call.args, now: ports.now() };
  const settle = (asked: DecisionRequest, resource?: ResourceFacts): DecidedCall =>
    refuseDenied({
      ...call,
      session,
      caller: asked.caller,
      policy,
      request: asked,
      decision: decide(policy, asked),
      ...(resource === undefined ? {} : { resource }),
    });
  if (call.action.resource?.before === undefined) return seeing(ports, settle(request));
  const resource = await lookup(ports, settle({ ...request, resource: "unknown" }));
  return seeing(ports, settle({ ...request, resource }, resource));
}

/** With what the policy lets the tool itself leave out. */
function seeing(ports: CallPorts, call: DecidedCall): DecidedCall {
  const [views, pushed] = [viewsOf(ports, call), pushedArguments(call)];
  return { ...call, ...(views === undefined ? {} : { views }), ...(pushed === undefined ? {} : { pushed }) };
}

function refuseDenied(call: DecidedCall): DecidedCall {
  const { decision } = call;
  if (decision.verdict !== "deny") return call;
  const refusal = decision.refusal;
  throw new DeniedByPolicy(call, refusal?.code ?? "no_grant", refusal?.message ?? "no grant allows this call");
}

/** A refusal that carries the call it judged, so that the record can say what was known. */
export class DeniedByPolicy extends Refusal {
  readonly call: DecidedCall;
  constructor(call: DecidedCall, code: Refusal["code"], message: string) {
    super(code, message, { rules: call.decision.rules, next: call.decision.refusal?.next ?? [] });
    this.call = call;
  }
}
