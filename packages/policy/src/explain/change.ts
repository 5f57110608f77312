import type { Expr } from "@cedar-policy/cedar-wasm/nodejs";
import { isObject } from "../facts/cedar-value.ts";
import { valueAt } from "../facts/request-facts.ts";
import type { Judged } from "../decide/situation.ts";
import type { Json, JsonObject } from "../json.ts";
import type { DecisionRequest } from "../types.ts";

/** A change of one fact of the call, in words and as the request it would make. */
export interface Change {
  /** E.g. "`resource.region` were `emea`". */
  readonly words: string;
  /** Undefined where the fact is not the request's to change, such as an agent's attributes. */
  readonly apply: ((request: DecisionRequest) => DecisionRequest) | undefined;
}

type Binary = { readonly left: Expr; readonly right: Expr };

/** The smallest change that gives a simple comparison the wanted outcome; undefined for expressions it cannot turn around. */
export function changeFor(judged: Judged, expression: Expr, wanted: boolean): Change | undefined {
  const [operator, body] = Object.entries(expression)[0] ?? [];
  if (operator === "!") return isNode(body) && "arg" in body ? changeFor(judged, body["arg"] as Expr, !wanted) : undefined;
  const pair = pairOf(operator, body);
  if (operator !== undefined && pair !== undefined) return comparison(judged, operator, pair, wanted);
  const path = pathOf(expression);
  return path === undefined ? undefined : setTo(path, wanted, "were");
}

const COMPARISONS: ReadonlySet<string> = new Set([
  "==",
  "!=",
  "<",
  "<=",
  ">",
  ">=",
  "lessThan",
  "lessThanOrEqual",
  "greaterThan",
  "greaterThanOrEqual",
  "contains",
]);

function pairOf(operator: string | undefined, body: unknown): Binary | undefined {
  if (operator === undefined || !COMPARISONS.has(operator)) return undefined;
  if (Array.isArray(body)) return body.length === 2 ? { left: body[0] as Expr, right: body[1] as Expr } : undefined;
  return isNode(body) && "left" in body && "right" in body ? { left: body["left"] as Expr, right: body["right"] as Expr } : undefined;
}

function isNode(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function comparison(judged: Judged, operator: string, { left, right }: Binary, wanted: boolean): Change | undefined {
  const candidates = [
    { path: pathOf(left), value: valueOf(judged, right), flipped: false },
    { path: pathOf(right), value: valueOf(judged, left), flipped: true },
  ].filter(
    (side): side is { path: readonly string[]; value: Json; flipped: boolean } => side.path !== undefined && side.value !== undefined,
  );
  // What the agent or the record can change comes before what the policy fixes.
  const side = candidates.find(({ path }) => path[0] !== "principal") ?? candidates[0];
  return side === undefined ? undefined : relate(side.path, operator, side.value, side.flipped, wanted);
}

const AT_MOST: ReadonlySet<string> = new Set(["<=", "lessThanOrEqual"]);
const AT_LEAST: ReadonlySet<string> = new Set([">=", "greaterThanOrEqual"]);
const BELOW: ReadonlySet<string> = new Set(["<", "lessThan"]);
const ABOVE: ReadonlySet<string> = new Set([">", "greaterThan"]);

function relate(path: readonly string[], operator: string, value: Json, flipped: boolean, wanted: boolean): Change | undefined {
  if (operator === "==" || operator === "!=") {
    return (operator === "==") === wanted
      ? setTo(path, value, "were")
      : { words: `\`${path.join(".")}\` were not ${show(value)}`, apply: undefined };
  }
  if (operator === "contains") {
    // `[a, b].contains(path)`: the list is on the left, the path on the right.
    if (!flipped || !Array.isArray(value) || !wanted) return undefined;
    const first: Json | undefined = value[0];
    return first === undefined
      ? undefined
      : { ...setTo(path, first, "were"), words: `\`${path.join(".")}\` were one of ${value.map((item: Json) => show(item)).join(", ")}` };
  }
  const smaller = ((BELOW.has(operator) || AT_MOST.has(operator)) !== flipped) === wanted;
  const strict = (BELOW.has(operator) || ABOVE.has(operator)) === wanted;
  if (!(BELOW.has(operator) || AT_MOST.has(operator) || ABOVE.has(operator) || AT_LEAST.has(operator))) return undefined;
  const words = smaller ? (strict ? "below" : "at most") : strict ? "above" : "at least";
  const target = typeof value === "number" && strict ? value + (smaller ? -1 : 1) : value;
  return { ...setTo(path, target, "were"), words: `\`${path.join(".")}\` were ${words} ${show(value)}` };
}

function setTo(path: readonly string[], value: Json, verb: string): Change {
  return { words: `\`${path.join(".")}\` ${verb} ${show(value)}`, apply: applierFor(path, value) };
}

function show(value: Json): string {
  return `\`${typeof value === "string" && value !== "" ? value : JSON.stringify(value)}\``;
}

/** Dotted path of an attribute access that starts at a variable. */
function pathOf(expression: Expr): readonly string[] | undefined {
  if ("Var" in expression) return typeof expression.Var === "string" ? [expression.Var] : undefined;
  const access: unknown = "." in expression ? expression["."] : undefined;
  if (!isNode(access) || typeof access["attr"] !== "string") return undefined;
  const left = pathOf(access["left"] as Expr);
  return left === undefined ? undefined : [...left, access["attr"]];
}

/** Value of a literal, a list of literals, an extension literal, or a path into the facts. */
function valueOf(judged: Judged, expression: Expr): Json | undefined {
  const [kind, body]: readonly [string, unknown] | readonly [] = Object.entries(expression)[0] ?? [];
  if (kind === "Value" && (typeof body === "string" || typeof body === "number" || typeof body === "boolean")) return body;
  if (kind === "Set" && Array.isArray(body)) {
    const items = body.map((item: Expr) => valueOf(judged, item));
    return items.every((item) => item !== undefined) ? items : undefined;
  }
  if (kind === "decimal" && Array.isArray(body)) return Number(valueOf(judged, body[0] as Expr));
  if (kind === "datetime" && Array.isArray(body)) return valueOf(judged, body[0] as Expr);
  const path = pathOf(expression);
  return path === undefined ? undefined : factAt(judged, path);
}

function factAt({ facts, record }: Judged, [root, ...steps]: readonly string[]): Json | undefined {
  const json = (value: unknown): Json => JSON.parse(JSON.stringify(value)) as Json;
  const value = root === "resource" ? (record?.attributes ?? {}) : json(root === "principal" ? facts.principal.attributes : facts.context);
  const found = valueAt(value, steps);
  return isObject(found) ? undefined : found;
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
