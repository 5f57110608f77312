import type { Approval } from "./approval.ts";

export type StakesLevel = "low" | "medium" | "high";

/** How much is at stake, and each thing that makes it so, in words. */
export interface Stakes {
  readonly level: StakesLevel;
  readonly because: readonly string[];
}

/** Effects that reach beyond a record that can be put back. */
export const HIGH_EFFECTS: ReadonlySet<string> = new Set(["delete", "pay", "send", "export", "grant", "execute"]);

/** More records than a person looks through. */
const MANY_RECORDS = 100;

/** Told from the call and the catalog alone: deterministic, and each point is said. */
export function stakesOf({ effect, environment, reach, origins }: Pick<Approval, "effect" | "environment" | "reach" | "origins">): Stakes {
  const irreversible = effect !== "read" && reach.undo === undefined;
  const external = reach.destinations.filter((each) => each.external);
  const doubtful = origins.filter((each) => each.untrusted === true);
  const high = [
    ...doubtful.map(({ argument }) => `\`${argument}\` comes from somebody else's words`),
    ...(reach.records > MANY_RECORDS ? [`it touches ${reach.records} records`] : []),
    ...(HIGH_EFFECTS.has(effect) && irreversible ? [`its effect is \`${effect}\`, and no action takes it back`] : []),
  ];
  const medium = [
    ...(HIGH_EFFECTS.has(effect) && !irreversible ? [`its effect is \`${effect}\``] : []),
    ...(external.length > 0
      ? [`${external.length === 1 ? "a destination is" : `${external.length} destinations are`} outside the company`]
      : []),
    ...(reach.cost === undefined ? [] : [`it costs ${reach.cost}`]),
    ...(effect === "write" && irreversible && environment === "prod" ? ["it changes production, and no action takes it back"] : []),
  ];
  return { level: high.length > 0 ? "high" : medium.length > 0 ? "medium" : "low", because: [...high, ...medium] };
}
