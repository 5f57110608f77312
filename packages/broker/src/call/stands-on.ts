import type { Decision, JsonObject } from "@bailiwick/policy";

/** Elevations that a decision stands on, its own and those of whoever delegated the call: all must be in force when it begins. */
export function elevationsOf({ elevations = [], delegator }: Pick<Decision, "elevations" | "delegator">): readonly string[] {
  return [...new Set([...elevations, ...(delegator === undefined ? [] : elevationsOf(delegator.decision))])];
}

/** The mark of their use in a record. */
export function elevationsBody(decision: Pick<Decision, "elevations" | "delegator">): JsonObject {
  const elevations = elevationsOf(decision);
  return elevations.length === 0 ? {} : { elevations: [...elevations] };
}
