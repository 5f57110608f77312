import type { CedarRecord } from "../cedar/value.ts";
import { both } from "../decide/asked.ts";
import type { AskedDeny, AskedGrant } from "../decide/place.ts";
import type { Situation } from "../decide/situation.ts";
import { environmentFor, situationOf, truthOf } from "../decide/situation.ts";
import { readRequest } from "../facts/request-facts.ts";
import type { Gate, Grant } from "../rules/rule.ts";
import type { JsonObject } from "../json.ts";
import type { Decision, DecisionRequest, Policy } from "../types.ts";
import type { TreatmentPlan } from "./treat-fields.ts";

/** Everything about the call that is the same for each of its records. */
export interface Viewer {
  readonly situation: Situation;
  readonly grants: readonly AskedGrant[];
  readonly gates: readonly Gate[];
  /** Denies that speak of records. */
  readonly denies: readonly AskedDeny[];
  /** Undefined when the call cannot be read; then nothing that needs a condition is shown. */
  readonly context: CedarRecord | undefined;
  /** By the ids of the grants that show a record, since most records are shown by the same ones. */
  readonly plans: Map<string, TreatmentPlan>;
}

const viewers = new WeakMap<
  DecisionRequest,
  { readonly policy: Policy; readonly viewer: Viewer | undefined; readonly decision: Decision }
>();

/** The viewer of a decision, kept with the request object. Undefined when policy does not know its caller or action. */
export function viewerOf(policy: Policy, request: DecisionRequest, decision: Decision): Viewer | undefined {
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
  const facts = readRequest(session, action, request);
  return {
    situation,
    grants: place.grants.filter(({ rule }) => decision.grants.includes(rule.ref.id)),
    gates: gatesOf(situation, decision, facts.ok ? facts.context : undefined),
    denies: place.denies.filter(({ rule }) => rule.rows !== undefined && (rule.field === undefined || written.includes(rule.field))),
    context: facts.ok ? facts.context : undefined,
    plans: new Map(),
  };
}

/** Those that demand something of this caller. A delegate's decision names those of its delegators as well, and each bounds whom it is for. */
function gatesOf(situation: Situation, { rules, delegator }: Decision, context: CedarRecord | undefined): readonly Gate[] {
  const ids = new Set(rules.filter((rule) => rule.kind === "gate").map((rule) => rule.id));
  const named = situation.place.gates.filter(({ rule }) => ids.has(rule.ref.id));
  if (delegator === undefined || context === undefined) return named.map(({ rule }) => rule);
  const env = environmentFor(situation, context, undefined);
  return named.filter(({ when }) => truthOf({ recordState: "none", env }, when) !== "false").map(({ rule }) => rule);
}

/** Grants whose rows hold for the record; none when a deny covers it or fails on it. */
export function showingGrants({ situation, grants, denies, context }: Viewer, record: JsonObject, type: string): readonly Grant[] {
  if (denies.length === 0 && grants.every(({ rows }) => rows === undefined)) return grants.map(({ rule }) => rule);
  if (context === undefined) return [];
  const id = record["id"];
  const resource = { type, id: typeof id === "string" || typeof id === "number" ? String(id) : "record", attributes: record };
  const env = environmentFor(situation, context, resource);
  const seen = { recordState: "known", env } as const;
  if (denies.some(({ when, rows }) => both(truthOf(seen, when), () => truthOf(seen, rows)) !== "false")) return [];
  return grants.filter(({ rows }) => truthOf(seen, rows) === "true").map(({ rule }) => rule);
}
