import type { DetailedError, ValidationAnswer } from "@cedar-policy/cedar-wasm/nodejs";
import { EngineFault, withCedar } from "../cedar/cedar-instance.ts";
import { actionId, cedarSchema, NO_RECORD, recordTypes } from "../engine/cedar-schema.ts";
import type { SchemaParts, Vocabulary } from "../engine/cedar-schema.ts";
import { lineAt } from "../cedar/cedar-text.ts";
import { wrapExpression } from "../engine/parse-condition.ts";
import type { Condition } from "../rules/rule.ts";
import type { CatalogAction, Span } from "../types.ts";
import { reportError } from "./findings.ts";
import { loadsRecord } from "./condition-place.ts";
import type { ConditionUse, World } from "./world.ts";

/** What is known of one condition after all its actions were looked at. */
interface Outcome {
  readonly use: ConditionUse;
  possible: boolean;
  wrong: boolean;
}

/**
 * Checks every condition against the schema of each action it applies to, in Cedar's strict mode.
 * One small schema an action keeps the cost proportional to rules x their own actions, not to rules x all actions.
 * A condition that can be true for none of its actions is an error, not Cedar's warning.
 */
export function validateConditions(world: World, vocabulary: Vocabulary): void {
  // Whole policies of .cedar files are looked at by validatePolicies.
  const expressions = world.uses.filter((use) => use.condition.form === "expression");
  const outcomes = new Map<string, Outcome>(expressions.map((use) => [use.condition.id, { use, possible: false, wrong: false }]));
  for (const action of world.actions) validateFor(world, vocabulary, action, outcomes);
  for (const { use, possible, wrong } of outcomes.values()) {
    if (possible || wrong || use.actions.length === 0) continue;
    reportError(world.report, {
      code: "impossible-condition",
      at: use.condition.at,
      what: "the condition is false for every possible call",
      why: "a rule that can never apply looks like a right or a protection and is none",
      write: "a condition that some call of these actions can meet, or remove the rule",
    });
  }
}

function validateFor(world: World, vocabulary: Vocabulary, action: CatalogAction, outcomes: ReadonlyMap<string, Outcome>): void {
  const scope = `principal, action == Action::${JSON.stringify(actionId(action.operation))}, resource is `;
  const asked = world.uses
    .filter((use) => use.condition.form === "expression" && use.actions.includes(action))
    .flatMap((use) => entityTypes(use, action).map((type) => ({ use, type })));
  if (asked.length === 0) return;
  const policies = asked.map(({ use, type }, index) => [`p${String(index)}`, wrapExpression(use.condition.text, scope + type)] as const);
  const answer = validate(
    vocabulary,
    { actions: [action] },
    policies.map(([id, policy]) => [id, policy.text]),
  );
  if (typeof answer === "string" || answer.type === "failure") {
    for (const { use } of asked) reportInvalid(world, use.condition, use.condition.at, action, faultOf(answer));
    return;
  }
  const impossible = new Set(answer.validationWarnings.filter(({ error }) => isImpossible(error)).map(({ policyId }) => policyId));
  for (const [index, { use }] of asked.entries()) {
    const outcome = outcomes.get(use.condition.id);
    const id = `p${String(index)}`;
    const error = answer.validationErrors.find(({ policyId }) => policyId === id)?.error;
    if (outcome === undefined) continue;
    if (error === undefined && !impossible.has(id)) outcome.possible = true;
    if (error === undefined || outcome.wrong) continue;
    outcome.wrong = true;
    const offset = (error.sourceLocations?.[0]?.start ?? 0) - (policies[index]?.[1].offset ?? 0);
    const line = use.condition.at.line + lineAt(use.condition.text, offset) - 1;
    reportInvalid(world, use.condition, { file: use.condition.at.file, line }, action, error);
  }
}

/** Record types over which the condition is asked for this action. */
function entityTypes(use: ConditionUse, action: CatalogAction): readonly string[] {
  if (use.asked === "rows") return recordTypes(action);
  return loadsRecord(action) && action.resource !== undefined ? [action.resource.type] : [NO_RECORD];
}

function faultOf(answer: string | Extract<ValidationAnswer, { type: "failure" }>): DetailedError {
  const none = { help: null, code: null, url: null, severity: null };
  return typeof answer === "string" ? { message: answer, ...none } : (answer.errors[0] ?? { message: "validation failed", ...none });
}

function reportInvalid(world: World, condition: Condition, at: Span, action: CatalogAction, error: DetailedError): void {
  const message = error.message.replace(/^for policy `[^`]*`, /, "");
  const noRecord = message.includes(`entity type \`${NO_RECORD}\``);
  reportError(world.report, {
    code: "condition-type",
    at,
    what: `${message} (for \`${actionId(action.operation)}\`)`,
    why: noRecord
      ? "no record is loaded before this action, so there is nothing to compare"
      : "the condition would fail or never match when the call comes",
    write:
      error.help ??
      (noRecord
        ? `\`resource: { ..., before: <a read action> }\` at \`${actionId(action.operation)}\`, or a condition on \`context.args\``
        : "a condition over the declared arguments and fields"),
  });
  void condition;
}

function isImpossible(error: DetailedError): boolean {
  return error.message.includes("policy is impossible");
}

function validate(vocabulary: Vocabulary, parts: SchemaParts, policies: readonly (readonly [string, string])[]): ValidationAnswer | string {
  try {
    return withCedar((cedar) =>
      cedar.validate({
        schema: cedarSchema(vocabulary, parts),
        policies: { staticPolicies: Object.fromEntries(policies) },
        validationSettings: { mode: "strict" },
      }),
    );
  } catch (error) {
    if (error instanceof EngineFault) return error.message;
    throw error;
  }
}

/** Checks whole policies of .cedar files, which may name any action, against the whole schema. */
export function validatePolicies(world: World, vocabulary: Vocabulary): void {
  const uses = world.uses.filter((use) => use.condition.form === "policy");
  if (uses.length === 0) return;
  const types = [...vocabulary.types.keys()];
  const policies = uses.map((use, index) => [`p${String(index)}`, use.condition.text] as const);
  const answer = validate(vocabulary, { actions: world.actions, entityTypes: types }, policies);
  const findings =
    typeof answer === "string" || answer.type === "failure"
      ? uses.map((_, index) => ({ policyId: `p${String(index)}`, error: faultOf(answer) }))
      : [...answer.validationErrors, ...answer.validationWarnings];
  for (const { policyId, error } of findings) {
    const condition = uses[Number(policyId.slice(1))]?.condition;
    if (condition === undefined) continue;
    const offset = error.sourceLocations?.[0]?.start ?? 0;
    const line = condition.at.line + (isImpossible(error) ? 0 : lineAt(condition.text, offset) - 1);
    reportError(world.report, {
      code: isImpossible(error) ? "impossible-condition" : "condition-type",
      at: { file: condition.at.file, line },
      what: error.message.replace(/^for policy `[^`]*`, /, ""),
      why: "a policy that fails or never matches looks like a right or a protection and is none",
      write: error.help ?? "a policy over the catalog's actions, arguments and fields; test optional ones with `has` first",
    });
  }
}
