import type { Answers, Facts } from "../engine/evaluator.ts";
import type { Compiled } from "../load/compiled.ts";
import { filtersResults, loadsRecord } from "../load/condition-place.ts";
import type { Condition } from "../rules/rule.ts";
import type { AgentConfig, CatalogAction, DecisionRequest, Policy, ResourceFacts } from "../types.ts";
import { isObject } from "../facts/cedar-value.ts";
import { valueAt } from "../facts/request-facts.ts";

/**
 * What is known of the record while deciding. `open`: any record is thinkable. `deferred`: it will be seen in the result.
 * `missing`: it should have been loaded and was not. `none`: the action names no record.
 */
export type RecordState = "known" | "open" | "deferred" | "missing" | "none";

/** A call under judgement: who asks for what, found in the policy. */
export interface Situation {
  readonly policy: Policy;
  readonly compiled: Compiled;
  readonly request: DecisionRequest;
  readonly action: CatalogAction;
  readonly agent: AgentConfig;
  readonly roles: ReadonlySet<string>;
  readonly record: ResourceFacts | undefined;
  readonly recordState: RecordState;
  /** Names of fields this call sets; empty for reads. */
  readonly written: readonly string[];
}

/** A situation whose arguments are readable and whose conditions were asked. */
export interface Judged extends Situation {
  readonly facts: Omit<Facts, "record">;
  readonly records: number;
  readonly cost: number;
  readonly answers: Answers;
}

export type Truth = "true" | "false" | "error" | "maybe";

export function recordStateOf(action: CatalogAction, resource: DecisionRequest["resource"]): RecordState {
  if (resource === "unknown") return "open";
  if (resource !== undefined) return "known";
  if (loadsRecord(action)) return "missing";
  return filtersResults(action) ? "deferred" : "none";
}

/** An absent condition is true. A condition over a record that is not there yet may be either; one over a record that should be there fails. */
export function truthOf(judged: Judged, condition: Condition | undefined): Truth {
  if (condition === undefined) return "true";
  if (condition.usesResource && judged.recordState !== "known")
    return judged.recordState === "open" || judged.recordState === "deferred" ? "maybe" : "error";
  if (judged.answers.errored.has(condition.id)) return "error";
  return judged.answers.matched.has(condition.id) ? "true" : "false";
}

/** `first` decides unless it is true; then `second` does, as in Cedar's `&&`. */
export function both(first: Truth, second: () => Truth): Truth {
  if (first === "false" || first === "error") return first;
  const other = second();
  return first === "maybe" && other === "true" ? "maybe" : other;
}

/** Fields a call sets: keys of the declared object, or every argument but the record's id and what the broker sets. */
export function writtenFields(action: CatalogAction, args: DecisionRequest["args"]): readonly string[] {
  if (action.effect === "read") return [];
  const path = action.resource?.fields;
  if (path !== undefined) {
    const fields = valueAt(args, path.split(".").slice(1));
    return isObject(fields) ? Object.keys(fields) : [];
  }
  const id = action.resource?.id.split(".")[1];
  return Object.keys(args).filter((name) => name !== id && !Object.hasOwn(action.force, name));
}
