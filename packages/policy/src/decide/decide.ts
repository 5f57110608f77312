import { readRequest } from "../facts/request-facts.ts";
import type { RequestFacts } from "../facts/request-facts.ts";
import { declaredNames } from "../facts/field-path.ts";
import type { Decision, DecisionRequest, NextStep, Policy } from "../types.ts";
import type { No } from "./answer.ts";
import { refuse } from "./answer.ts";
import { attenuate } from "./attenuate.ts";
import { BUILTIN } from "./builtin-rules.ts";
import { bounded, outsideStaticBounds } from "./bounds.ts";
import { supposed } from "./elevations.ts";
import type { Elevated } from "./elevations.ts";
import { permit } from "./permit.ts";
import { placeOf } from "./session.ts";
import type { Judged, Situation } from "./situation.ts";
import { environmentFor, situationOf } from "./situation.ts";
import { outsideRows } from "./session-rows.ts";
import { countsResult } from "./counts-result.ts";
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
  return attenuate(policy, request.caller.agent, own, { request: above, decision: decide(policy, above) });
}

/** Nothing has to recover; the pause only keeps an agent from spinning. */
const RETRY_AFTER_FAULT_MS = 1_000;

function judge(policy: Policy, request: DecisionRequest): Decision {
  const situation = situationOf(policy, request);
  if ("code" in situation) return refuse(policy, undefined, situation);
  const answer = judgeIn(situation);
  if ("code" in answer) return refuse(policy, situation.action, orElevation(situation, answer));
  return situation.elevated.length === 0 ? answer : standingOn(situation, answer);
}

function judgeIn(situation: Situation): Decision | No {
  const { policy, action, request } = situation;
  const early = wrongRecordType(situation) ?? outsideStaticBounds(situation);
  if (early !== undefined) return early;
  const facts = readRequest(situation.session, action, request);
  if (!facts.ok) return invalidArgument(situation, facts.path, facts.why);
  const foreign = foreignRecord(policy, situation.agent, situation.record) ?? outsideRows(situation);
  if (foreign !== undefined) return foreign;
  const judged = judgedWith(situation, facts);
  return bounded(judged) ?? permit(judged);
}

/**
 * The decision with the elevations it stands on: with one of them fewer it would be a refusal, or come out under other grants or demands.
 * Grants that apply together show rows together, so an elevation counts also where the call would have run without it.
 */
function standingOn(situation: Situation, decision: Decision): Decision {
  // Of two that give the same, the one that lasts longer is named.
  let used = situation.elevated.toSorted((a, b) => a.elevation.until.getTime() - b.elevation.until.getTime());
  for (const one of used) {
    const rest = used.filter((other) => other !== one);
    const without = judgeIn(withElevations(situation, rest));
    if (!("code" in without) && sameDemands(without, decision)) used = rest;
  }
  return used.length === 0 ? decision : { ...decision, elevations: used.map(({ elevation }) => elevation.id) };
}

function sameDemands(a: Decision, b: Decision): boolean {
  const demands = ({ grants, approve, limits, content, maxRecords, asksOver }: Decision): string =>
    JSON.stringify([grants, approve, limits, content, maxRecords, asksOver]);
  return demands(a) === demands(b);
}

function withElevations(situation: Situation, elevated: readonly Elevated[]): Situation {
  return { ...situation, elevated, place: placeOf(situation.session, situation.action, elevated) };
}

/** The refusal, with an elevation as a next step where one that the agent may ask for would let this very call through. */
function orElevation(situation: Situation, no: No): No {
  const { agent, elevated, action } = situation;
  const { elevating } = no;
  if (elevating === undefined) return no;
  const helps = agent.eligible
    .filter(({ role }) => elevated.every(({ elevation }) => elevation.role !== role))
    .some(({ role }) => !("code" in judgeIn(withElevations(situation, [...elevated, supposed(role)]))));
  if (!helps) return no;
  const step: NextStep = { kind: "request_elevation", scope: action.scope };
  // What the agent can do by itself comes before what takes a person.
  const next = no.code === "field_not_permitted" ? [...no.next, step] : [step, ...no.next];
  return { ...no, message: elevating, next };
}

/** The situation with everything that conditions can ask for. */
export function judgedWith(situation: Situation, facts: Extract<RequestFacts, { readonly ok: true }>): Judged {
  const { records, cost, recipients, context } = facts;
  const expected = countsResult(situation.action) ? (situation.request.expected ?? 0) : 0;
  return { ...situation, records, cost, recipients, expected, env: environmentFor(situation, context, situation.record) };
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
