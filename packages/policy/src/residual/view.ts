import type { RowExpression } from "./row-expression.ts";
import { lowerings } from "./residual.ts";
import type { Viewer } from "../present/viewer.ts";
import { viewerOf } from "../present/viewer.ts";
import type { FieldTreatment } from "../present/treat-fields.ts";
import { pathsOf, treatments } from "../present/treat-fields.ts";
import type { Decision, DecisionRequest, Policy, Span } from "../types.ts";

/** What a decision lets its caller see of the records of one type, in parts that a database can apply itself. */
export interface RecordView {
  readonly type: string;
  /** The caller's own and one for each of its delegators: a record is seen when every layer shows it, as the last leaves it. */
  readonly layers: readonly ViewLayer[];
  /** What no expression can say. INVARIANT: unless this is empty, the layers show more than the policy does and must not be used alone. */
  readonly unpushed: readonly { readonly at: Span; readonly text: string; readonly why: string }[];
}

export interface ViewLayer {
  /** Tenant, records of the session, denies: holds for every record that is seen. */
  readonly base: RowExpression;
  /**
   * A record is seen when the rows of some grant hold. A field is treated as the one of those grants that shows most of it says; a path
   * that it does not name is shown. Every grant speaks of every path that another one treats; what gates demand is worked in. Paths are
   * dotted; a treatment of a path is one of all that lies inside.
   */
  readonly grants: readonly { readonly rows: RowExpression; readonly fields: ReadonlyMap<string, FieldTreatment> }[];
}

/**
 * The view of the records of `type` that this decision gives; undefined when it gives none. `present` shows the same of each record: it is
 * the reference.
 */
export function viewOf(policy: Policy, request: DecisionRequest, decision: Decision, type: string): RecordView | undefined {
  if (decision.verdict === "deny" || decision.policyVersion !== policy.version) return undefined;
  const unpushed: RecordView["unpushed"][number][] = [];
  const layers: ViewLayer[] = [];
  for (let at: { request: DecisionRequest; decision: Decision } | undefined = { request, decision }; at !== undefined;) {
    const viewer = viewerOf(policy, at.request, at.decision);
    if (viewer?.context === undefined) return undefined;
    const { base, rowsOf } = lowerings(policy, viewer, type, (span, part) => unpushed.push({ at: span, ...part }));
    // Of two treatments one shows more, so what gates take away may be taken from each grant.
    const gates = viewer.gates.map(({ fields }) => fields);
    const paths = pathsOf([...viewer.grants.map(({ rule }) => rule.fields), ...gates]);
    const fieldsOf = ({ rule }: Viewer["grants"][number]): ReadonlyMap<string, FieldTreatment> => treatments([rule.fields], gates, paths);
    layers.push({ base, grants: viewer.grants.map((grant) => ({ rows: rowsOf(grant), fields: fieldsOf(grant) })) });
    at = at.decision.delegator;
  }
  return { type, layers, unpushed };
}
