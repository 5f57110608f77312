import { canonicalize } from "@bailiwick/ledger";
import {
  concealedFields,
  concealValue,
  findAction,
  type Json,
  type JsonObject,
  type Mask,
  type PersonConfig,
  type Policy,
  REDACTED,
} from "@bailiwick/policy";
import type { z } from "@hono/zod-openapi";
import type { Approval, ArgumentBound, FieldChange } from "../../../domain/approval.ts";
import type { fieldChangeSchema } from "../../../rest-contract/approvals.ts";
import type { Principal } from "../principal.ts";
import { Problem } from "../problem.ts";

/** What a person is shown of values that the policy reveals to others only. */
export interface Concealment {
  args(args: JsonObject): JsonObject;
  /** One value of an argument, as it is named in a list of such. */
  value(path: string, value: Json): Json;
  /** Whether anything of these arguments is. A digest of them is then hidden as well: with the rest in sight a short value can be guessed from it. */
  hides(args: JsonObject): boolean;
  /** Those of these arguments that hold such a value. */
  maskedArgs(args: JsonObject): readonly string[];
  /** The values that are. */
  hidden(args: JsonObject): readonly Json[];
  /** The same question or facts with the record's id hidden, where an argument that is names it. */
  record<T extends { readonly resource?: { readonly id: string } | undefined }>(named: T): T;
  /** What an argument may be, in a yes to several calls. */
  bound(name: string, bound: ArgumentBound): ArgumentBound;
  /** Whether what the call costs is that of a hidden argument. */
  readonly hidesCost: boolean;
  /**
   * Arguments that this person edited: what they left as it was shown is what it was, not the mask they were shown.
   * @throws Problem `edit_refused` where they changed something that they do not see.
   */
  restored(edited: JsonObject, original: JsonObject): JsonObject;
  changes(changes: readonly FieldChange[]): z.input<typeof fieldChangeSchema>[];
}

/** Whoever holds the operator key is no person, and holds no role. */
const NOBODY: PersonConfig = { id: "", name: "", email: "", tenants: [], roles: [] };

/** Masks by the labels of the catalog's fields. What cannot be told, because the catalog no longer has the action, is hidden whole. */
export function concealedFrom(policy: Policy, approval: Pick<Approval, "operation">, principal: Principal): Concealment {
  const person = principal.kind === "person" ? principal.person : NOBODY;
  const action = findAction(policy, approval.operation);
  const masks = action === undefined ? undefined : concealedFields(policy, action, person);
  const maskOf = (path: string): Mask | undefined => (masks === undefined ? "redact" : maskAt(masks, path));
  const shown = (value: Json, path: string): Json => {
    const own = maskOf(path);
    if (own !== undefined) return concealValue(value, own);
    if (Array.isArray(value)) return value.map((each: Json) => shown(each, path));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, shown(each, `${path}.${name}`)]));
  };
  const hiddenIn = (value: Json, path: string): readonly Json[] => differing(value, shown(value, path));
  const restored = (edited: Json, original: Json | undefined, path: string): Json => {
    if (original !== undefined && canonicalize(edited) === canonicalize(shown(original, path))) return original;
    // A mask is no value, in a list nobody can tell whose it was, and what becomes of a guess would say whether it was right.
    if (maskOf(path) !== undefined || (Array.isArray(original) && hiddenIn(original, path).length > 0)) throw hiddenEdit(path);
    if (Array.isArray(edited)) return edited.map((each: Json) => restored(each, undefined, path));
    return isObject(edited) ? restoredMembers(edited, isObject(original) ? original : {}, `${path}.`) : edited;
  };
  const restoredMembers = (edited: JsonObject, original: JsonObject, prefix: string): JsonObject =>
    Object.fromEntries(
      Object.entries(edited).map(([name, each]) => [
        name,
        restored(each, Object.hasOwn(original, name) ? original[name] : undefined, `${prefix}${name}`),
      ]),
    );
  const hiddenOf = (args: JsonObject): readonly Json[] => Object.entries(args).flatMap(([name, value]) => hiddenIn(value, name));
  return {
    value: (path, value) => shown(value, path),
    restored: (edited, original) => restoredMembers(edited, original, ""),
    hidden: hiddenOf,
    hides: (args) => hiddenOf(args).length > 0,
    maskedArgs: (args) => Object.keys(args).filter((name) => hiddenIn(args[name] ?? null, name).length > 0),
    bound: (name, bound) => {
      if ("in" in bound) return { in: bound.in.map((value) => shown(value, name)) };
      return "any" in bound || maskOf(name) === undefined ? bound : { in: [REDACTED] };
    },
    record: (named) =>
      named.resource === undefined || action?.resource === undefined
        ? named
        : { ...named, resource: { ...named.resource, id: String(shown(named.resource.id, belowArguments(action.resource.id))) } },
    hidesCost: action === undefined || (action.cost !== undefined && maskOf(belowArguments(action.cost)) !== undefined),
    args: (args) => Object.fromEntries(Object.entries(args).map(([name, value]) => [name, shown(value, name)])),
    changes: (changes) =>
      changes.map(({ path, before, after }) => {
        const change = {
          path,
          ...(before === undefined ? {} : { before: shown(asJson(before), path) }),
          ...(after === undefined ? {} : { after: shown(asJson(after), path) }),
        };
        const masked = maskOf(path) !== undefined || [...(masks?.keys() ?? [])].some((field) => field.startsWith(`${path}.`));
        return masked ? { ...change, masked } : change;
      }),
  };
}

/** A mask on a field covers what is inside. */
function maskAt(masks: ReadonlyMap<string, Mask>, path: string): Mask | undefined {
  const steps = path.split(".");
  for (let length = 1; length <= steps.length; length += 1) {
    const mask = masks.get(steps.slice(0, length).join("."));
    if (mask !== undefined) return mask;
  }
  return undefined;
}

function belowArguments(path: string): string {
  return path.replace(/^args\./u, "");
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Parts of a value that look different. */
function differing(value: Json, seen: Json): readonly Json[] {
  if (Array.isArray(value) && Array.isArray(seen)) return value.flatMap((each: Json, at) => differing(each, seen[at] ?? null));
  if (isObject(value) && isObject(seen)) return Object.entries(value).flatMap(([name, each]) => differing(each, seen[name] ?? null));
  return value === seen ? [] : [value];
}

function hiddenEdit(path: string): Problem {
  return new Problem("edit_refused", `\`${path}\` holds values that are hidden from you, so you cannot change it`, [
    "leave it as it is shown, or ask somebody with a role that `reveal` names in `bailiwick.yaml`",
  ]);
}

/** Values of a diff came out of JSON. */
function asJson(value: unknown): Json {
  return value as Json;
}
