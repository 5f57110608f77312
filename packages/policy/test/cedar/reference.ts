import { dict, list, uidOf } from "./question.ts";
import type { Answer, Dict, EntityJson, Json, Policy, Request, Uid } from "./question.ts";
import { call, EvaluationError, fail, int64 } from "./reference-extensions.ts";
import type { Value } from "./reference-extensions.ts";

/** What Cedar answers, by the plainest reading of its language: every policy's tree is walked and nothing is prepared. */
export function authorize(policies: readonly Policy[], request: Request, entities: readonly EntityJson[]): Answer {
  const world = { ...request, context: fromJson(request.context), entities };
  const satisfied = { permit: new Array<string>(), forbid: new Array<string>() };
  const errors: string[] = [];
  for (const policy of policies) {
    try {
      if (holds(policy, world)) satisfied[policy.tree["effect"] === "forbid" ? "forbid" : "permit"].push(policy.id);
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error;
      errors.push(policy.id);
    }
  }
  if (satisfied.forbid.length > 0) return { decision: "deny", reasons: satisfied.forbid, errors };
  return { decision: satisfied.permit.length > 0 ? "allow" : "deny", reasons: satisfied.permit, errors };
}

type World = Pick<Request, "principal" | "action" | "resource"> & { readonly context: Value; readonly entities: readonly EntityJson[] };

function holds({ tree, slots }: Policy, world: World): boolean {
  const inScope = (uid: Uid, scope: Dict): boolean => {
    if (scope["op"] === "All") return true;
    if (scope["op"] === "is")
      return uid.type === scope["entity_type"] && (!scope["in"] || inScope(uid, { ...dict(scope["in"]), op: "in" }));
    if (scope["entities"] !== undefined) return list(scope["entities"]).some((each) => isIn(uid, uidOf(each), world));
    const target = uidOf(scope["entity"] ?? slots[String(scope["slot"])]);
    return scope["op"] === "==" ? same(uid, target) : isIn(uid, target, world);
  };
  const scoped = (["principal", "action", "resource"] as const).every((name) => inScope(world[name], dict(tree[name])));
  return scoped && list(tree["conditions"]).every((each) => bool(evaluate(dict(each)["body"], world)) === (dict(each)["kind"] === "when"));
}

function evaluate(expression: Json | undefined, world: World): Value {
  const [operator = "", args = null] = Object.entries<Json>(dict(expression))[0] ?? [];
  const operate = OPERATORS[operator] ?? (() => call(operator, evaluateAll(args, world)));
  return operate((operand) => evaluate(dict(args)[operand], world), args, world);
}

const evaluateAll = (expressions: Json, world: World): Value[] => list(expressions).map((each) => evaluate(each, world));

const OPERATORS: { readonly [operator: string]: (at: (operand: string) => Value, args: Json, world: World) => Value } = {
  Value: (_, args) => fromJson(args),
  Var: (_, args, world) => (args === "principal" || args === "action" || args === "resource" ? world[args] : world.context),
  Set: (_, args, world) => evaluateAll(args, world),
  Record: (_, args, world) => new Map(Object.entries<Json>(dict(args)).map(([key, each]) => [key, evaluate(each, world)])),
  "!": (at) => !bool(at("arg")),
  "&&": (at) => bool(at("left")) && bool(at("right")),
  "||": (at) => bool(at("left")) || bool(at("right")),
  "if-then-else": (at) => (bool(at("if")) ? at("then") : at("else")),
  "==": (at) => same(at("left"), at("right")),
  "!=": (at) => !same(at("left"), at("right")),
  "<": (at) => difference(at("left"), at("right")) < 0n,
  "<=": (at) => difference(at("left"), at("right")) <= 0n,
  ">": (at) => difference(at("left"), at("right")) > 0n,
  ">=": (at) => difference(at("left"), at("right")) >= 0n,
  neg: (at) => int64(-long(at("arg"))),
  "+": (at) => int64(long(at("left")) + long(at("right"))),
  "-": (at) => int64(long(at("left")) - long(at("right"))),
  "*": (at) => int64(long(at("left")) * long(at("right"))),
  contains: (at) => isOneOf(at("right"), set(at("left"))),
  containsAll: (at) => isSubset(set(at("right")), set(at("left"))),
  containsAny: (at) => overlap(set(at("left")), set(at("right"))),
  isEmpty: (at) => set(at("arg")).length === 0,
  in: (at, _, world) => isInAny(entity(at("left")), at("right"), world),
  is: (at, args, world) =>
    entity(at("left")).type === dict(args)["entity_type"] && (!dict(args)["in"] || isInAny(entity(at("left")), at("in"), world)),
  like: (at, args) => like(text(at("left")), list(dict(args)["pattern"])),
  ".": (at, args, world) => attribute(at("left"), dict(args)["attr"], world) ?? fail("no such entity or attribute"),
  has: (at, args, world) => hasPath(at("left"), [dict(args)["attr"] ?? ""].flat(), world),
  hasTag: (at, _, world) => own(find(entity(at("left")), world)?.tags, text(at("right"))) !== undefined,
  getTag: (at, _, world) => own(find(entity(at("left")), world)?.tags, text(at("right"))) ?? fail("no such entity or tag"),
};

function fromJson(json: Json): Value {
  if (typeof json === "number") return BigInt(json);
  if (Array.isArray(json)) return json.map(fromJson);
  if (typeof json !== "object") return json;
  const { __entity: uid, __extn: extension } = dict(json);
  if (uid !== undefined) return uidOf(uid);
  if (extension !== undefined) return call(String(dict(extension)["fn"]), [fromJson(dict(extension)["arg"] ?? null)]);
  return new Map(Object.entries<Json>(dict(json)).map(([key, each]) => [key, fromJson(each)]));
}

function hasPath(value: Value, [name, ...rest]: readonly Json[], world: World): boolean {
  const found = attribute(value, name, world);
  return found !== undefined && (rest.length === 0 || hasPath(found, rest, world));
}

const attribute = (value: Value, name: Json | undefined, world: World): Value | undefined =>
  value instanceof Map ? value.get(String(name)) : own(find(entity(value), world)?.attrs, String(name));
const find = (uid: Uid, world: World): EntityJson | undefined => world.entities.find((each) => same(each.uid, uid));
const own = (json: Dict | undefined, key: string): Value | undefined =>
  json && Object.hasOwn(json, key) ? fromJson(json[key] ?? null) : undefined;
const isIn = (uid: Uid, target: Uid, world: World): boolean =>
  same(uid, target) || find(uid, world)?.parents.some((each) => isIn(each, target, world)) === true;
const isInAny = (uid: Uid, right: Value, world: World): boolean =>
  (Array.isArray(right) ? right : [right]).map(entity).some((each) => isIn(uid, each, world));

const isOneOf = (value: Value, values: Value[]): boolean => values.some((each) => same(each, value));
const isSubset = (some: Value[], all: Value[]): boolean => some.every((each) => isOneOf(each, all));
const overlap = (some: Value[], others: Value[]): boolean => some.some((each) => isOneOf(each, others));
function same(a: Value | undefined, b: Value | undefined): boolean {
  if (typeof a !== "object" || typeof b !== "object") return a === b;
  if (Array.isArray(a) || Array.isArray(b)) return Array.isArray(a) && Array.isArray(b) && isSubset(a, b) && isSubset(b, a);
  const left = new Map<string, Value>(a instanceof Map ? a : Object.entries(a));
  const right = new Map<string, Value>(b instanceof Map ? b : Object.entries(b));
  return a instanceof Map === b instanceof Map && left.size === right.size && [...left].every(([key, each]) => same(each, right.get(key)));
}

function difference(a: Value, b: Value): bigint {
  if (typeof a !== "object" || !("kind" in a) || (a.kind !== "datetime" && a.kind !== "duration")) return long(a) - long(b);
  return typeof b === "object" && "kind" in b && b.kind === a.kind ? a.n - b.n : fail("not of one kind");
}

function like(subject: string, pattern: Json[]): boolean {
  const escape = (literal: string): string => Array.from(literal, (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`).join("");
  const parts = pattern.map((part) => (part === "Wildcard" ? ".*" : escape(String(dict(part)["Literal"]))));
  return new RegExp(`^${parts.join("")}$`, "su").test(subject);
}

const long = (value: Value): bigint => (typeof value === "bigint" ? value : fail("not a long"));
const bool = (value: Value): boolean => (typeof value === "boolean" ? value : fail("not a boolean"));
const text = (value: Value): string => (typeof value === "string" ? value : fail("not a string"));
const set = (value: Value): Value[] => (Array.isArray(value) ? value : fail("not a set"));
const entity = (value: Value): Uid => (typeof value === "object" && "type" in value ? value : fail("not an entity"));
