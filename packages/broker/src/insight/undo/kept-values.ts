import { type CatalogAction, type CatalogTool, type JsonObject, makesRecord, typeAt } from "@bailiwick/policy";
import { writtenFields } from "../../call/hold.ts";
import type { KeptFacts } from "./recorded-call.ts";

/**
 * The record before a call and as the call left it. Where the tool did not answer with it, it is the record before with what was written, if
 * the arguments say that; a record that was deleted is left as none.
 */
export function keptValues(
  tool: Pick<CatalogTool, "types">,
  done: CatalogAction,
  kept: KeptFacts,
): { readonly before: JsonObject | undefined; readonly after: JsonObject | undefined } {
  // What a call that makes a record loads is another one: the customer of a new invoice.
  if (makesRecord(done)) return { before: undefined, after: kept.after };
  const { before } = kept;
  if (done.effect === "delete") return { before, after: undefined };
  if (kept.after !== undefined || before === undefined) return { before, after: kept.after };
  const fields = tool.types[done.resource?.type ?? ""] ?? {};
  const written = Object.entries(writtenFields({ action: done, args: kept.args })).filter(
    ([name]) => Object.hasOwn(before, name) || typeAt(fields, [name]) !== undefined,
  );
  // What a call does that names no field of the record, nobody can tell.
  return { before, after: written.length === 0 ? undefined : { ...before, ...Object.fromEntries(written) } };
}
