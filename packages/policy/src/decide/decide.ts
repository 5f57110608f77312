import { ask } from "../engine/evaluator.ts";
import { EngineFault } from "../cedar/cedar-instance.ts";
import { readRequest } from "../facts/request-facts.ts";
import { declaredNames } from "../facts/field-path.ts";
import { compiledOf } from "../load/compiled.ts";
import type { Decision, DecisionRequest, Policy, ResourceFacts } from "../types.ts";
import type { No } from "./answer.ts";
import { refuse } from "./answer.ts";
import { ceilingsFor, conditionsOf, deniesFor, gatesFor, grantsFor } from "./applicable.ts";
import { BUILTIN } from "./builtin-rules.ts";
import { bounded, outsideStaticBounds } from "./bounds.ts";
import { findAction } from "./find-action.ts";
import { permit } from "./permit.ts";
import type { Situation } from "./situation.ts";
import { recordStateOf, writtenFields } from "./situation.ts";
import { foreignRecord } from "./tenant.ts";

/**
 * Decides one call. Pure: the same policy and request give the same decision.
 * Never throws; whatever goes wrong inside is a refusal with code `rule_error`.
 */
export function decide(policy: Policy, request: DecisionRequest): Decision {
  try {
    return judge(policy, request);
  } catch (error) {
    const what =
      error instanceof EngineFault ? error.message : `the decision failed: ${error instanceof Error ? error.message : "unknown fault"}`;
    return refuse(policy, undefined, {
      code: "rule_error",
      message: `${what}; nothing was permitted, try again or tell the operator`,
      rules: [BUILTIN.failClosed],
      next: [{ kind: "retry_after", ms: RETRY_AFTER_FAULT_MS }],
    });
  }
}

/** A fresh interpreter is ready at once; the pause only keeps an agent from spinning. */
const RETRY_AFTER_FAULT_MS = 1_000;

function judge(policy: Policy, request: DecisionRequest): Decision {
  const found = situationOf(policy, request);
  if ("code" in found) return refuse(policy, undefined, found);
  const { action } = found;
  const early = wrongRecordType(found) ?? outsideStaticBounds(found);
  if (early !== undefined) return refuse(policy, action, early);
  const read = readRequest(found.compiled, found.agent, action, request);
  if (!read.ok) return refuse(policy, action, invalidArgument(found, read.path, read.why));
  const foreign = foreignRecord(policy, found.agent, found.record);
  if (foreign !== undefined) return refuse(policy, action, foreign);
  const rules = { grants: grantsFor(found), denies: deniesFor(found), gates: gatesFor(found, read.records), ceilings: ceilingsFor(found) };
  const conditions = conditionsOf(rules).filter((condition) => found.recordState === "known" || !condition.usesResource);
  const answers = ask(found.compiled, conditions, { ...read.facts, record: found.record });
  const judged = { ...found, facts: read.facts, records: read.records, cost: read.cost, answers };
  const bound = bounded(judged, rules);
  return bound === undefined ? permit(judged, rules) : refuse(policy, action, bound);
}

/** Finds action and agent; a caller that is not exactly a known identity is refused. */
export function situationOf(policy: Policy, request: DecisionRequest): Situation | No {
  const compiled = compiledOf(policy);
  const { caller, operation } = request;
  const agent = policy.agents.find((candidate) => candidate.name === caller.agent);
  if (agent === undefined) {
    return {
      code: "no_grant",
      message: `no agent \`${caller.agent}\` is declared; add it to a file in agents/`,
      rules: [BUILTIN.denyByDefault],
      next: [],
    };
  }
  if (agent.tenant !== caller.tenant || agent.environment !== caller.environment || agent.workflow !== caller.workflow) {
    return {
      code: "cross_tenant",
      message: `\`${caller.agent}\` acts only for its own tenant, environment and workflow; open a session for those`,
      rules: [BUILTIN.tenantIsolation],
      next: [{ kind: "reauthenticate" }],
    };
  }
  const action = findAction(policy, operation);
  if (action === undefined) {
    return {
      code: "no_grant",
      message: `\`${operation.name}\` of \`${operation.tool}\` is not in the catalog; a person must review it first`,
      rules: [BUILTIN.denyByDefault],
      next: [{ kind: "ask_owner", owner: agent.owner, text: `add \`${operation.name}\` to tools/${operation.tool}.yaml` }],
    };
  }
  const record: ResourceFacts | undefined = request.resource === "unknown" ? undefined : request.resource;
  return {
    policy,
    compiled,
    request,
    action,
    agent,
    roles: compiled.book.agentRoles.get(agent.name) ?? new Set(),
    record,
    recordState: recordStateOf(action, request.resource),
    written: writtenFields(action, request.args),
  };
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
