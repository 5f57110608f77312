import { place as placeText } from "../decide/answer.ts";
import { withinScopes } from "../decide/bearing.ts";
import { BUILTIN } from "../decide/builtin-rules.ts";
import type { RuleRef } from "../types.ts";
import type { OpenCeiling, OpenGrant, OpenPlace } from "./place.ts";
import { canHold, deniesAll, matches } from "./possible.ts";
import type { Standing } from "./possible.ts";
import { alwaysFails, isConstant } from "./simplify.ts";

/** Why no call is ever permitted. */
export interface Never {
  readonly reason: string;
  readonly rules: readonly RuleRef[];
}

/** What refuses every call whatever the grants permit, in the order in which a decision asks. */
export function neverPermitted(place: OpenPlace): Never | undefined {
  const denies = place.denies.filter((deny) => deniesAll(place, deny)).map(({ rule }) => rule.ref);
  if (denies.length > 0) return { reason: `denied by ${places(denies)}`, rules: denies };
  const crossed = place.ceilings.filter((ceiling) => !covers(place, ceiling)).map(({ rule }) => rule.ref);
  if (crossed.length > 0) return { reason: `outside the ceiling, ${places(crossed)}`, rules: crossed };
  if (place.grants.length === 0) return { reason: "no grant", rules: [BUILTIN.denyByDefault] };
  const failing = place.gates.filter(({ reached, when }) => reached === "always" && alwaysFails(when)).map(({ rule }) => rule.ref);
  if (failing.length > 0) return { reason: `the gate always fails, ${places(failing)}`, rules: [...failing, BUILTIN.failClosed] };
  return undefined;
}

function covers({ action, alwaysWritten }: OpenPlace, { rule, when }: OpenCeiling): boolean {
  // A read writes nothing, and every call writes what is required: what does not cover that covers no call.
  const inScope = rule.scopes === undefined || withinScopes(rule.scopes, action, alwaysWritten);
  return inScope && (rule.effects === undefined || rule.effects.has(action.effect)) && canHold([when]);
}

type NeverStanding = Extract<Standing, { readonly verdict: "never" }>;

/** Why none of the grants, each of which has its reason, permits any call. The one that came furthest is the most telling. */
export function noneApplies(
  place: OpenPlace,
  grants: readonly { readonly grant: OpenGrant; readonly because: NeverStanding["because"] }[],
): Never {
  const refs = grants.map(({ grant }) => grant.rule.ref);
  const because = (["denies", "ceiling", "fields", "condition"] as const).find((one) => grants.some((grant) => grant.because === one));
  switch (because) {
    case "denies": {
      const denies = place.denies.filter((deny) => !isConstant(matches(deny), false)).map(({ rule }) => rule.ref);
      return { reason: `whatever a grant permits is denied by ${places(denies)}`, rules: [...refs, ...denies] };
    }
    case "ceiling": {
      const ceilings = place.ceilings.filter(({ when }) => !isConstant(when, true)).map(({ rule }) => rule.ref);
      return { reason: `every grant's condition is impossible within the ceiling, ${places(ceilings)}`, rules: [...refs, ...ceilings] };
    }
    case "fields":
      return { reason: `every call sets ${place.alwaysWritten.join(", ")}, which no grant permits`, rules: refs };
    case "condition":
    case undefined:
      return { reason: "every grant's condition is impossible", rules: refs };
  }
}

function places(rules: readonly RuleRef[]): string {
  return rules.map((rule) => placeText(rule)).join(", ");
}
