import type { CatalogAction, Span } from "../types.ts";
import { reportError } from "./findings.ts";
import type { World } from "./world.ts";

/** Effects whose records can be filtered after the call, because the call itself changes nothing. */
export function filtersResults(action: CatalogAction): boolean {
  return (action.effect === "read" || action.effect === "export") && action.returns !== undefined;
}

/** Whether the record acted on can be loaded before the call. */
export function loadsRecord(action: CatalogAction): boolean {
  return action.resource?.before !== undefined;
}

/** `rows` must be decidable: before the call, or (for calls that change nothing) on what comes back. */
export function checkConditionPlace(world: World, at: Span, actions: readonly CatalogAction[]): void {
  for (const action of actions) {
    if (loadsRecord(action) || filtersResults(action)) continue;
    const name = `${action.operation.tool}.${action.operation.name}`;
    reportError(world.report, {
      code: "rows-never-evaluated",
      at,
      what: `\`rows\` cannot be decided for \`${name}\``,
      why:
        action.effect === "read" || action.effect === "export"
          ? "the action neither returns declared records nor names one that is loaded before"
          : "the call has its effect before any record is seen",
      write: `\`resource: { type: ..., id: args.id, before: <a read action> }\` at \`${name}\`, or a separate grant without \`rows\` for \`${action.scope}\``,
    });
  }
}
