import { createHash } from "node:crypto";
import type { SchemaJson, ValidationAnswer } from "@cedar-policy/cedar-wasm/nodejs";
import { EngineFault, withCedar } from "../cedar/cedar-instance.ts";
import { actionId, cedarSchema, NO_RECORD, recordTypes } from "../engine/cedar-schema.ts";
import type { Vocabulary } from "../engine/cedar-schema.ts";
import { lineAt } from "../cedar/cedar-text.ts";
import { wrapExpression } from "../engine/parse-condition.ts";
import type { Condition } from "../rules/rule.ts";
import type { CatalogAction, Span } from "../types.ts";
import { namesIn } from "./checks/names.ts";
import { compareText, reportError } from "./findings.ts";
import { loadsRecord } from "./condition-place.ts";
import type { Fault, Verdict } from "./memory.ts";
import type { ConditionUse, World } from "./world.ts";

/** Ids of conditions by what Cedar's validator says of them. Those that are wrong were reported. */
export interface Verdicts {
  readonly wrong: ReadonlySet<string>;
  /** False for every call, by the types of what they compare. */
  readonly impossible: ReadonlySet<string>;
}

/** Checks every condition in Cedar's strict mode, leaving out those in `reported`, which count as wrong already. */
export function validateConditions(world: World, vocabulary: Vocabulary, reported: ReadonlySet<string>): Verdicts {
  const wrong = new Set(reported);
  const impossible = new Set<string>();
  const uses = world.uses.filter((use) => !reported.has(use.condition.id) && use.actions.length > 0);
  const schemas = new Schemas(vocabulary);
  const found = [
    ...validateExpressions(
      world,
      schemas,
      uses.filter((use) => use.condition.form === "expression"),
    ),
    ...validatePolicies(
      world,
      schemas,
      uses.filter((use) => use.condition.form === "policy"),
    ),
  ];
  for (const { condition, outcome } of found) {
    if (outcome === "wrong") wrong.add(condition.id);
    if (outcome === "impossible") impossible.add(condition.id);
  }
  return { wrong, impossible };
}

interface Found {
  readonly condition: Condition;
  readonly outcome: "possible" | "impossible" | "wrong";
}

/**
 * Each expression against the schema of each action it applies to. One small schema an action keeps the cost proportional to
 * rules x their own actions, not to rules x all actions. Impossible is what can be true for none of its actions.
 */
function validateExpressions(world: World, schemas: Schemas, uses: readonly ConditionUse[]): readonly Found[] {
  const outcomes = new Map<Condition, Found["outcome"]>(uses.map((use) => [use.condition, "impossible"]));
  const asked = uses.flatMap((use) => {
    const named = namedActions(world, use.condition);
    return use.actions.map((action) => ({ use, action, actions: [...new Set([action, ...named])] }));
  });
  const bySchema = Map.groupBy(asked, ({ actions }) => schemas.keyOf(actions));
  for (const [key, group] of bySchema) {
    const questions = group.flatMap(({ use, action }) =>
      entityTypes(use, action).map((type) => ({ use, action, ...expressionFor(key, use.condition, action, type) })),
    );
    const verdicts = ask(world, () => schemas.of(group[0]?.actions ?? []), questions);
    for (const [index, { use, action, offset }] of questions.entries()) {
      const verdict = verdicts[index];
      const [error] = verdict?.errors ?? [];
      if (error === undefined && verdict?.impossible === false && outcomes.get(use.condition) === "impossible")
        outcomes.set(use.condition, "possible");
      if (error === undefined || outcomes.get(use.condition) === "wrong") continue;
      outcomes.set(use.condition, "wrong");
      const line = use.condition.at.line + lineAt(use.condition.text, error.start - offset) - 1;
      reportInvalid(world, { file: use.condition.at.file, line }, action, error);
    }
  }
  return Array.from(outcomes, ([condition, outcome]) => ({ condition, outcome }));
}

/** Actions that the condition speaks of by name; the schema must know them. */
function namedActions(world: World, { expr }: Condition): readonly CatalogAction[] {
  return namesIn(expr).flatMap(({ type, id }) => (type === "Action" ? (world.actionNames.get(id ?? "") ?? []) : []));
}

/** One text to validate, and the place it is remembered by. */
interface Question {
  readonly place: string;
  readonly text: string;
  readonly policy: string;
}

function expressionFor(key: string, { text }: Condition, action: CatalogAction, type: string): Question & { readonly offset: number } {
  const id = actionId(action.operation);
  const policy = wrapExpression(text, `principal, action == Action::${JSON.stringify(id)}, resource is ${type}`);
  return { place: `${key} ${id} ${type}`, text, policy: policy.text, offset: policy.offset };
}

/** Record types over which the condition is asked for this action. */
function entityTypes(use: ConditionUse, action: CatalogAction): readonly string[] {
  if (use.asked === "rows") return recordTypes(action);
  return loadsRecord(action) && action.resource !== undefined ? [action.resource.type] : [NO_RECORD];
}

function reportInvalid(world: World, at: Span, action: CatalogAction, { message, help }: Fault): void {
  const noRecord = message.includes(`entity type \`${NO_RECORD}\``);
  reportError(world.report, {
    code: "condition-type",
    at,
    what: `${message} (for \`${actionId(action.operation)}\`)`,
    why: noRecord
      ? "no record is loaded before this action, so there is nothing to compare"
      : "the condition would fail or never match when the call comes",
    write:
      help ??
      (noRecord
        ? `\`resource: { ..., before: <a read action> }\` at \`${actionId(action.operation)}\`, or a condition on \`context.args\``
        : "a condition over the declared arguments and fields"),
  });
}

/** Whole policies of .cedar files, each against the actions that it covers or names, with every record type. */
function validatePolicies(world: World, schemas: Schemas, uses: readonly ConditionUse[]): readonly Found[] {
  const groups = Map.groupBy(
    uses.map((use) => ({ use, actions: [...new Set([...use.actions, ...namedActions(world, use.condition)])] })),
    ({ actions }) => schemas.keyOfWhole(actions),
  );
  return [...groups].flatMap(([key, asked]) => {
    const questions = asked.map(({ use: { condition } }) => ({ place: `${key} policy`, text: condition.text, policy: condition.text }));
    const verdicts = ask(world, () => schemas.whole(asked[0]?.actions ?? []), questions);
    return asked.map(({ use: { condition } }, index): Found => {
      const verdict = verdicts[index];
      const faults = [...(verdict?.errors ?? []), ...(verdict?.warnings ?? [])];
      for (const fault of faults) reportPolicy(world, condition, fault);
      return { condition, outcome: faults.length > 0 ? "wrong" : verdict?.impossible === true ? "impossible" : "possible" };
    });
  });
}

function reportPolicy(world: World, { at, text }: Condition, { message, help, start }: Fault): void {
  reportError(world.report, {
    code: "condition-type",
    at: { file: at.file, line: at.line + lineAt(text, start) - 1 },
    what: message,
    why: "a policy that fails or never matches looks like a right or a protection and is none",
    write: help ?? "a policy over the catalog's actions, arguments and fields; test optional ones with `has` first",
  });
}

/** Schemas of parts of the catalog, and keys that are equal only when these are. */
class Schemas {
  readonly #vocabulary: Vocabulary;
  readonly #shared: string;
  readonly #keys = new Map<CatalogAction, string>();

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
    this.#shared = digest(JSON.stringify([[...vocabulary.types], vocabulary.attributes, vocabulary.sessionData]));
  }

  /** With the record types of these actions. */
  of(actions: readonly CatalogAction[]): SchemaJson<string> {
    return cedarSchema(this.#vocabulary, { actions });
  }

  /** With every record type, whether one of the actions has it or not. */
  whole(actions: readonly CatalogAction[]): SchemaJson<string> {
    return cedarSchema(this.#vocabulary, { actions, entityTypes: [...this.#vocabulary.types.keys()] });
  }

  keyOf(actions: readonly CatalogAction[]): string {
    const keys = actions.map((action) => this.#keyOfOne(action));
    return keys.length === 1 ? (keys[0] ?? "") : digest(keys.toSorted(compareText).join(" "));
  }

  keyOfWhole(actions: readonly CatalogAction[]): string {
    return digest(`${this.#shared} ${this.keyOf(actions)}`);
  }

  #keyOfOne(action: CatalogAction): string {
    const known = this.#keys.get(action) ?? digest(JSON.stringify(this.of([action])));
    this.#keys.set(action, known);
    return known;
  }
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** The verdict on each question, the interpreter asked only for those that are not remembered. */
function ask(world: World, schema: () => SchemaJson<string>, questions: readonly Question[]): readonly Verdict[] {
  const open = questions.filter(({ place, text }) => world.memory.verdict(place, text) === undefined);
  // The same text in the same place is one question.
  const unique = [...new Map(open.map((question) => [`${question.place}\n${question.text}`, question])).values()];
  const fault = unique.length === 0 ? undefined : askInterpreter(world, schema(), unique);
  const failed: Verdict = { errors: fault === undefined ? [] : [fault], warnings: [], impossible: false };
  return questions.map(({ place, text }) => world.memory.verdict(place, text) ?? failed);
}

/** Remembers what the interpreter says; returns why it cannot. */
function askInterpreter(world: World, schema: SchemaJson<string>, questions: readonly Question[]): Fault | undefined {
  const answer = validate(
    schema,
    questions.map(({ policy }, index) => [String(index), policy]),
  );
  if (typeof answer === "string") return { message: answer, help: null, start: 0 };
  if (answer.type === "failure") return { message: answer.errors[0]?.message ?? "validation failed", help: null, start: 0 };
  const verdicts = questions.map(() => ({ errors: [] as Fault[], warnings: [] as Fault[], impossible: false }));
  for (const { policyId, error } of answer.validationErrors) verdicts[Number(policyId)]?.errors.push(faultOf(error));
  for (const { policyId, error } of answer.validationWarnings) {
    const verdict = verdicts[Number(policyId)];
    if (verdict === undefined) continue;
    if (error.message.includes("policy is impossible")) verdict.impossible = true;
    else verdict.warnings.push(faultOf(error));
  }
  // The validator gives the faults of one policy in another order each time.
  for (const { errors, warnings } of verdicts) for (const faults of [errors, warnings]) faults.sort(byPlace);
  for (const [index, { place, text }] of questions.entries()) {
    const verdict = verdicts[index];
    if (verdict !== undefined) world.memory.keep(place, text, verdict);
  }
  return undefined;
}

type Detail = Extract<ValidationAnswer, { type: "success" }>["validationErrors"][number]["error"];

function faultOf({ message, help, sourceLocations }: Detail): Fault {
  const own = (text: string): string => text.replace(/^for policy `[^`]*`, /, "");
  return { message: own(message), help: help === null ? null : own(help), start: sourceLocations?.[0]?.start ?? 0 };
}

function byPlace(a: Fault, b: Fault): number {
  return a.start - b.start || compareText(a.message, b.message);
}

function validate(schema: SchemaJson<string>, policies: readonly (readonly [string, string])[]): ValidationAnswer | string {
  try {
    return withCedar((cedar) =>
      cedar.validate({ schema, policies: { staticPolicies: Object.fromEntries(policies) }, validationSettings: { mode: "strict" } }),
    );
  } catch (error) {
    if (error instanceof EngineFault) return error.message;
    throw error;
  }
}
