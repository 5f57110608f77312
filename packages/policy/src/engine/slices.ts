import type { AuthorizationAnswer, SchemaJson, StatefulAuthorizationCall } from "@cedar-policy/cedar-wasm/nodejs";
import type { Compiled } from "../load/compiled.ts";
import type { Condition } from "../rules/rule.ts";
import type { CatalogAction } from "../types.ts";
import type { Cedar } from "./cedar-instance.ts";
import { cedarGeneration, EngineFault, withCedar } from "./cedar-instance.ts";
import { actionId, cedarSchema } from "./cedar-schema.ts";
import { wrapExpression } from "./parse-condition.ts";

/** The few conditions that matter to one kind of question, with a schema of just what they mention. */
export interface Slice {
  readonly schema: SchemaJson<string>;
  readonly policies: Readonly<Record<string, string>>;
  readonly mentioned: ReadonlySet<string>;
  readonly wholeContext: boolean;
  readonly conditionOf: (policyId: string) => string;
}

/** Slices kept for one policy; each is one combination of action, record type and conditions, so real folders stay far below. */
const MAX_SLICES = 4_096;
/** Preparsed names the interpreter holds at once. It cannot forget one, only replace it, so names are reused, least recently used first. */
export const MAX_SLOTS = 256;

const slicesOf = new WeakMap<Compiled, Map<string, Slice>>();

export function sliceFor(compiled: Compiled, action: CatalogAction, recordType: string, conditions: readonly Condition[]): Slice {
  let slices = slicesOf.get(compiled);
  if (slices === undefined || slices.size >= MAX_SLICES) {
    slices = new Map();
    slicesOf.set(compiled, slices);
  }
  const key = [actionId(action.operation), recordType, ...conditions.map((condition) => condition.id)].join("\n");
  const known = slices.get(key);
  if (known !== undefined) return known;
  const slice = makeSlice(compiled, action, recordType, conditions);
  slices.set(key, slice);
  return slice;
}

function makeSlice(compiled: Compiled, action: CatalogAction, recordType: string, conditions: readonly Condition[]): Slice {
  const mentions = conditions.flatMap((condition) => compiled.mentions.get(condition.id) ?? []);
  const mentioned = new Set(mentions.flatMap((mention) => [...mention.attributes]));
  const wholeContext = mentions.some((mention) => mention.wholeContext);
  const schema = cedarSchema(compiled.vocabulary, {
    actions: [action],
    entityTypes: [recordType],
    attribute: (name) => mentioned.has(name),
    contextKey: (name) => wholeContext || mentioned.has(name),
  });
  const texts = conditions.map(
    (condition, index) =>
      [`c${String(index)}`, condition.form === "policy" ? condition.text : wrapExpression(condition.text).text] as const,
  );
  const ids = new Map(conditions.map((condition, index) => [`c${String(index)}`, condition.id]));
  return { schema, policies: Object.fromEntries(texts), mentioned, wholeContext, conditionOf: (policyId) => ids.get(policyId) ?? policyId };
}

const slots = new Map<Slice, string>();
let slotsGeneration = -1;

/** How many preparsed names are in use; never more than MAX_SLOTS. */
export function preparsedCount(): number {
  return slots.size;
}

/** @throws EngineFault when the interpreter broke or did not accept its own preparsed texts. */
export function evaluateSlice(
  slice: Slice,
  request: Omit<StatefulAuthorizationCall, "preparsedSchemaName" | "validateRequest" | "preparsedPolicySetId">,
): AuthorizationAnswer {
  return withCedar((cedar) => {
    const name = slotOf(cedar, slice);
    return cedar.statefulIsAuthorized({ ...request, preparsedSchemaName: name, preparsedPolicySetId: name, validateRequest: true });
  });
}

function slotOf(cedar: Cedar, slice: Slice): string {
  if (slotsGeneration !== cedarGeneration()) {
    slots.clear();
    slotsGeneration = cedarGeneration();
  }
  const held = slots.get(slice);
  const name = held ?? freeName();
  if (held === undefined) {
    const answers = [cedar.preparseSchema(name, slice.schema), cedar.preparsePolicySet(name, { staticPolicies: { ...slice.policies } })];
    for (const answer of answers) {
      if (answer.type === "failure") throw new EngineFault(answer.errors.map((error) => error.message).join("; "));
    }
  }
  slots.delete(slice);
  slots.set(slice, name);
  return name;
}

function freeName(): string {
  if (slots.size < MAX_SLOTS) return `slot-${String(slots.size)}`;
  const [oldest] = slots;
  if (oldest === undefined) return "slot-0";
  slots.delete(oldest[0]);
  return oldest[1];
}
