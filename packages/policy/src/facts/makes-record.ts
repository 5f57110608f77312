import type { CatalogAction } from "../types.ts";

/** Whether a call of this action makes the record it answers with, so that there is none before it. */
export function makesRecord({
  effect,
  resource,
  returns,
  table,
}: Pick<CatalogAction, "effect" | "table"> & {
  readonly resource?: { readonly type: string } | undefined;
  readonly returns?: { readonly type: string } | undefined;
}): boolean {
  if (effect === "delete") return false;
  if (resource === undefined || table?.do === "insert") return true;
  return returns !== undefined && returns.type !== resource.type;
}
