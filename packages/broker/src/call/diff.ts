import { canonicalize } from "@bailiwick/ledger";
import type { Json, JsonObject } from "@bailiwick/policy";
import type { FieldChange } from "../domain/approval.ts";

/**
 * Field by field, what a call would change: the record as it is against the fields the call writes.
 * Without a record every written field is new. Fields that stay equal are left out. Sorted by path.
 */
export function diffOf(before: JsonObject | undefined, written: JsonObject): readonly FieldChange[] {
  return Object.entries(written)
    .filter(([path, after]) => !same(before?.[path], after))
    .map(([path, after]) => (before !== undefined && Object.hasOwn(before, path) ? { path, before: before[path], after } : { path, after }))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function same(a: Json | undefined, b: Json | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return canonicalize(a) === canonicalize(b);
}
