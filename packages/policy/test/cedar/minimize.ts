import type { Case, StatedPolicy } from "./generate.ts";
import { printPolicy } from "./print.ts";
import { dict, list } from "./question.ts";
import type { Dict, EntityJson, Json } from "./question.ts";

/** Enough for the cases that the generator makes; what is left then is small as well. */
const MAX_ATTEMPTS = 20_000;

/** The least that still fails: greedily takes away policies, entities, attributes and parts of expressions. */
export function minimize(failing: Case, fails: (smaller: Case) => boolean): Case {
  let attempts = 0;
  const shrink = (current: Case): Case | undefined => {
    for (const smaller of smallerCases(current)) {
      if (++attempts > MAX_ATTEMPTS) return undefined;
      if (fails(smaller)) return smaller;
    }
    return undefined;
  };
  let least = failing;
  for (let next = shrink(least); next !== undefined; next = shrink(least)) least = next;
  return least;
}

function* smallerCases(current: Case): Generator<Case> {
  for (const policies of shorter(current.policies)) yield { ...current, policies };
  for (const entities of shorter(current.entities)) yield { ...current, entities };
  for (const context of smallerRecords(current.request.context)) yield { ...current, request: { ...current.request, context } };
  for (const [index, entity] of current.entities.entries()) {
    for (const smaller of smallerEntities(entity)) yield { ...current, entities: current.entities.with(index, smaller) };
  }
  for (const policy of current.policies) {
    for (const tree of smallerTrees(policy.tree))
      yield { ...current, policies: current.policies.map((each) => replaced(each, policy, tree)) };
  }
}

/** Links of one template share its tree. */
function replaced(each: StatedPolicy, policy: StatedPolicy, tree: Dict): StatedPolicy {
  const shares = each === policy || (policy.as === "link" && each.template === policy.template);
  return shares ? { ...each, tree, text: printPolicy(tree) } : each;
}

/** Halves first, then single items. */
function* shorter<T>(items: readonly T[]): Generator<readonly T[]> {
  const half = Math.floor(items.length / 2);
  if (half > 1) yield* [items.slice(half), items.slice(0, half)];
  for (const index of items.keys()) yield items.toSpliced(index, 1);
}

function* smallerRecords(record: Dict): Generator<Dict> {
  for (const entries of shorter(Object.entries<Json>(record))) yield Object.fromEntries(entries);
}

function* smallerEntities(entity: EntityJson): Generator<EntityJson> {
  for (const parents of shorter(entity.parents)) yield { ...entity, parents };
  for (const attrs of smallerRecords(entity.attrs)) yield { ...entity, attrs };
  for (const tags of smallerRecords(entity.tags)) yield { ...entity, tags };
}

function* smallerTrees(tree: Dict): Generator<Dict> {
  const { annotations, ...bare } = tree;
  if (annotations !== undefined) yield bare;
  const conditions = list(tree["conditions"]);
  for (const fewer of shorter(conditions)) yield { ...tree, conditions: [...fewer] };
  for (const name of ["principal", "action", "resource"]) {
    if (dict(tree[name])["op"] !== "All") yield { ...tree, [name]: { op: "All" } };
  }
  for (const [index, condition] of conditions.entries()) {
    for (const body of smallerExpressions(dict(dict(condition)["body"]))) {
      yield { ...tree, conditions: conditions.with(index, { ...dict(condition), body }) };
    }
  }
}

/** An operand instead of the whole, then the whole with a smaller operand. */
function* smallerExpressions(expression: Dict): Generator<Dict> {
  const [operator = "", args = null] = Object.entries<Json>(expression)[0] ?? [];
  if (operator === "Value" || operator === "Var") return;
  if (typeof args !== "object" || args === null) return;
  const operands = Object.entries<Json>(args).filter(([, operand]) => isObject(operand));
  for (const [, operand] of operands) yield dict(operand);
  if (operator === "Set") for (const fewer of shorter(list(args))) yield { Set: [...fewer] };
  if (operator === "Record") for (const fewer of smallerRecords(dict(args))) yield { Record: fewer };
  for (const [key, operand] of operands) {
    for (const smaller of smallerExpressions(dict(operand))) {
      yield { [operator]: Array.isArray(args) ? args.with(Number(key), smaller) : { ...dict(args), [key]: smaller } };
    }
  }
}

function isObject(json: Json): boolean {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
