import type { Hours } from "../rules/rule.ts";
import type { RuleRef } from "../types.ts";
import type { No } from "./answer.ts";
import { place } from "./answer.ts";
import { opensInMs, withinHours } from "./hours.ts";
import type { Situation } from "./situation.ts";

type Timed = { readonly ref: RuleRef; readonly hours?: Hours | undefined };

export function isClosed({ hours }: Timed, { request }: Situation): boolean {
  return hours !== undefined && !withinHours(hours, request.now);
}

/**
 * Refuses for rules that are closed now. `needed`: all of them must open, as gates and ceilings, or one of them, as grants.
 * Where several must, the time at which the last one opens is when to look again: an earlier one may have closed by then.
 */
export function outsideHours({ action, request }: Situation, closed: readonly Timed[], needed: "all" | "one"): No {
  const waits = closed.map(({ hours }) => (hours === undefined ? 0 : opensInMs(hours, request.now)));
  const open = waits.filter((wait) => wait !== undefined);
  const known = needed === "one" ? open.length > 0 : open.length === waits.length && open.length > 0;
  const [first] = closed;
  const where = first === undefined ? "" : ` (${place(first.ref)}: ${first.ref.reason})`;
  return {
    code: "outside_hours",
    message: `\`${action.scope}\` is not possible at this time${where}; try again when the hours are open`,
    rules: closed.map(({ ref }) => ref),
    next: known ? [{ kind: "retry_after", ms: needed === "one" ? Math.min(...open) : Math.max(...open) }] : [],
  };
}
