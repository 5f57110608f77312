import type { CedarValueJson } from "@cedar-policy/cedar-wasm/nodejs";
import type { Compiled } from "../load/compiled.ts";
import type { Condition } from "../rules/rule.ts";
import type { CatalogAction, ResourceFacts } from "../types.ts";
import { recordToCedar } from "../facts/cedar-value.ts";
import { declaredKey } from "../facts/field-path.ts";
import { EngineFault } from "../cedar/cedar-instance.ts";
import { actionId, NO_RECORD } from "./cedar-schema.ts";
import { Unsure } from "./quick-expression.ts";
import type { QuickFacts } from "./quick-expression.ts";
import { evaluateSlice, sliceFor } from "./slices.ts";
import type { Slice } from "./slices.ts";

/** What conditions are asked about. Values are Cedar's, built from declared types. */
export interface Facts {
  readonly action: CatalogAction;
  readonly principal: {
    readonly id: string;
    readonly roles: ReadonlySet<string>;
    readonly attributes: Readonly<Record<string, CedarValueJson>>;
  };
  readonly context: Readonly<Record<string, CedarValueJson>>;
  /** As the tool sent it; only what the conditions mention is read. */
  readonly record: ResourceFacts | undefined;
}

/** Which conditions are true and which failed; all others are false. Keys are condition ids. */
export interface Answers {
  readonly matched: ReadonlySet<string>;
  readonly errored: ReadonlyMap<string, string>;
}

export const NO_ANSWERS: Answers = { matched: new Set(), errored: new Map() };

/**
 * Asks conditions about facts. This function is the whole boundary of the engine: another engine replaces what is behind it.
 * Conditions that were compiled are answered by closures; the first doubt gives the whole question to Cedar's interpreter.
 * A record that does not fit its declared type makes the conditions over it fail, not be false.
 * @throws EngineFault when the interpreter broke; whoever asked must deny.
 */
export function ask(
  compiled: Compiled,
  conditions: readonly Condition[],
  facts: Facts,
  how: "quickest" | "interpreted" = "quickest",
): Answers {
  if (conditions.length === 0) return NO_ANSWERS;
  const type = facts.record?.type ?? NO_RECORD;
  const slice = sliceFor(compiled, facts.action, type, conditions);
  const record = facts.record === undefined ? { attributes: {}, why: undefined } : readRecord(compiled, facts.record, slice.mentioned);
  if (record.why !== undefined) return withoutRecord(compiled, conditions, facts, record.why, how);
  const context = Object.fromEntries(Object.entries(facts.context).filter(([key]) => slice.wholeContext || slice.mentioned.has(key)));
  const attributes = Object.fromEntries(Object.entries(facts.principal.attributes).filter(([key]) => slice.mentioned.has(key)));
  const quick = how === "quickest" ? answerQuickly(slice, { principal: attributes, resource: record.attributes, context }) : undefined;
  if (quick !== undefined) return quick;
  const principal = { type: "Agent", id: facts.principal.id };
  const resource = { type, id: facts.record?.id ?? facts.action.operation.tool };
  const answer = evaluateSlice(slice, {
    principal,
    action: { type: "Action", id: actionId(facts.action.operation) },
    resource,
    context,
    entities: [
      { uid: principal, attrs: attributes, parents: [...facts.principal.roles].map((id) => ({ type: "Role", id })) },
      ...(facts.record === undefined ? [] : [{ uid: resource, attrs: record.attributes, parents: [] }]),
    ],
  });
  if (answer.type === "failure")
    throw new EngineFault(`the request does not fit its schema: ${answer.errors.map((error) => error.message).join("; ")}`);
  const { reason, errors } = answer.response.diagnostics;
  return {
    matched: new Set(reason.map((id) => slice.conditionOf(id))),
    errored: new Map(errors.map(({ policyId, error }) => [slice.conditionOf(policyId), error.message])),
  };
}

/** All answers from compiled conditions, or undefined when one of them is not beyond doubt. */
function answerQuickly(slice: Slice, facts: QuickFacts): Answers | undefined {
  if (slice.quick === undefined) return undefined;
  try {
    return { matched: new Set(slice.quick.filter(({ test }) => test(facts)).map(({ id }) => id)), errored: NO_ANSWERS.errored };
  } catch (error) {
    if (error instanceof Unsure) return undefined;
    throw error;
  }
}

function withoutRecord(
  compiled: Compiled,
  conditions: readonly Condition[],
  facts: Facts,
  why: string,
  how: "quickest" | "interpreted",
): Answers {
  const rest = ask(
    compiled,
    conditions.filter((condition) => !condition.usesResource),
    { ...facts, record: undefined },
    how,
  );
  const failed = conditions.filter((condition) => condition.usesResource).map((condition) => [condition.id, why] as const);
  return { matched: rest.matched, errored: new Map([...rest.errored, ...failed]) };
}

interface ReadRecord {
  readonly attributes: Readonly<Record<string, CedarValueJson>>;
  readonly why: string | undefined;
}

function readRecord(compiled: Compiled, record: ResourceFacts, mentioned: ReadonlySet<string>): ReadRecord {
  const declared = compiled.vocabulary.types.get(record.type);
  if (declared === undefined) return { attributes: {}, why: `no type \`${record.type}\` is declared` };
  if (!record.id.isWellFormed()) return { attributes: {}, why: "the id of the record is not well-formed" };
  const wanted = Object.fromEntries(Object.entries(declared).filter(([key]) => mentioned.has(declaredKey(key).name)));
  const converted = recordToCedar(record.attributes, wanted, "", { undeclared: "drop" });
  if (!converted.ok) return { attributes: {}, why: `\`resource.${converted.path}\` ${converted.why}` };
  const attributes = converted.value;
  return typeof attributes === "object" && attributes !== null
    ? { attributes: Object.fromEntries(Object.entries(attributes)), why: undefined }
    : { attributes: {}, why: "the record is no object" };
}
