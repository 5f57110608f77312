import { constantItems, orderIn } from "../cedar/bounds.ts";
import { Decimal, formatDecimal } from "../cedar/decimal.ts";
import type { Environment } from "../cedar/environment.ts";
import { compileExpression } from "../cedar/compile.ts";
import { EvaluationError } from "../cedar/evaluation-error.ts";
import type { Expr, Order } from "../cedar/expression.ts";
import { Datetime } from "../cedar/time.ts";
import type { Value } from "../cedar/value.ts";
import { CedarSet } from "../cedar/value.ts";
import { valueAt } from "../facts/request-facts.ts";
import { isObject } from "../json.ts";
import type { Json, JsonObject } from "../json.ts";
import type { DecisionRequest } from "../types.ts";

/** A change of one fact of the call, in words and as the request it would make. */
export interface Change {
  /** E.g. "`resource.region` were `emea`". */
  readonly words: string;
  /** Undefined where the fact is not the request's to change, such as an agent's attributes. */
  readonly apply: ((request: DecisionRequest) => DecisionRequest) | undefined;
}

/** The smallest change that gives a simple comparison the wanted outcome; undefined for expressions it cannot turn around. */
export function changeFor(env: Environment, expression: Expr, wanted: boolean): Change | undefined {
  if (expression.op === "!") return changeFor(env, expression.of, !wanted);
  if (expression.op === "==" || expression.op === "!=")
    return equality(env, expression.left, expression.right, (expression.op === "==") === wanted);
  const compared = orderIn(expression);
  if (compared !== undefined) return order(env, compared.left, compared.op, compared.right, wanted);
  if (expression.op === "contains") return wanted ? listed(expression.left, expression.right) : undefined;
  const path = pathOf(expression);
  return path === undefined ? undefined : setTo(path, wanted);
}

interface Side {
  readonly path: readonly string[];
  readonly value: Json;
  /** The path stands on the right. */
  readonly flipped: boolean;
}

/** The side that could change. What the agent or the record can change comes before what the policy fixes. */
function sideOf(env: Environment, left: Expr, right: Expr): Side | undefined {
  const sides = [
    { path: pathOf(left), value: valueOf(env, right), flipped: false },
    { path: pathOf(right), value: valueOf(env, left), flipped: true },
  ].flatMap(({ path, value, flipped }) => (path === undefined || value === undefined ? [] : [{ path, value, flipped }]));
  return sides.find(({ path }) => path[0] !== "principal") ?? sides[0];
}

function equality(env: Environment, left: Expr, right: Expr, same: boolean): Change | undefined {
  const side = sideOf(env, left, right);
  if (side === undefined) return undefined;
  return same ? setTo(side.path, side.value) : { words: `\`${side.path.join(".")}\` were not ${show(side.value)}`, apply: undefined };
}

function order(env: Environment, left: Expr, op: Order, right: Expr, wanted: boolean): Change | undefined {
  const side = sideOf(env, left, right);
  if (side === undefined) return undefined;
  const { path, value, flipped } = side;
  const smaller = (op.startsWith("<") !== flipped) === wanted;
  const strict = (op === "<" || op === ">") === wanted;
  const words = smaller ? (strict ? "below" : "at most") : strict ? "above" : "at least";
  const target = typeof value === "number" && strict ? value + (smaller ? -1 : 1) : value;
  return { ...setTo(path, target), words: `\`${path.join(".")}\` were ${words} ${show(value)}` };
}

/** `["a", "b"].contains(path)`. */
function listed(list: Expr, item: Expr): Change | undefined {
  const path = pathOf(item);
  const values = constantItems(list)?.flatMap((value) => jsonOf(value) ?? []);
  const first = values?.[0];
  if (path === undefined || values === undefined || first === undefined) return undefined;
  return { ...setTo(path, first), words: `\`${path.join(".")}\` were one of ${values.map((value) => show(value)).join(", ")}` };
}

function setTo(path: readonly string[], value: Json): Change {
  return { words: `\`${path.join(".")}\` were ${show(value)}`, apply: applierFor(path, value) };
}

function show(value: Json): string {
  return `\`${typeof value === "string" && value !== "" ? value : JSON.stringify(value)}\``;
}

/** Dotted path of an attribute access that starts at a variable. */
export function pathOf(expression: Expr): readonly string[] | undefined {
  if (expression.op === "variable") return [expression.name];
  const left = expression.op === "get" ? pathOf(expression.of) : undefined;
  return left === undefined || expression.op !== "get" ? undefined : [...left, expression.name];
}

/** What the expression comes to for this call, as plain JSON; undefined where it fails or has no such form. */
function valueOf(env: Environment, expression: Expr): Json | undefined {
  try {
    return jsonOf(compileExpression(expression)(env));
  } catch (error) {
    if (error instanceof EvaluationError) return undefined;
    throw error;
  }
}

function jsonOf(value: Value): Json | undefined {
  if (typeof value === "bigint") return undefined;
  if (typeof value !== "object") return value;
  if (value instanceof Decimal) return Number(formatDecimal(value));
  if (value instanceof Datetime) return typeof value.epochMs === "number" ? new Date(value.epochMs).toISOString() : undefined;
  if (!(value instanceof CedarSet)) return undefined;
  const items = value.items.flatMap((item) => jsonOf(item) ?? []);
  return items.length === value.items.length ? items : undefined;
}

function applierFor([root, ...steps]: readonly string[], value: Json): Change["apply"] {
  if (root === "resource") {
    return (request) =>
      typeof request.resource === "object"
        ? { ...request, resource: { ...request.resource, attributes: withValue(request.resource.attributes, steps, value) } }
        : request;
  }
  if (root !== "context") return undefined;
  const [part, ...rest] = steps;
  if (part === "args" && rest.length > 0) return (request) => ({ ...request, args: withArgument(request.args, rest, value) });
  if (part === "session" && rest[0] === "task" && typeof value === "string")
    return (request) => ({ ...request, caller: { ...request.caller, task: value } });
  if (part === "session" && rest[0] === "data" && rest.length > 1)
    return (request) => ({ ...request, caller: { ...request.caller, data: withValue(request.caller.data, rest.slice(1), value) } });
  if (part === "user" && rest[0] === "id" && typeof value === "string")
    return (request) => ({ ...request, caller: { ...request.caller, user: value } });
  return undefined;
}

/** Parts of an e-mail argument are no arguments of their own; the address is changed instead. */
function withArgument(args: JsonObject, path: readonly string[], value: Json): JsonObject {
  const parent = valueAt(args, path.slice(0, -1));
  const last = path.at(-1);
  if (typeof parent !== "string" || typeof value !== "string") return withValue(args, path, value);
  const [local = "", domain = ""] = parent.split("@");
  const address = last === "domain" ? `${local}@${value}` : last === "local" ? `${value}@${domain}` : value;
  return withValue(args, path.slice(0, -1), address);
}

function withValue(record: JsonObject, [step, ...rest]: readonly string[], value: Json): JsonObject {
  if (step === undefined) return record;
  const inner = Object.hasOwn(record, step) ? record[step] : undefined;
  return { ...record, [step]: rest.length === 0 ? value : withValue(isObject(inner) ? inner : {}, rest, value) };
}
