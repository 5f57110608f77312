import { specialize } from "../cedar/specialize.ts";
import type { Expr } from "../cedar/expression.ts";
import { truthIn } from "../decide/asked.ts";
import type { Asked, Truth } from "../decide/asked.ts";
import { BUILTIN } from "../decide/builtin-rules.ts";
import { decide } from "../decide/decide.ts";
import { environmentFor } from "../decide/situation.ts";
import { tenantFieldOf } from "../decide/tenant.ts";
import { typeAt } from "../facts/field-path.ts";
import type { JsonObject } from "../json.ts";
import { present } from "../present/present.ts";
import type { Viewer } from "../present/viewer.ts";
import { viewerOf } from "../present/viewer.ts";
import type { Decision, DecisionRequest, Policy, Reach, Span } from "../types.ts";
import type { Lowered } from "./lower.ts";
import { lower } from "./lower.ts";
import type { RowExpression } from "./row-expression.ts";
import { allRows, anyRow, EVERY_ROW, NO_ROW } from "./rows.ts";

/** What is left of the policy for one call when only the record is still unknown. */
export interface Residual {
  /** Whether no record, every record of the tenant, or some records can be touched or seen. */
  readonly reach: Reach;
  /** What the policy says of the call itself. */
  readonly decision: Decision;
  /** Whether this record may be touched or seen: the row predicate, exact. */
  readonly matches: (record: JsonObject) => boolean;
  /** The same as an expression for a database. INVARIANT: it selects every record that `matches`, and when `complete` no other record of its declared type. */
  readonly where: RowExpression;
  readonly complete: boolean;
  /** Parts that stay with `matches`. */
  readonly unpushed: readonly { readonly at: Span; readonly text: string; readonly why: string }[];
}

/**
 * Partial evaluation of the policy with the record unknown: as a predicate over rows, as an expression that a writer of SQL can turn
 * into WHERE, and as a word. The record type is what the action returns, or else what it acts on; `request.resource` is ignored.
 * Never throws: what cannot be judged is a residual that matches nothing.
 */
export function residual(policy: Policy, request: DecisionRequest): Residual {
  const open: DecisionRequest = { ...request, resource: "unknown" };
  const decision = decide(policy, open);
  const viewer = decision.verdict === "deny" ? undefined : viewerOf(policy, open, decision);
  const type = viewer === undefined ? undefined : recordType(viewer);
  if (viewer?.context === undefined || type === undefined) return nothing(decision);
  const unpushed: Residual["unpushed"][number][] = [];
  const report: ReportPart = (at, part) => unpushed.push({ at, ...part });
  const where = allRows([whereOf(policy, viewer, type, report), ofDelegators(policy, decision, type, report)]);
  const complete = unpushed.length === 0;
  const reach = where.op === "false" ? "never" : where.op === "true" && complete ? "always" : "depends";
  const matches = (record: JsonObject): boolean => present(policy, open, decision, record, type).visible;
  return { reach: decision.verdict === "ask" && reach === "always" ? "depends" : reach, decision, matches, where, complete, unpushed };
}

function nothing(decision: Decision): Residual {
  return { reach: "never", decision, matches: () => false, where: NO_ROW, complete: true, unpushed: [] };
}

function recordType({ situation: { action } }: Viewer): string | undefined {
  return action.returns?.type ?? action.resource?.type;
}

type ReportPart = (at: Span, part: { readonly text: string; readonly why: string }) => void;

function whereOf(policy: Policy, viewer: Viewer, type: string, report: ReportPart): RowExpression {
  const { base, rowsOf } = lowerings(policy, viewer, type, report);
  return allRows([base, anyRow(viewer.grants.map((grant) => rowsOf(grant)))]);
}

/** The conditions of a viewer as expressions over the records of a type; `report` is told each part that no expression can say. */
export function lowerings(
  policy: Policy,
  viewer: Viewer,
  type: string,
  report: ReportPart,
): { readonly base: RowExpression; readonly rowsOf: (grant: Viewer["grants"][number]) => RowExpression } {
  const fields = viewer.situation.session.compiled.vocabulary.types.get(type) ?? {};
  const lowered = (asked: Asked): Lowered => lower(leftOf(viewer, asked), fields, (part) => report(asked.condition.at, part));
  const notDenied = viewer.denies.map((deny) => {
    const met = truthOfCall(viewer, deny.when);
    if (met === "error") return NO_ROW;
    return met === "false" || deny.rows === undefined ? EVERY_ROW : lowered(deny.rows).whenFalse;
  });
  return {
    base: allRows([ofTenant(policy, viewer, type), ...ofSession(viewer, type, report), ...notDenied]),
    rowsOf: ({ rows }) => (rows === undefined ? EVERY_ROW : lowered(rows).whenTrue),
  };
}

/** A delegate sees what each of its delegators sees too. */
function ofDelegators(policy: Policy, { delegator }: Decision, type: string, report: ReportPart): RowExpression {
  if (delegator === undefined) return EVERY_ROW;
  const viewer = viewerOf(policy, delegator.request, delegator.decision);
  if (viewer?.context === undefined) return NO_ROW;
  return allRows([whereOf(policy, viewer, type, report), ofDelegators(policy, delegator.decision, type, report)]);
}

/** The condition with the whole call put in. */
function leftOf({ situation, context }: Viewer, { expr }: Asked): Expr {
  const { place } = situation;
  const [principal, action] = [place.principal, place.action].map((entity) => ({ uid: entity.uid, entity }));
  return specialize(expr, { principal, action, context });
}

function truthOfCall({ situation, context }: Viewer, asked: Asked | undefined): Truth {
  if (asked === undefined) return "true";
  return context === undefined ? "error" : truthIn(environmentFor(situation, context, undefined), asked.test);
}

/** Bounds of the session as the database can check them; of other types than text they stay with `matches`. */
function ofSession({ situation: { session, request } }: Viewer, type: string, report: ReportPart): readonly RowExpression[] {
  const declared = session.compiled.vocabulary.types.get(type) ?? {};
  return (request.caller.rows ?? []).flatMap((bound) =>
    Object.entries(Object.hasOwn(bound, type) ? (bound[type] ?? {}) : {}).flatMap(([field, values]): readonly RowExpression[] => {
      if (typeAt(declared, field.split(".")) === "string")
        return [{ op: "in", field, values: values.map((text) => ({ type: "string", text })) }];
      report(BUILTIN.sessionScope.at, { text: `${field} in ${JSON.stringify(values)}`, why: "the session bounds a field that is no text" });
      return [];
    }),
  );
}

function ofTenant(policy: Policy, { situation }: Viewer, type: string): RowExpression {
  const field = tenantFieldOf(policy, type);
  if (field === undefined) return EVERY_ROW;
  return { op: "eq", left: { field, type: "string" }, right: { value: { type: "string", text: situation.agent.tenant } } };
}
