import type { Entity } from "./entities.ts";
import type { Environment } from "./environment.ts";
import type { Expr, Variable } from "./expression.ts";
import { childrenOf, FALSE, isBoolean, mapChildren, TRUE } from "./expression.ts";
import { folded } from "./fold.ts";
import { attributeOf, hasAttribute, hasTag, isWithin, tagOf } from "./operators.ts";
import { CedarRecord, CedarSet, sameUid, Uid } from "./value.ts";
import type { Value } from "./value.ts";
import { NO_ENTITIES } from "./entities.ts";
import { EvaluationError } from "./evaluation-error.ts";

/** What is known before the rest is. Everything absent is unknown: it may still be anything. */
export interface Known {
  readonly principal?: { readonly uid: Uid; readonly entity: Entity | undefined } | undefined;
  readonly action?: { readonly uid: Uid; readonly entity: Entity | undefined } | undefined;
  readonly resource?: { readonly uid: Uid; readonly entity: Entity | undefined } | undefined;
  /** Type of a resource that is not known itself. */
  readonly resourceType?: string | undefined;
  readonly context?: CedarRecord | undefined;
  /** Attributes of `context` that `context` leaves open. Absent: when `context` is given, it is whole. */
  readonly openContext?: ReadonlySet<string> | undefined;
}

/**
 * Partial evaluation: the expression that is left when everything known is put in and computed. For every completion of what is
 * unknown it gives the same value, and fails exactly when the original does.
 */
export function specialize(expr: Expr, known: Known): Expr {
  const inner = (part: Expr): Expr => specialize(part, known);
  if (expr.op === "value" || expr.op === "error") return expr;
  if (expr.op === "variable") return variable(expr.name, known) ?? expr;
  if (expr.op === "&&") return conjunction(inner(expr.left), () => inner(expr.right));
  if (expr.op === "||") return disjunction(inner(expr.left), () => inner(expr.right));
  if (expr.op === "if")
    return choice(
      inner(expr.test),
      () => inner(expr.yes),
      () => inner(expr.no),
    );
  const answer = expr.op === "get" || expr.op === "has" ? access(expr, known) : undefined;
  return answer ?? strict(mapChildren(expr, inner), known);
}

function variable(name: Variable, known: Known): Expr | undefined {
  if (name === "context")
    return known.context === undefined || known.openContext !== undefined ? undefined : { op: "value", value: known.context };
  const uid = known[name]?.uid;
  return uid === undefined ? undefined : { op: "value", value: uid };
}

/** `context.x` where only some attributes of `context` are known. */
function access(expr: Extract<Expr, { readonly op: "get" | "has" }>, { context, openContext }: Known): Expr | undefined {
  if (expr.of.op !== "variable" || expr.of.name !== "context" || context === undefined || openContext?.has(expr.name) !== false)
    return undefined;
  const value = context.fields.get(expr.name);
  if (expr.op === "has") return value === undefined ? FALSE : TRUE;
  return value === undefined ? { op: "error", message: `the record has no attribute \`${expr.name}\`` } : { op: "value", value };
}

function conjunction(left: Expr, rightOf: () => Expr): Expr {
  if (left.op === "error") return left;
  if (left.op !== "value") return { op: "&&", left, right: rightOf() };
  if (left.value === false) return FALSE;
  if (left.value !== true) return folded({ op: "&&", left, right: TRUE });
  const right = rightOf();
  // The right side alone would lose that it must be a bool.
  return isBoolean(right) ? right : { op: "&&", left, right };
}

function disjunction(left: Expr, rightOf: () => Expr): Expr {
  if (left.op === "error") return left;
  if (left.op !== "value") return { op: "||", left, right: rightOf() };
  if (left.value === true) return TRUE;
  if (left.value !== false) return folded({ op: "||", left, right: TRUE });
  const right = rightOf();
  return isBoolean(right) ? right : { op: "||", left, right };
}

function choice(test: Expr, yesOf: () => Expr, noOf: () => Expr): Expr {
  if (test.op === "error") return test;
  if (test.op !== "value") return { op: "if", test, yes: yesOf(), no: noOf() };
  if (typeof test.value !== "boolean") return folded({ op: "if", test, yes: TRUE, no: TRUE });
  return test.value ? yesOf() : noOf();
}

/** Operators that evaluate all their parts: one that fails makes the whole fail, and with all parts known the whole is. */
function strict(expr: Expr, known: Known): Expr {
  const parts = childrenOf(expr);
  const failed = parts.find((part) => part.op === "error");
  if (failed !== undefined) return failed;
  if (!parts.every((part) => part.op === "value")) return expr.op === "is" ? typeTest(expr, known) : expr;
  return readsEntity(expr) ? readEntity(expr, known) : folded(expr);
}

function typeTest(expr: Extract<Expr, { readonly op: "is" }>, { resourceType }: Known): Expr {
  if (resourceType === undefined || expr.of.op !== "variable" || expr.of.name !== "resource") return expr;
  return expr.type === resourceType ? TRUE : FALSE;
}

type EntityExpr = Expr & { readonly op: "get" | "has" | "in" | "getTag" | "hasTag" };

function readsEntity(expr: Expr): expr is EntityExpr {
  return expr.op === "get" || expr.op === "has" || expr.op === "in" || expr.op === "getTag" || expr.op === "hasTag";
}

/** Only the request's own entities are known for sure; what any other name stands for is decided when it is looked up. */
function readEntity(expr: EntityExpr, known: Known): Expr {
  const [left, right] = childrenOf(expr).map((part) => (part.op === "value" ? part.value : undefined));
  if (left === undefined) return expr;
  if (!(left instanceof Uid)) return folded(expr);
  const env = environmentKnowing(left, known);
  if (expr.op === "in") return membership(expr, left, right, env);
  if (env === undefined) return expr;
  if (expr.op === "get") return attempt(() => attributeOf(env, left, expr.name));
  if (expr.op === "has") return attempt(() => hasAttribute(env, left, expr.name));
  const read = expr.op === "getTag" ? tagOf : hasTag;
  return attempt(() => read(env, left, right ?? false));
}

/** Every entity is `in` itself, known or not. */
function membership(expr: Expr, left: Uid, right: Value | undefined, env: Environment | undefined): Expr {
  const targets =
    right instanceof Uid ? [right] : right instanceof CedarSet ? right.items.filter((item) => item instanceof Uid) : undefined;
  if (targets === undefined || (right instanceof CedarSet && targets.length < right.items.length)) return folded(expr);
  if (targets.some((target) => sameUid(target, left))) return TRUE;
  if (env === undefined) return targets.length === 0 ? FALSE : expr;
  return targets.some((target) => isWithin(env, left, target)) ? TRUE : FALSE;
}

/** An environment in which the entity can be looked up, or undefined when it is not one that is known. */
function environmentKnowing(uid: Uid, known: Known): Environment | undefined {
  const own = [known.principal, known.action, known.resource].find((each) => each !== undefined && sameUid(each.uid, uid));
  if (own === undefined) return undefined;
  return {
    principal: uid,
    action: uid,
    resource: uid,
    context: known.context ?? new CedarRecord(new Map()),
    entities: NO_ENTITIES,
    principalEntity: own.entity,
    actionEntity: own.entity,
    resourceEntity: own.entity,
  };
}

function attempt(read: () => Value): Expr {
  try {
    return { op: "value", value: read() };
  } catch (error) {
    if (error instanceof EvaluationError) return { op: "error", message: error.message };
    throw error;
  }
}
