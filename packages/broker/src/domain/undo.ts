import { canonicalize } from "@bailiwick/ledger";
import type { Json, JsonObject } from "@bailiwick/policy";
import type { Doer } from "./admin-record.ts";

/** Whose doing a session is that was opened to take a call back, and which. */
export interface Undoing {
  readonly call: string;
  readonly by: Doer;
}

/** What a record must still be for a call to be taken back: how that call left it. */
export interface Expectation {
  readonly record: JsonObject;
  /** `written`: only in the fields that taking it back writes. `every`: in all, because the record is to go. */
  readonly fields: "written" | "every";
  /** Those that the call changed: what taking it back may write where its arguments do not say it. Absent: that may be any. */
  readonly changed?: readonly string[] | undefined;
}

/** A field before a call, as the call left it, and now. A member is absent where the field was, or where the state is not known. */
export interface ThreeWayChange {
  readonly path: string;
  readonly before?: Json | undefined;
  readonly after?: Json | undefined;
  readonly now?: Json | undefined;
  /** Somebody else has changed it since, and taking the call back would write it. */
  readonly conflict: boolean;
}

/**
 * Fields in which a record is no longer as it was left, sorted. `written`: arguments of the call that takes it back. Where one of them is no field
 * of the record, or there is none, such as for "reopen", they do not say all that it writes. Pure.
 */
export function changedFields({ record, fields, changed }: Expectation, now: JsonObject, written: readonly string[]): readonly string[] {
  const every = [...Object.keys(record), ...Object.keys(now)];
  const said = written.length > 0 && written.every((name) => every.includes(name));
  const names = fields === "every" ? every : said ? written : [...written, ...(changed ?? every)];
  return [...new Set(names)].filter((name) => !sameValue(record[name], now[name])).toSorted();
}

/** Fields in which two states of a record differ. Pure. */
export function differingFields(one: JsonObject, other: JsonObject): readonly string[] {
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].filter((name) => !sameValue(one[name], other[name]));
}

/** The difference between three states of a record, sorted by field; fields that are alike in all known ones are left out. Pure. */
export function threeWay(
  states: { readonly before?: JsonObject | undefined; readonly after?: JsonObject | undefined; readonly now?: JsonObject | undefined },
  conflicts: readonly string[],
): readonly ThreeWayChange[] {
  const known = [states.before, states.after, states.now].filter((each) => each !== undefined);
  const names = [...new Set(known.flatMap((each) => Object.keys(each)))].toSorted();
  return names.flatMap((path) => {
    const [first, ...others] = known.map((each) => each[path]);
    if (known.length > 1 && others.every((value) => sameValue(first, value))) return [];
    const own = (name: "before" | "after" | "now"): Partial<ThreeWayChange> => {
      const value = states[name]?.[path];
      return value === undefined ? {} : { [name]: value };
    };
    return [{ path, ...own("before"), ...own("after"), ...own("now"), conflict: conflicts.includes(path) }];
  });
}

/** Whether two values are one in canonical JSON. */
export function sameValue(a: Json | undefined, b: Json | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return canonicalize(a) === canonicalize(b);
}
