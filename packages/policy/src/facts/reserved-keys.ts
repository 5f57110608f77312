import type { Json } from "../json.ts";

/** Keys by which Cedar's JSON form marks entities, extension values and expressions; outside data may not hold them anywhere. */
const RESERVED: ReadonlySet<string> = new Set(["__entity", "__extn", "__expr", "__proto__"]);
/** Deeper arguments break JSON readers downstream before they mean anything. */
export const MAX_ARGUMENT_DEPTH = 64;

/** Path and reason of the first thing in outside JSON that is refused whatever its type. */
export function findForbidden(value: Json, path = "", depth = 0): { readonly path: string; readonly why: string } | undefined {
  if (typeof value === "string") return value.isWellFormed() ? undefined : { path, why: "is not well-formed Unicode" };
  if (typeof value === "number") return Number.isFinite(value) ? undefined : { path, why: "is not a number JSON can hold" };
  if (typeof value !== "object" || value === null) return undefined;
  if (depth >= MAX_ARGUMENT_DEPTH) return { path, why: `is nested more than ${String(MAX_ARGUMENT_DEPTH)} deep` };
  const prefix = path === "" ? "" : `${path}.`;
  for (const [key, item] of Object.entries(value)) {
    if (RESERVED.has(key)) return { path: prefix + key, why: "is a reserved key" };
    const found = findForbidden(item, prefix + key, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}
