import { decide, type DecisionRequest, type ResourceFacts } from "@bailiwick/policy";
import type { Session } from "../domain/session.ts";
import { callerOf } from "./agent-of.ts";
import { contentOfArguments } from "./content.ts";
import { changedSince } from "./expects.ts";
import { argumentsDigest } from "./identify.ts";
import { lookup } from "./lookup.ts";
import { openedCursor } from "./pages.ts";
import type { CallPorts } from "./ports.ts";
import { Refusal } from "./refusal.ts";
import { expectedRecords } from "./repeats.ts";
import type { DecidedCall, IdentifiedCall } from "./types.ts";
import { pushedArguments, viewsOf } from "./views.ts";

/**
 * Asks the policy. When the action names a record to load first, the question is put twice: once without the record
 * (can any record make this call allowed?), so that a hopeless call never makes the broker read anything; then with it.
 * @throws Refusal with the policy's code, rules and next steps.
 */
export async function decideCall(ports: CallPorts, session: Session, call: IdentifiedCall, round = 0): Promise<DecidedCall> {
  const policy = ports.policy();
  const request: DecisionRequest = {
    caller: callerOf(session),
    operation: call.operation,
    args: call.args,
    now: ports.now(),
    ...expectedRecords(ports, call, session),
  };
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
  const worded = (decided: DecidedCall): Promise<DecidedCall> => withContent(ports, decided, round);
  if (call.action.resource?.before === undefined) return seeing(ports, await worded(settle(request)));
  // Before the lookup too: it sends an argument.
  const asking = await worded(settle({ ...request, resource: "unknown" }));
  const resource = await lookup(ports, asking);
  return seeing(ports, await worded(settle({ ...request, args: asking.args, resource }, resource)));
}

const MASKED_UNDO = "what was there before may be sent only masked, and a mask would not bring it back; change the record by hand";
/** Masking what was masked already changes nothing more, unless a mask looks like what is masked. */
const MAX_ROUNDS = 2;

/**
 * With texts as the policy lets them out. Masked arguments are decided anew as if the agent had sent them: what is decided, approved and
 * recorded is what is sent.
 */
async function withContent(ports: CallPorts, call: DecidedCall, round: number): Promise<DecidedCall> {
  const content = await contentOfArguments(ports, call);
  if (content.kind === "refused") {
    const { rule, path, message, shown } = content;
    const next = path === undefined ? [] : [{ kind: "narrow", field: path.replace(/^args\./u, ""), allowed: [] } as const];
    throw new DeniedByPolicy({ ...call, args: shown }, "content_refused", message, { rules: [rule], next });
  }
  const { args } = content;
  if (args === call.args) return call;
  if (call.session.undo !== undefined) throw new DeniedByPolicy({ ...call, args }, "content_refused", MASKED_UNDO);
  if (round === MAX_ROUNDS)
    throw new Refusal("content_refused", "what masking leaves of the arguments would be masked again; leave it out");
  return decideCall(ports, call.session, { ...call, args, argsDigest: argumentsDigest(call.operation, args) }, round + 1);
}

/** With what the policy lets the tool itself leave out. */
function seeing(ports: CallPorts, call: DecidedCall): DecidedCall {
  const [views, pushed, opened] = [viewsOf(ports, call), pushedArguments(call), openedCursor(ports, call)];
  return {
    ...call,
    ...(views === undefined ? {} : { views }),
    ...(pushed === undefined ? {} : { pushed }),
    ...(opened === undefined ? {} : { opened }),
  };
}

function refuseDenied(call: DecidedCall): DecidedCall {
  const { decision } = call;
  const changed = decision.verdict === "deny" ? undefined : changedSince(call);
  if (changed !== undefined) throw new DeniedByPolicy(call, "record_changed", changed);
  if (decision.verdict !== "deny") return call;
  const refusal = decision.refusal;
  throw new DeniedByPolicy(call, refusal?.code ?? "no_grant", refusal?.message ?? "no grant allows this call");
}

/** A refusal that carries the call it judged, so that the record can say what was known. */
export class DeniedByPolicy extends Refusal {
  readonly call: DecidedCall;
  constructor(
    call: DecidedCall,
    code: Refusal["code"],
    message: string,
    { rules, next }: Pick<Refusal, "rules" | "next"> = { rules: call.decision.rules, next: call.decision.refusal?.next ?? [] },
  ) {
    super(code, message, { rules, next });
    this.call = call;
  }
}
