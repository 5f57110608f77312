import type { CedarRecord } from "../cedar/value.ts";
import { both } from "../decide/asked.ts";
import type { AskedDeny, AskedGrant } from "../decide/session.ts";
import type { Situation } from "../decide/situation.ts";
import { environmentFor, situationOf, truthOf } from "../decide/situation.ts";
import { belongsTo, tenantFieldOf } from "../decide/tenant.ts";
import { readRequest } from "../facts/request-facts.ts";
import type { Gate, Grant } from "../rules/rule.ts";
import type { JsonObject } from "../json.ts";
import type { Decision, DecisionRequest, Mask, Policy, Presented } from "../types.ts";
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
    return { visible: true, ...treat(record, treatmentsFor(viewer, shown), options.maskSalt ?? policy.version) };
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

/** Everything about the call that is the same for each of its records. */
interface Viewer {
  readonly situation: Situation;
  readonly grants: readonly AskedGrant[];
  readonly gates: readonly Gate[];
  /** Denies that speak of records. */
  readonly denies: readonly AskedDeny[];
  /** Undefined when the call cannot be read; then nothing that needs a condition is shown. */
  readonly context: CedarRecord | undefined;
  /** By the ids of the grants that show a record, since most records are shown by the same ones. */
  readonly treatments: Map<string, ReadonlyMap<string, "hide" | Mask>>;
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
  const { place, session, action, written } = situation;
  const gateIds = new Set(decision.rules.filter((rule) => rule.kind === "gate").map((rule) => rule.id));
  const facts = readRequest(session, action, request);
  return {
    situation,
    grants: place.grants.filter(({ rule }) => decision.grants.includes(rule.ref.id)),
    gates: place.gates.map(({ rule }) => rule).filter((rule) => gateIds.has(rule.ref.id)),
    denies: place.denies.filter(({ rule }) => rule.rows !== undefined && (rule.field === undefined || written.includes(rule.field))),
    context: facts.ok ? facts.context : undefined,
    treatments: new Map(),
  };
}

/** Grants whose rows hold for the record; none when a deny covers it or fails on it. */
function showingGrants({ situation, grants, denies, context }: Viewer, record: JsonObject, type: string): readonly Grant[] {
  if (denies.length === 0 && grants.every(({ rows }) => rows === undefined)) return grants.map(({ rule }) => rule);
  if (context === undefined) return [];
  const id = record["id"];
  const resource = { type, id: typeof id === "string" || typeof id === "number" ? String(id) : "record", attributes: record };
  const env = environmentFor(situation, context, resource);
  const seen = { recordState: "known", env } as const;
  if (denies.some(({ when, rows }) => both(truthOf(seen, when), () => truthOf(seen, rows)) !== "false")) return [];
  return grants.filter(({ rows }) => truthOf(seen, rows) === "true").map(({ rule }) => rule);
}

function treatmentsFor({ treatments: known, gates }: Viewer, shown: readonly Grant[]): ReadonlyMap<string, "hide" | Mask> {
  const key = shown.map((grant) => grant.ref.id).join("\n");
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = treatments(
    shown.map((grant) => grant.fields),
    gates.map((gate) => gate.fields),
  );
  known.set(key, made);
  return made;
}
