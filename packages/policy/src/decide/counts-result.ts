import type { CatalogAction } from "../types.ts";

/** Whether the number of records of a call is known from its result alone. */
export function countsResult({ batch, returns, effect }: CatalogAction): boolean {
  return batch === undefined && returns !== undefined && (effect === "read" || effect === "export");
}
