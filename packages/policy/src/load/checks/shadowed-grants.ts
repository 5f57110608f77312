import type { Expr } from "../../cedar/expression.ts";
import { allOf } from "../../cedar/expression.ts";
import { namesOf } from "../../engine/cedar-schema.ts";
import type { Deny, Grant } from "../../rules/rule.ts";
import { reportWarning } from "../findings.ts";
import type { World } from "../world.ts";
import type { Holders, Pair } from "./holders.ts";
import { conditionsOf, firstIfAll, put } from "./holders.ts";
import { isImpossible } from "./parts.ts";

/**
 * Warns of grants of which denies leave nothing: for every holder and action, whenever the grant's condition holds, that of some deny
 * holds as well. Always a warning: to deny everything a role grants is how a role is stopped at once, and an error would keep the
 * version before in force.
 */
export function warnShadowedGrants(world: World, holders: Holders, grants: readonly Grant[]): void {
  for (const grant of grants) {
    const by = new Set<Deny>();
    const first = firstIfAll(holders.pairsOf(grant), (pair) => {
      const denying = denyingOf(holders, grant, pair);
      for (const deny of denying ?? []) by.add(deny);
      return denying !== undefined;
    });
    if (first === undefined || by.size === 0) continue;
    reportWarning(world.report, {
      code: "shadowed-grant",
      at: grant.ref.at,
      what: `grant \`${grant.ref.id}\` permits nothing: ${listed([...by])} every call and record that it covers`,
      why: "a deny wins over every grant",
      write: "a narrower deny, or remove the grant",
    });
  }
}

/** Denies beyond these only make a message longer. */
const MAX_NAMED = 3;

function listed(denies: readonly Deny[]): string {
  const names = denies.slice(0, MAX_NAMED).map(({ ref }) => `\`${ref.id}\` (${ref.at.file}:${String(ref.at.line)})`);
  if (denies.length > MAX_NAMED) names.push("others");
  const last = names.pop() ?? "";
  return names.length === 0 ? `deny ${last} refuses` : `the denies ${names.join(", ")} and ${last} refuse`;
}

/** Denies that together leave nothing of the grant for this agent and action, none when it never holds there; undefined when something is left. */
function denyingOf(holders: Holders, grant: Grant, { agent, action }: Pair): readonly Deny[] | undefined {
  const held = holders.rulesOf(agent).denies.find(namesOf(action));
  if (held.length === 0) return undefined;
  const known = holders.known(agent, action);
  const denies = held.map((rule) => ({ rule, parts: put(conditionsOf(rule), known) })).filter(({ parts }) => !parts.some(isFalse));
  const permitted = put(conditionsOf(grant), known);
  if (permitted.length > 0 && isImpossible(permitted)) return [];
  const covering = coverOf(
    permitted,
    denies.filter(({ rule }) => rule.field === undefined),
  );
  if (covering !== undefined || grant.write === undefined || grant.write.length === 0 || action.effect === "read") return covering;
  // A field form denies only calls that set the field, so each field that the grant may set needs one of its own.
  const each = grant.write.map((field) =>
    coverOf(
      permitted,
      denies.filter(({ rule }) => rule.field === undefined || rule.field === field),
    ),
  );
  return each.every((cover) => cover !== undefined) ? each.flatMap((cover) => cover ?? []) : undefined;
}

interface PutDeny {
  readonly rule: Deny;
  readonly parts: readonly Expr[];
}

function isFalse(expr: Expr): boolean {
  return expr.op === "value" && expr.value === false;
}

/** Conditional denies of one action that are compared with a grant; where there are more, the rest are taken to leave something. */
const MAX_DENIES = 50;

function coverOf(permitted: readonly Expr[], denies: readonly PutDeny[]): readonly Deny[] | undefined {
  const always = denies.find(({ parts }) => parts.length === 0);
  if (always !== undefined) return [always.rule];
  const spared = (deny: PutDeny): Expr => ({ op: "!", of: allOf(deny.parts) });
  const compared = denies.slice(0, MAX_DENIES);
  const alone = compared.find((deny) => isImpossible([...permitted, spared(deny)]));
  if (alone !== undefined) return [alone.rule];
  const together = compared.length > 1 && isImpossible([...permitted, ...compared.map((deny) => spared(deny))]);
  return together ? compared.map(({ rule }) => rule) : undefined;
}
