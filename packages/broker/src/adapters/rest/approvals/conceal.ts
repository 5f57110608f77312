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
} from "@bailiwick/policy";
import type { z } from "@hono/zod-openapi";
import type { Approval, FieldChange } from "../../../domain/approval.ts";
import type { fieldChangeSchema } from "../../../rest-contract/approvals.ts";
import type { Principal } from "../principal.ts";

/** What a person is shown of values that the policy reveals to others only. */
export interface Concealment {
  args(args: JsonObject): JsonObject;
  /** One value of an argument, as it is named in a list of such. */
  value(path: string, value: Json): Json;
  /** Arguments that this person edited: what they left as it was shown is what it was, not the mask they were shown. */
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
  const restored = (edited: Json, original: Json | undefined, path: string): Json => {
    if (original === undefined) return edited;
    if (canonicalize(edited) === canonicalize(shown(original, path))) return original;
    if (Array.isArray(edited) && Array.isArray(original)) return edited.map((each: Json, at) => restored(each, original[at], path));
    return isObject(edited) && isObject(original) ? restoredMembers(edited, original, `${path}.`) : edited;
  };
  const restoredMembers = (edited: JsonObject, original: JsonObject, prefix: string): JsonObject =>
    Object.fromEntries(
      Object.entries(edited).map(([name, each]) => [
        name,
        restored(each, Object.hasOwn(original, name) ? original[name] : undefined, `${prefix}${name}`),
      ]),
    );
  return {
    value: (path, value) => shown(value, path),
    restored: (edited, original) => restoredMembers(edited, original, ""),
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

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Values of a diff came out of JSON. */
function asJson(value: unknown): Json {
  return value as Json;
}
