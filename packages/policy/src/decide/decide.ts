import { readRequest } from "../facts/request-facts.ts";
import type { RequestFacts } from "../facts/request-facts.ts";
import { declaredNames } from "../facts/field-path.ts";
import type { Decision, DecisionRequest, Policy } from "../types.ts";
import type { No } from "./answer.ts";
import { refuse } from "./answer.ts";
import { attenuate } from "./attenuate.ts";
import { BUILTIN } from "./builtin-rules.ts";
import { bounded, outsideStaticBounds } from "./bounds.ts";
import { permit } from "./permit.ts";
import type { Judged, Situation } from "./situation.ts";
import { environmentFor, situationOf } from "./situation.ts";
import { outsideRows } from "./session-rows.ts";
import { foreignRecord } from "./tenant.ts";

/**
 * Decides one call. Pure: the same policy and request give the same decision.
 * Never throws; whatever goes wrong inside is a refusal with code `rule_error`.
 */
export function decide(policy: Policy, request: DecisionRequest): Decision {
  try {
    return underDelegation(policy, request, judge(policy, request));
  } catch (error) {
    return refuse(policy, undefined, {
      code: "rule_error",
      message: `the decision failed: ${error instanceof Error ? error.message : "unknown fault"}; nothing was permitted, try again or tell the operator`,
      rules: [BUILTIN.failClosed],
      next: [{ kind: "retry_after", ms: RETRY_AFTER_FAULT_MS }],
    });
  }
}

/** The confused-deputy rule: the right of a delegate is what both it and its delegator have, never the union. */
function underDelegation(policy: Policy, request: DecisionRequest, own: Decision): Decision {
  const { delegator } = request.caller;
  if (delegator === undefined || own.verdict === "deny") return own;
  const above: DecisionRequest = { ...request, caller: delegator };
  return attenuate(policy, own, { request: above, decision: decide(policy, above) });
}

/** Nothing has to recover; the pause only keeps an agent from spinning. */
const RETRY_AFTER_FAULT_MS = 1_000;

function judge(policy: Policy, request: DecisionRequest): Decision {
  const situation = situationOf(policy, request);
  if ("code" in situation) return refuse(policy, undefined, situation);
  const { action } = situation;
  const early = wrongRecordType(situation) ?? outsideStaticBounds(situation);
  if (early !== undefined) return refuse(policy, action, early);
  const facts = readRequest(situation.session, action, request);
  if (!facts.ok) return refuse(policy, action, invalidArgument(situation, facts.path, facts.why));
  const foreign = foreignRecord(policy, situation.agent, situation.record) ?? outsideRows(situation);
  if (foreign !== undefined) return refuse(policy, action, foreign);
  const judged = judgedWith(situation, facts);
  const bound = bounded(judged);
  return bound === undefined ? permit(judged) : refuse(policy, action, bound);
}

/** The situation with everything that conditions can ask for. */
export function judgedWith(situation: Situation, facts: Extract<RequestFacts, { readonly ok: true }>): Judged {
  const { records, cost, context } = facts;
  return { ...situation, records, cost, env: environmentFor(situation, context, situation.record) };
}

function wrongRecordType({ action, record, agent }: Situation): No | undefined {
  if (record === undefined || record.type === action.resource?.type || record.type === action.returns?.type) return undefined;
  return {
    code: "rule_error",
    message: `the loaded record is a \`${record.type}\`, which \`${action.operation.name}\` does not act on; correct \`resource.type\` in the catalog`,
    rules: [BUILTIN.failClosed],
    next: [{ kind: "ask_owner", owner: agent.owner, text: `check tools/${action.operation.tool}.yaml` }],
  };
}

function invalidArgument({ action }: Situation, path: string, why: string): No {
  const names = declaredNames(action.args).filter((name) => !Object.hasOwn(action.force, name));
  const undeclared = why.includes("not declared");
  return {
    code: "argument_invalid",
    message: `argument \`${path}\` ${why}; correct it and call again`,
    rules: [BUILTIN.typedArguments],
    next: undeclared ? [{ kind: "narrow", field: "args", allowed: names }] : [{ kind: "narrow", field: path, allowed: [] }],
  };
}
