import type { AuthorizationAnswer, SchemaJson, StatefulAuthorizationCall } from "@cedar-policy/cedar-wasm/nodejs";
import type { Compiled } from "../load/compiled.ts";
import type { Condition } from "../rules/rule.ts";
import type { CatalogAction } from "../types.ts";
import type { Cedar } from "../cedar/cedar-instance.ts";
import { cedarGeneration, EngineFault, withCedar } from "../cedar/cedar-instance.ts";
import { actionId, cedarSchema } from "./cedar-schema.ts";
import { parseExpression, wrapExpression } from "./parse-condition.ts";
import { quickExpression } from "./quick-expression.ts";
import type { QuickFacts } from "./quick-expression.ts";

/** The few conditions that matter to one kind of question, with a schema of just what they mention. */
export interface Slice {
  readonly schema: SchemaJson<string>;
  readonly policies: Readonly<Record<string, string>>;
  readonly mentioned: ReadonlySet<string>;
  readonly wholeContext: boolean;
  readonly conditionOf: (policyId: string) => string;
  /** All conditions as closures, when every one of them is of the kind that can be compiled. */
  readonly quick: readonly QuickCondition[] | undefined;
}

export interface QuickCondition {
  readonly id: string;
  readonly test: (facts: QuickFacts) => boolean;
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
  const policies = Object.fromEntries(texts);
  const quick = quickConditions(conditions);
  return { schema, policies, mentioned, wholeContext, conditionOf: (policyId) => ids.get(policyId) ?? policyId, quick };
}

function quickConditions(conditions: readonly Condition[]): readonly QuickCondition[] | undefined {
  const compiled: QuickCondition[] = [];
  for (const { id, form, text } of conditions) {
    const parsed = form === "expression" ? parseExpression(text) : undefined;
    const body = parsed?.ok === true ? parsed.json.conditions[0]?.body : undefined;
    const test = body === undefined ? undefined : quickExpression(body);
    if (test === undefined) return undefined;
    compiled.push({ id, test });
  }
  return compiled;
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
