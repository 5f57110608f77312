import type { PolicyJson } from "@cedar-policy/cedar-wasm/nodejs";
import { BadData } from "./bad-data.ts";
import type { ActionScope, Expr, PolicyTree, Scope } from "./expression.ts";
import { allOf } from "./expression.ts";
import { isPlainObject, readUid } from "./read-data.ts";
import { readExpression } from "./read-expression.ts";
import type { Uid } from "./value.ts";

/** Values for the slots of a template, by name with the question mark. */
export type Slots = ReadonlyMap<string, Uid>;

/**
 * Reads a policy of Cedar's JSON form; slots in its scope are filled in.
 * @throws BadData when the form is wrong, or a slot has no value.
 */
export function readPolicy(id: string, json: PolicyJson, slots: Slots = new Map()): PolicyTree {
  if (!hasForm(json)) throw new BadData("a policy has an effect, three scopes and conditions");
  if (json.conditions.length > MAX_CLAUSES) throw new BadData(`the policy has more than ${String(MAX_CLAUSES)} conditions`);
  if (json.effect !== "permit" && json.effect !== "forbid") throw new BadData("the effect is `permit` or `forbid`");
  return {
    id,
    effect: json.effect,
    principal: readScope(json.principal, slots),
    action: readActionScope(json.action),
    resource: readScope(json.resource, slots),
    condition: allOf(json.conditions.map((clause) => readClause(clause))),
    annotations: Object.fromEntries(Object.entries(json.annotations ?? {}).map(([key, value]) => [key, value ?? ""])),
  };
}

/** Conditions of one policy; each adds a level to its tree. */
const MAX_CLAUSES = 100;

/** The type says it, but the JSON came from outside. */
function hasForm(json: unknown): boolean {
  if (!isPlainObject(json) || !Array.isArray(json["conditions"])) return false;
  const parts: readonly unknown[] = [json["principal"], json["action"], json["resource"], ...Array.from<unknown>(json["conditions"])];
  return parts.every((part) => isPlainObject(part));
}

function readClause(clause: PolicyJson["conditions"][number]): Expr {
  const body = readExpression(clause.body);
  if (clause.kind === "when") return body;
  if (clause.kind === "unless") return { op: "!", of: body };
  throw new BadData("a condition is `when` or `unless`");
}

function readScope(scope: PolicyJson["principal"], slots: Slots): Scope {
  switch (scope.op) {
    case "All":
      return { op: "all" };
    case "==":
      return { op: "==", uid: entityOf(scope, slots) };
    case "in":
      return { op: "in", uid: entityOf(scope, slots) };
    case "is":
      return scope.in === undefined
        ? { op: "is", type: scope.entity_type }
        : { op: "is in", type: scope.entity_type, uid: entityOf(scope.in, slots) };
    default:
      throw new BadData("a scope is `All`, `==`, `in` or `is`");
  }
}

function entityOf(constraint: { readonly entity?: unknown } | { readonly slot: string }, slots: Slots): Uid {
  if (!("slot" in constraint)) return readUid(constraint.entity);
  const uid = slots.get(constraint.slot);
  if (uid === undefined) throw new BadData(`the slot \`${constraint.slot}\` has no value`);
  return uid;
}

function readActionScope(scope: PolicyJson["action"]): ActionScope {
  switch (scope.op) {
    case "All":
      return { op: "all" };
    case "==":
      if (!("entity" in scope)) throw new BadData("an action is no slot");
      return { op: "==", uid: readUid(scope.entity) };
    case "in":
      return { op: "in", uids: "entities" in scope ? scope.entities.map((uid) => readUid(uid)) : [readUid(scope.entity)] };
    default:
      throw new BadData("an action scope is `All`, `==` or `in`");
  }
}
