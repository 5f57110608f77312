import type { Expr } from "../cedar/expression.ts";
import { print } from "../cedar/print.ts";
import { tenantFieldOf } from "../decide/tenant.ts";
import { recordTypes } from "../engine/cedar-schema.ts";
import { mentions } from "../engine/parse-condition.ts";
import type { Policy, RuleRef } from "../types.ts";
import { contentSaid } from "./content.ts";
import { approvalOf, fieldsOf, gatesOver, hoursOf, limitsOf } from "./demands.ts";
import type { OpenGrant, OpenPlace } from "./place.ts";
import { canHold, isDecidedBefore, matches } from "./possible.ts";
import { isConstant, negate } from "./simplify.ts";
import type { MatrixWay } from "./types.ts";

/** One grant of a place in words, with all that bounds it. */
export function wayOf(policy: Policy, place: OpenPlace, grant: OpenGrant, verdict: MatrixWay["verdict"]): MatrixWay {
  const gates = gatesOver(place, grant);
  const bounds = boundsOf(place);
  const [fields, limits] = [fieldsOf(place, grant, gates), limitsOf(place, grant, gates)];
  const [approval, hours, content] = [approvalOf(grant, gates), hoursOf(place, grant, gates), contentSaid(grant, gates)];
  return {
    grant: grant.rule.ref,
    verdict,
    conditions: [...wordsOf(grant.when), ...bounds.filter(({ onRecord }) => !onRecord).map(({ words }) => words)],
    rows: [...ownTenant(policy, place), ...rowsOf(place, grant), ...bounds.filter(({ onRecord }) => onRecord).map(({ words }) => words)],
    fields: fields.words,
    limits: limits.words,
    approval: approval.words,
    hours: hours.words,
    content: content.words,
    rules: [
      ...new Set([
        grant.rule.ref,
        ...bounds.map(({ ref }) => ref),
        ...[fields, limits, approval, hours, content].flatMap(({ rules }) => rules),
      ]),
    ],
  };
}

/** A condition in words, none for TRUE. */
function wordsOf(condition: Expr): readonly string[] {
  return isConstant(condition, true) ? [] : [print(condition)];
}

/** What ceilings demand and what denies leave. */
function boundsOf(place: OpenPlace): readonly { readonly ref: RuleRef; readonly words: string; readonly onRecord: boolean }[] {
  const denies = place.denies.filter(({ rule: { field } }) => field === undefined || place.alwaysWritten.includes(field));
  return [
    ...place.ceilings.map(({ rule, when }) => ({ ref: rule.ref, demand: when })),
    ...denies.map((deny) => ({ ref: deny.rule.ref, demand: negate(matches(deny)) })),
  ]
    .filter(({ demand }) => !isConstant(demand, true))
    .map(({ ref, demand }) => ({ ref, words: print(demand), onRecord: mentions(demand, "resource") }));
}

function ownTenant(policy: Policy, { action }: OpenPlace): readonly string[] {
  const types = [...recordTypes(action), ...(action.resource === undefined ? [] : [action.resource.type])];
  return types.some((type) => tenantFieldOf(policy, type) !== undefined) ? ["own tenant"] : [];
}

function rowsOf(place: OpenPlace, { when, rows }: OpenGrant): readonly string[] {
  const words = wordsOf(rows);
  return isDecidedBefore(place, rows) || canHold([when, rows]) ? words : words.map((text) => `${text} (no record meets this)`);
}
