import { actionId } from "../engine/cedar-schema.ts";
import { compiledOf } from "../load/compiled.ts";
import type { CatalogAction, Operation, Policy } from "../types.ts";

/** The catalog's entry for an operation; for resources the exact URI wins over the longest prefix. Undefined when it is not catalogued. */
export function findAction(policy: Policy, operation: Operation): CatalogAction | undefined {
  const compiled = compiledOf(policy);
  const exact = compiled.actions.get(actionId(operation));
  if (exact !== undefined && exact.operation.kind === operation.kind && exact.operation.tool === operation.tool) return exact;
  if (operation.kind !== "resource") return undefined;
  return compiled.prefixes.find(
    (action) => action.operation.tool === operation.tool && operation.name.startsWith(action.operation.name.slice(0, -1)),
  );
}
