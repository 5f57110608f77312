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
 * version before in force. Where one of several denies covers each action, the first is named.
 */
export function warnShadowedGrants(world: World, holders: Holders, grants: readonly Grant[]): ReadonlySet<string> {
  const found = new Set<string>();
  for (const grant of grants) {
    let by: Deny | undefined;
    const first = firstIfAll(holders.pairsOf(grant), (pair) => {
      const denying = denyingOf(holders, grant, pair);
      by ??= denying[0];
      return denying.length > 0;
    });
    if (first === undefined || by === undefined) continue;
    found.add(grant.ref.id);
    reportWarning(world.report, {
      code: "shadowed-grant",
      at: grant.ref.at,
      what: `grant \`${grant.ref.id}\` permits nothing: deny \`${by.ref.id}\` (${by.ref.at.file}:${String(by.ref.at.line)}) refuses every call and record that it covers`,
      why: "a deny wins over every grant",
      write: "a narrower deny, or remove the grant",
    });
  }
  return found;
}

/** Denies that together leave nothing of the grant for this agent and action; none when something is left. */
function denyingOf(holders: Holders, grant: Grant, { agent, action }: Pair): readonly Deny[] {
  const denies = holders.rulesOf(agent).denies.find(namesOf(action));
  if (denies.length === 0) return [];
  const whole = denies.filter((deny) => deny.field === undefined);
  const known = holders.known(agent, action);
  const permitted = put(conditionsOf(grant), known);
  const refused = (deny: Deny): Expr => allOf(put(conditionsOf(deny), known));
  const covering = coverOf(permitted, whole, refused);
  if (covering.length > 0 || grant.write === undefined || action.effect === "read") return covering;
  // A field form denies only calls that set the field, so each field that the grant may set needs one of its own.
  const each = grant.write.map((field) =>
    coverOf(
      permitted,
      denies.filter((deny) => deny.field === undefined || deny.field === field),
      refused,
    ),
  );
  return each.every((cover) => cover.length > 0) ? each.flat() : [];
}

function coverOf(permitted: readonly Expr[], denies: readonly Deny[], refused: (deny: Deny) => Expr): readonly Deny[] {
  const always = denies.find((deny) => deny.when === undefined && deny.rows === undefined);
  if (always !== undefined) return [always];
  const alone = denies.find((deny) => isImpossible([...permitted, { op: "!", of: refused(deny) }]));
  if (alone !== undefined) return [alone];
  const together = denies.length > 1 && isImpossible([...permitted, ...denies.map((deny): Expr => ({ op: "!", of: refused(deny) }))]);
  return together ? denies : [];
}
