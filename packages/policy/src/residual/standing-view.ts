import type { Expr } from "../cedar/expression.ts";
import { print } from "../cedar/print.ts";
import { leastDemanding } from "../decide/demands.ts";
import { agentFacts } from "../decide/place.ts";
import { tenantFieldOf } from "../decide/tenant.ts";
import { compiledOf } from "../load/compiled.ts";
import { openPlaceOf } from "../matrix/place.ts";
import type { OpenGrant, OpenPlace } from "../matrix/place.ts";
import { matches } from "../matrix/possible.ts";
import { neverPermitted } from "../matrix/refusal.ts";
import { isConstant } from "../matrix/simplify.ts";
import { pathsOf, treatments } from "../present/treat-fields.ts";
import type { AgentConfig, CatalogAction, Policy, RuleRef, Span } from "../types.ts";
import { lower } from "./lower.ts";
import type { RowExpression } from "./row-expression.ts";
import { allRows, EVERY_ROW, NO_ROW } from "./rows.ts";
import type { RecordView } from "./view.ts";

/** What an agent sees of the records of a type whatever it is asked for, by whom and when. */
export interface StandingView {
  /** Undefined where it sees none. Never more than a decision would show. */
  readonly view: RecordView | undefined;
  /** Rules that made it what it is. */
  readonly rules: readonly RuleRef[];
  /** What depends on more than agent and record, and so shows nothing here. */
  readonly unsaid: readonly { readonly at: Span; readonly text: string; readonly why: string }[];
}

/**
 * The part of the policy over a read action that depends on nothing but the agent and the record, for a database that is to enforce it without
 * being told of calls. Where a rule needs more, the records that it is about are left out and the rule is named.
 * @throws TypeError when the policy was not made by `load`.
 */
export function standingView(policy: Policy, agent: AgentConfig, action: CatalogAction, type: string): StandingView {
  const compiled = compiledOf(policy);
  const unsaid: StandingView["unsaid"][number][] = [];
  const place = openPlaceOf(compiled, agent, action);
  const nothing = { view: undefined, rules: [], unsaid };
  if (agentFacts(compiled, agent).unreadable !== undefined || neverPermitted(place) !== undefined) return nothing;
  const left = (at: Span, text: string, why: string): void => void unsaid.push({ at, text, why });
  if (isBarred(place, left)) return nothing;
  const fields = compiled.vocabulary.types.get(type) ?? {};
  const standing = place.grants.filter((grant) => stands(grant, left));
  const gates = place.gates.filter(({ when }) => !isConstant(when, false)).map(({ rule }) => rule.fields);
  const granted = leastDemanding(standing.map((grant) => ({ ...grant, asks: false }))).flatMap(({ rule }) => {
    const grant = standing.find((each) => each.rule === rule);
    const rows = grant === undefined ? undefined : exactly(grant.rows, rule.ref.at, "whenTrue");
    return rows === undefined ? [] : [{ rule, rows }];
  });
  const paths = pathsOf([...granted.map(({ rule }) => rule.fields), ...gates]);
  const notDenied = place.denies.map((deny) => exactly(matches(deny), deny.rule.ref.at, "whenFalse") ?? NO_ROW);
  const tenantField = tenantFieldOf(policy, type);
  const ofTenant: RowExpression =
    tenantField === undefined
      ? EVERY_ROW
      : { op: "eq", left: { field: tenantField, type: "string" }, right: { value: { type: "string", text: agent.tenant } } };
  const layer = {
    base: allRows([ofTenant, ...notDenied]),
    grants: granted.map(({ rule, rows }) => ({ rows, fields: treatments([rule.fields], gates, paths) })),
  };
  const rules = [
    ...granted.map(({ rule }) => rule.ref),
    ...place.denies.map(({ rule }) => rule.ref),
    ...place.gates.map(({ rule }) => rule.ref),
  ];
  return { view: granted.length === 0 ? undefined : { type, layers: [layer], unpushed: [] }, rules, unsaid };

  function exactly(expr: Expr, at: Span, side: "whenTrue" | "whenFalse"): RowExpression | undefined {
    const parts: { readonly text: string; readonly why: string }[] = [];
    const lowered = lower(expr, fields, (part) => parts.push(part));
    for (const { text, why } of parts) left(at, text, why);
    return parts.length === 0 ? lowered[side] : undefined;
  }
}

type Left = (at: Span, text: string, why: string) => void;

/** Whether a ceiling or gate may stop every call, for a reason that a database does not know. */
function isBarred({ ceilings, gates }: OpenPlace, left: Left): boolean {
  let barred = false;
  for (const { rule, when } of ceilings) {
    if (isConstant(when, true) && rule.hours === undefined) continue;
    left(rule.ref.at, print(when), "a ceiling that depends on the call");
    barred = true;
  }
  for (const { rule, when, reached } of gates) {
    if (isConstant(when, false) || reached === "sometimes" || (rule.approve === undefined && rule.hours === undefined)) continue;
    left(rule.ref.at, rule.ref.id, rule.approve === undefined ? "it holds at certain hours only" : "people have to approve each read");
    barred = true;
  }
  return barred;
}

/** Whether the grant holds for every call, unasked. */
function stands({ rule, when, unless }: OpenGrant, left: Left): boolean {
  if (isConstant(when, false)) return false;
  const asks = rule.approve !== undefined && !isConstant(unless, true);
  if (isConstant(when, true) && !asks && rule.hours === undefined) return true;
  const why = asks ? "people have to approve each read" : "it depends on the call";
  left(rule.ref.at, isConstant(when, true) ? rule.ref.id : print(when), why);
  return false;
}
