import { boundsRows, insideRows } from "../decide/session-rows.ts";
import { belongsTo, tenantFieldOf } from "../decide/tenant.ts";
import type { Grant } from "../rules/rule.ts";
import type { JsonObject } from "../json.ts";
import type { Decision, DecisionRequest, Policy, Presented } from "../types.ts";
import type { Masking } from "./mask.ts";
import { planOf, treat, treatments } from "./treat-fields.ts";
import type { Treated, TreatmentPlan } from "./treat-fields.ts";
import type { Viewer } from "./viewer.ts";
import { showingGrants, viewerOf } from "./viewer.ts";

const INVISIBLE: Presented = { visible: false, record: {}, hidden: [], masked: [] };

export interface PresentOptions {
  /** Secret of the deployment that keeps `hash` masks from being guessed; the policy's version when absent, which is no secret. */
  readonly maskSalt?: string | undefined;
  /** The name that stands for a text at this path within the session, for the mask `token`; without it such a text is `[redacted]`. */
  readonly token?: ((text: string, path: string) => string) | undefined;
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
    const masking = { salt: options.maskSalt ?? policy.version, token: options.token };
    const plans = plansFor(policy, request, decision, record, type);
    const [own, ...above] = plans ?? [];
    if (own === undefined) return INVISIBLE;
    return { visible: true, ...above.reduce((seen, plan) => treatedAgain(seen, plan, masking), treat(record, own, masking)) };
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
  const own = types.filter((type) => rows || fields || tenantFieldOf(policy, type) !== undefined || boundsRows(request.caller.rows, type));
  const { delegator } = decision;
  return new Set([...own, ...(delegator === undefined ? [] : presentedTypes(policy, delegator.request, delegator.decision))]);
}

/** The plan of the caller and of each of its delegators; undefined when any of them may not see the record. */
function plansFor(
  policy: Policy,
  request: DecisionRequest,
  decision: Decision,
  record: JsonObject,
  type: string,
): readonly TreatmentPlan[] | undefined {
  const viewer = viewerOf(policy, request, decision);
  if (viewer === undefined || !belongsTo(policy, request.caller.tenant, { type, attributes: record })) return undefined;
  if (!insideRows(request.caller.rows, type, record)) return undefined;
  const shown = showingGrants(viewer, record, type);
  if (shown.length === 0) return undefined;
  const own = planFor(viewer, shown);
  const { delegator } = decision;
  if (delegator === undefined) return [own];
  const above = plansFor(policy, delegator.request, delegator.decision, record, type);
  return above === undefined ? undefined : [own, ...above];
}

/** Rows were judged on the whole record; only what is shown of it passes through each plan. */
function treatedAgain(seen: Treated, plan: TreatmentPlan, masking: Masking): Treated {
  const next = treat(seen.record, plan, masking);
  const all = (one: readonly string[], other: readonly string[]): readonly string[] => [...new Set([...one, ...other])].toSorted();
  return { record: next.record, hidden: all(seen.hidden, next.hidden), masked: all(seen.masked, next.masked) };
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
