import { belongsTo, tenantFieldOf } from "../decide/tenant.ts";
import type { Grant } from "../rules/rule.ts";
import type { JsonObject } from "../json.ts";
import type { Decision, DecisionRequest, Policy, Presented } from "../types.ts";
import { planOf, treat, treatments } from "./treat-fields.ts";
import type { TreatmentPlan } from "./treat-fields.ts";
import type { Viewer } from "./viewer.ts";
import { showingGrants, viewerOf } from "./viewer.ts";

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
    return { visible: true, ...treat(record, planFor(viewer, shown), options.maskSalt ?? policy.version) };
  } catch {
    return INVISIBLE;
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
  const rows = viewer.denies.length > 0 || viewer.grants.some(({ rows: asked }) => asked !== undefined);
  const fields = [...viewer.grants.map(({ rule }) => rule), ...viewer.gates].some(
    (rule) => rule.fields.hide.length > 0 || rule.fields.mask.size > 0,
  );
  return new Set(types.filter((type) => rows || fields || tenantFieldOf(policy, type) !== undefined));
}

function planFor({ plans, gates }: Viewer, shown: readonly Grant[]): TreatmentPlan {
  const key = shown.length === 1 ? (shown[0]?.ref.id ?? "") : shown.map((grant) => grant.ref.id).join("\n");
  const known = plans.get(key);
  if (known !== undefined) return known;
  const byPath = treatments(
    shown.map((grant) => grant.fields),
    gates.map((gate) => gate.fields),
  );
  const plan = planOf(byPath);
  plans.set(key, plan);
  return plan;
}
