import type { AgentFile } from "../files/schemas.ts";
import { durationMs } from "../files/duration.ts";
import type { Source } from "../files/source.ts";
import type { Eligible } from "../types.ts";
import { askingOf, checkAsking } from "./approve.ts";
import { reportError, reportWarning } from "./findings.ts";
import { checkKnown } from "./known.ts";
import type { World } from "./world.ts";

/** The roles an agent may ask for, for a time. A yes to one is for one elevation, so nothing about it is bounded. */
export function readEligible(
  world: World,
  source: Source,
  { roles, eligible }: AgentFile,
  closure: ReadonlyMap<string, ReadonlySet<string>>,
): readonly Eligible[] {
  const held = new Set(roles.flatMap((role) => [...(closure.get(role) ?? [])]));
  const seen = new Set<string>();
  return eligible.map(({ role, most, reason, approve }, index): Eligible => {
    const at = (...path: readonly PropertyKey[]) => source.at(["eligible", index, ...path]);
    checkKnown(world, "role", role, world.roleNames, at("role"));
    if (held.has(role)) reportHeld(world, role, at("role"));
    if (seen.has(role)) reportTwice(world, role, at("role"));
    seen.add(role);
    const asking = askingOf(approve, false);
    checkAsking(world, asking, (path) => at("approve", ...path));
    return { role, mostMs: durationMs(most), reason, approve: asking, at: at() };
  });
}

/** A warning, since to give an agent a role for good must not be refused for what it could ask for before. */
function reportHeld(world: World, role: string, at: Eligible["at"]): void {
  reportWarning(world.report, {
    code: "idle-eligible",
    at,
    what: `this agent holds \`${role}\` already, by \`roles\` or by what they extend`,
    why: "an elevation to it would give nothing",
    write: "a role that the agent does not hold, or remove the entry",
  });
}

function reportTwice(world: World, role: string, at: Eligible["at"]): void {
  reportError(world.report, {
    code: "duplicate-id",
    at,
    what: `\`${role}\` is listed twice under \`eligible\``,
    why: "nobody could tell who has to say yes, and for how long",
    write: "one entry for each role",
  });
}
