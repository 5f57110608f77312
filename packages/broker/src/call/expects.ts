import type { JsonObject } from "@bailiwick/policy";
import { changedFields } from "../domain/undo.ts";
import { writtenFields } from "./hold.ts";
import type { DecidedCall } from "./types.ts";

/**
 * Why a call that takes another one back must not run: the record is no longer as that one left it. Undefined for every other call, and while
 * the record is not loaded yet. Asked whenever the call is decided, so that it holds again after people's yes.
 */
export function changedSince(call: DecidedCall): string | undefined {
  const { expects } = call.incoming;
  if (expects === undefined || call.request.resource === "unknown") return undefined;
  if (call.resource === undefined) return "the record was not loaded, so nobody can say whether it is as the call left it";
  return changedIn(call, call.resource.attributes);
}

/** The same, of the record as it is just now. */
export function changedIn(call: DecidedCall, record: JsonObject): string | undefined {
  const { expects } = call.incoming;
  const changed = expects === undefined ? [] : changedFields(expects, record, Object.keys(writtenFields(call)));
  if (changed.length === 0) return undefined;
  const fields = changed.map((name) => `\`${name}\``).join(", ");
  return `since the call that would be undone somebody has changed ${fields} of the record; look at the difference and change it by hand if it is still wrong`;
}
