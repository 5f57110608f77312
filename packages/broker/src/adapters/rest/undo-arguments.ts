import { canonicalize } from "@bailiwick/ledger";
import type { Json, JsonObject, Policy } from "@bailiwick/policy";
import type { Undoable } from "../../insight/undo/undo-call.ts";
import { type Concealment, concealedFrom } from "./approvals/conceal.ts";
import type { Principal } from "./principal.ts";

/**
 * The arguments of an undo as this person may see them. They come out of the record, often under other names than its labelled fields have:
 * what is masked as a field is masked wherever it comes back.
 */
export function shownArguments(policy: Policy, principal: Principal, { kept, proposal }: Pick<Undoable, "kept" | "proposal">): JsonObject {
  const record = concealedFrom(policy, { operation: kept.operation }, principal);
  const masked = new Map<string, Json>();
  for (const state of [proposal.before, proposal.after]) {
    for (const [name, value] of Object.entries(state ?? {})) noteMasked(masked, record, name, value);
  }
  const args = concealedFrom(policy, { operation: proposal.action.operation }, principal).args(proposal.args);
  return Object.fromEntries(Object.entries(args).map(([name, value]) => [name, withMasks(masked, value)]));
}

function noteMasked(masked: Map<string, Json>, record: Concealment, path: string, value: Json): void {
  const shown = record.value(path, value);
  if (canonicalize(shown) === canonicalize(value)) return;
  masked.set(canonicalize(value), shown);
  if (isObject(value)) for (const [name, inner] of Object.entries(value)) noteMasked(masked, record, `${path}.${name}`, inner);
}

function withMasks(masked: ReadonlyMap<string, Json>, value: Json): Json {
  const shown = masked.get(canonicalize(value));
  if (shown !== undefined) return shown;
  if (Array.isArray(value)) return value.map((each: Json) => withMasks(masked, each));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, withMasks(masked, each)]));
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
