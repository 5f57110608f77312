import { ask } from "../engine/evaluator.ts";
import { EngineFault } from "../cedar/cedar-instance.ts";
import type { Answers } from "../engine/evaluator.ts";
import { readRequest } from "../facts/request-facts.ts";
import type { RequestFacts } from "../facts/request-facts.ts";
import { situationOf } from "../decide/decide.ts";
import { deniesFor } from "../decide/applicable.ts";
import type { Situation } from "../decide/situation.ts";
import { belongsTo, tenantFieldOf } from "../decide/tenant.ts";
import type { Condition, Deny, Gate, Grant } from "../rules/rule.ts";
import type { JsonObject } from "../json.ts";
import type { Decision, DecisionRequest, Policy, Presented } from "../types.ts";
import { treat, treatments } from "./treat-fields.ts";

const INVISIBLE: Presented = { visible: false, record: {}, hidden: [], masked: [] };

export interface PresentOptions {
  /** Secret of the deployment that keeps `hash` masks from being guessed; the policy's version when absent, which is no secret. */
  readonly maskSalt?: string | undefined;
}

/**
 * One record of a result as this decision lets the agent see it: tenant isolation, rows, then hidden and masked fields.
 * Whatever cannot be evaluated is not visible. Never throws.
 * `request` must be the very request that was decided; its facts are kept with it, so that many records cost one conversion.
 */
export function present(
  policy: Policy,
  request: DecisionRequest,
  decision: Decision,
  record: JsonObject,
  type: string,
  options: PresentOptions = {},
): Presented {
  if (decision.verdict === "deny" || decision.policyVersion !== policy.version) return INVISIBLE;
  try {
    const viewer = viewerOf(policy, request, decision);
    if (viewer === undefined || !belongsTo(policy, request.caller.tenant, { type, attributes: record })) return INVISIBLE;
    const shown = showingGrants(viewer, record, type);
    if (shown.length === 0) return INVISIBLE;
    const byPath = treatments(
      shown.map((grant) => grant.fields),
      viewer.gates.map((gate) => gate.fields),
    );
    return { visible: true, ...treat(record, byPath, options.maskSalt ?? policy.version) };
  } catch (error) {
    if (error instanceof EngineFault) return INVISIBLE;
    throw error;
  }
}

/**
 * Record types whose records need `present` under this decision, among those the action acts on or returns.
 * For all others it would change nothing, so a fast path may skip it.
 */
export function presentedTypes(policy: Policy, request: DecisionRequest, decision: Decision): ReadonlySet<string> {
  const viewer = viewerOf(policy, request, decision);
  if (viewer === undefined) return new Set(policy.tools.flatMap((tool) => Object.keys(tool.types)));
  const types = [viewer.situation.action.returns?.type, viewer.situation.action.resource?.type].filter((type) => type !== undefined);
  const rows = viewer.denies.length > 0 || viewer.grants.some((grant) => grant.rows !== undefined);
  const fields = [...viewer.grants, ...viewer.gates].some((rule) => rule.fields.hide.length > 0 || rule.fields.mask.size > 0);
  return new Set(types.filter((type) => rows || fields || tenantFieldOf(policy, type) !== undefined));
}

/** Everything about the call that is the same for each of its records. */
interface Viewer {
  readonly decision: Decision;
  readonly situation: Situation;
  readonly grants: readonly Grant[];
  readonly gates: readonly Gate[];
  /** Denies that speak of records. */
  readonly denies: readonly Deny[];
  readonly read: RequestFacts;
}

const viewers = new WeakMap<
  DecisionRequest,
  { readonly policy: Policy; readonly viewer: Viewer | undefined; readonly decision: Decision }
>();

function viewerOf(policy: Policy, request: DecisionRequest, decision: Decision): Viewer | undefined {
  const known = viewers.get(request);
  if (known?.policy === policy && known.decision === decision) return known.viewer;
  const viewer = makeViewer(policy, request, decision);
  viewers.set(request, { policy, viewer, decision });
  return viewer;
}

function makeViewer(policy: Policy, request: DecisionRequest, decision: Decision): Viewer | undefined {
  const situation = situationOf(policy, request);
  if ("code" in situation) return undefined;
  const { book } = situation.compiled;
  const gateIds = new Set(decision.rules.filter((rule) => rule.kind === "gate").map((rule) => rule.id));
  return {
    decision,
    situation,
    grants: book.grants.filter((grant) => decision.grants.includes(grant.ref.id)),
    gates: book.gates.filter((gate) => gateIds.has(gate.ref.id)),
    denies: deniesFor(situation).filter(
      (deny) => deny.rows !== undefined && (deny.field === undefined || situation.written.includes(deny.field)),
    ),
    read: readRequest(situation.compiled, situation.agent, situation.action, request),
  };
}

/** Grants whose rows hold for the record; none when a deny covers it or fails on it. */
function showingGrants(viewer: Viewer, record: JsonObject, type: string): readonly Grant[] {
  const conditions: readonly Condition[] = [
    ...viewer.denies.flatMap((deny) => [deny.when, deny.rows]),
    ...viewer.grants.map((grant) => grant.rows),
  ].filter((condition) => condition !== undefined);
  if (conditions.length === 0) return viewer.grants;
  if (!viewer.read.ok) return [];
  const id = record["id"];
  const resource = { type, id: typeof id === "string" || typeof id === "number" ? String(id) : "record", attributes: record };
  const answers = ask(viewer.situation.compiled, conditions, { ...viewer.read.facts, record: resource });
  if (viewer.denies.some((deny) => covers(answers, deny))) return [];
  return viewer.grants.filter((grant) => grant.rows === undefined || answers.matched.has(grant.rows.id));
}

function covers(answers: Answers, deny: Deny): boolean {
  for (const condition of [deny.when, deny.rows]) {
    if (condition === undefined) continue;
    if (answers.errored.has(condition.id)) return true;
    if (!answers.matched.has(condition.id)) return false;
  }
  return true;
}
