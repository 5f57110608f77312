import { generateText } from "./generate-text.ts";
import { generateLong, generateUid, generateValue } from "./generate-values.ts";
import type { Ways } from "./generate-values.ts";
import type { Dict, Json } from "./question.ts";
import { weighted } from "./random.ts";
import type { Random } from "./random.ts";
import { ENTITY_TYPES, fieldsOf, PATTERN_PARTS, TAGS, TYPES, VALID } from "./vocabulary.ts";
import type { Fields, Type } from "./vocabulary.ts";

/** Makes an expression of the type, mostly well-typed, nested about `depth` deep. */
export function generateExpression(random: Random, ways: Ways, type: Type, depth: number): Dict {
  return expression({ random, ways }, type, depth);
}

interface Maker {
  readonly random: Random;
  readonly ways: Ways;
}

type Form = (maker: Maker, depth: number, type: Type) => Dict;

function expression(maker: Maker, wanted: Type, depth: number): Dict {
  const { random } = maker;
  const type = random.chance(0.015) ? random.pick(TYPES) : wanted;
  if (depth <= 0 || random.chance(0.1)) return leaf(maker, type);
  const forms = FORMS.get(type.split(" ")[0] ?? type) ?? COMPOSED;
  return random.pick(random.chance(0.15) ? ANY_TYPE : forms)(maker, depth - 1, type);
}

function leaf(maker: Maker, type: Type): Dict {
  const { random } = maker;
  if (type.startsWith("entity ") && random.chance(0.5)) return { Var: random.pick(VARIABLES) };
  const path = random.chance(0.75) ? randomPath(maker, type) : undefined;
  return path === undefined ? literal(maker, type) : valueAt(path);
}

const VARIABLES = weighted([
  [4, "principal"],
  [3, "resource"],
  [1, "action"],
]);

function literal(maker: Maker, type: Type): Dict {
  const { random, ways } = maker;
  if (type === "long") return { Value: generateLong(random) };
  if (type.startsWith("entity ")) return { Value: { __entity: generateUid(random) } };
  // The JSON form holds composed values as one literal too; its text is the same as that of the expression.
  if (random.chance(0.1)) return { Value: generateValue(random, type, ways.strict) };
  if (VALID.has(type)) return construction(maker, type);
  if (type.startsWith("set ")) {
    const element = type.slice("set ".length);
    return { Set: Array.from({ length: random.below(4) }, () => literal(maker, element)) };
  }
  if (type.startsWith("record ")) {
    const fields = random.some([...fieldsOf(type)], 0.9);
    return { Record: Object.fromEntries(fields.map(([name, field]) => [name, literal(maker, field)])) };
  }
  return { Value: generateValue(random, type, ways.strict) };
}

/** Of a text that is written out or that the request or an entity brings; now and then with the wrong number of arguments. */
function construction(maker: Maker, type: Type): Dict {
  const { random } = maker;
  const given = random.chance(0.5) ? randomPath(maker, `text ${type}`) : undefined;
  const source = given === undefined ? { Value: generateText(random, type) } : valueAt(given);
  if (random.chance(0.97)) return { [type]: [source] };
  return { [type]: random.pick<Json[]>([[expression(maker, "string", 1)], [source, source], []]) };
}

interface Path {
  readonly base: Dict;
  readonly steps: readonly string[];
}

/** A way to a value of the type from a variable, through records and entities. */
function randomPath(maker: Maker, type: Type): Path | undefined {
  const { random, ways } = maker;
  const fromContext = random.chance(0.4);
  const paths = pathsTo(fromContext ? ways.contextFields : ways.entityFields, type.split(" ")[0] === "entity" ? "entity" : type);
  if (paths.length === 0) return undefined;
  const steps = random.pick(paths);
  if (fromContext) return { base: { Var: "context" }, steps };
  return { base: random.chance(0.12) ? expression(maker, "entity User", 1) : { Var: random.pick(VARIABLES) }, steps };
}

function valueAt({ base, steps }: Path): Dict {
  return steps.reduce((left: Dict, attr) => ({ ".": { left, attr } }), base);
}

const knownPaths = new WeakMap<Fields, Map<Type, readonly (readonly string[])[]>>();

function pathsTo(fields: Fields, type: Type): readonly (readonly string[])[] {
  const known = knownPaths.get(fields) ?? new Map<Type, readonly (readonly string[])[]>();
  knownPaths.set(fields, known);
  const found = known.get(type);
  if (found !== undefined) return found;
  const paths = [...fields].flatMap(([name, field]) => [
    ...(field === type || field.startsWith(`${type} `) ? [[name]] : []),
    ...pathsTo(fieldsOf(field), type).map((rest) => [name, ...rest]),
  ]);
  known.set(type, paths);
  return paths;
}

const binary =
  (operator: string, left: Type, right: Type = left): Form =>
  (maker, depth) => ({ [operator]: { left: expression(maker, left, depth), right: expression(maker, right, depth) } });
const unary =
  (operator: string, type: Type): Form =>
  (maker, depth) => ({ [operator]: { arg: expression(maker, type, depth) } });
const method =
  (name: string, ...types: readonly Type[]): Form =>
  (maker, depth) => ({
    [name]: [
      ...types.map((type) => expression(maker, type, depth)),
      ...(maker.random.chance(0.005) ? [expression(maker, types[0] ?? "long", 0)] : []),
    ],
  });

/** Both sides of one type, and now and then equal, which chance alone would rarely make them. */
function paired(maker: Maker, operator: string, type: Type, depth: number): Dict {
  const left = expression(maker, type, depth);
  return { [operator]: { left, right: maker.random.chance(0.2) ? left : expression(maker, type, depth) } };
}

const equality: Form = (maker, depth) => {
  const type = maker.random.pick(maker.random.chance(0.3) ? ["long", "datetime", "duration"] : TYPES);
  return paired(maker, maker.random.pick(["==", "!="]), type, depth);
};

const membership: Form = (maker, depth) => {
  const right = maker.random.pick(["entity Group", "entity Group", "set entity Group"]);
  return binary("in", "entity User", right)(maker, depth, "bool");
};

const isType: Form = (maker, depth) => {
  const inside = maker.random.chance(0.4) ? { in: expression(maker, maker.random.pick(["entity Group", "set entity Group"]), depth) } : {};
  return { is: { left: expression(maker, "entity User", depth), entity_type: maker.random.pick(ENTITY_TYPES), ...inside } };
};

const has: Form = (maker, depth) => {
  const { random, ways } = maker;
  const path = random.chance(0.6) ? randomPath(maker, random.pick(TYPES)) : undefined;
  if (path !== undefined) return { has: { left: path.base, attr: random.chance(0.2) ? (path.steps[0] ?? "") : attributes(path.steps) } };
  const left = expression(maker, random.pick(["entity User", "record profile", "record deep"]), depth);
  return { has: { left, attr: random.pick([...ways.entityFields.keys(), "nothing", "level", "ok"]) } };
};

/** Cedar's JSON form writes a path of one name without brackets. */
function attributes(path: readonly string[]): Json {
  return path.length === 1 ? (path[0] ?? "") : [...path];
}

/** `base has path && ...` of what is there. */
const guarded: Form = (maker, depth) => {
  const { random } = maker;
  const type = random.pick(["long", "string", "bool", "entity User"]);
  const path = randomPath(maker, type);
  if (path === undefined) return leaf(maker, "bool");
  const value = valueAt(path);
  const test = type === "bool" ? value : { "==": { left: value, right: expression(maker, type, depth) } };
  return { "&&": { left: { has: { left: path.base, attr: attributes(path.steps) } }, right: test } };
};

const like: Form = (maker, depth) => {
  const { random } = maker;
  const pattern = Array.from({ length: random.below(5) }, () =>
    random.chance(0.4) ? "Wildcard" : { Literal: random.pick(PATTERN_PARTS) },
  );
  return { like: { left: expression(maker, "string", depth), pattern } };
};

const inSet: Form = (maker, depth) => {
  const { random } = maker;
  const set = random.pick(SETS);
  const element = set.slice("set ".length);
  return random.chance(0.5)
    ? binary("contains", set, element)(maker, depth, "bool")
    : binary(random.pick(["containsAll", "containsAny"]), set)(maker, depth, "bool");
};

const SETS = TYPES.filter((type) => type.startsWith("set "));

const tag =
  (operator: string): Form =>
  (maker, depth) => {
    const { random } = maker;
    const name: Dict = random.chance(0.85) ? { Value: random.pick(TAGS) } : expression(maker, "string", depth);
    return { [operator]: { left: expression(maker, "entity User", depth - 1), right: name } };
  };

const comparison: Form = (maker, depth) => {
  const { random } = maker;
  return paired(maker, random.pick(["<", "<=", ">", ">="]), random.pick(["long", "long", "long", "datetime", "duration"]), depth);
};

const choice: Form = (maker, depth, type) => ({
  // oxlint-disable-next-line unicorn/no-thenable -- Cedar's own key
  "if-then-else": { if: expression(maker, "bool", depth), then: expression(maker, type, depth), else: expression(maker, type, depth) },
});

/** `{ k: ..., other: ... }.k` */
const member: Form = (maker, depth, type) => {
  const { random } = maker;
  const [name, other] = random.pick([
    ["k", "other"],
    ["__proto__", "constructor"],
    ["a b", "k"],
  ] as const);
  const fields: (readonly [string, Dict])[] = [[name, expression(maker, type, depth)]];
  if (random.chance(0.5)) fields.push([other, expression(maker, random.pick(TYPES), 0)]);
  return { ".": { left: { Record: Object.fromEntries(fields) }, attr: random.chance(0.97) ? name : other } };
};

const composed: Form = (maker, depth, type) => {
  if (!type.startsWith("set ")) return literal(maker, type);
  const element = type.slice("set ".length);
  return { Set: Array.from({ length: maker.random.below(4) }, () => expression(maker, element, depth - 1)) };
};

const leafForm: Form = (maker, _depth, type) => leaf(maker, type);
const ANY_TYPE: readonly Form[] = [choice, member, leafForm];
const COMPOSED: readonly Form[] = [composed, leafForm];

const FORMS: ReadonlyMap<Type, readonly Form[]> = new Map<Type, readonly Form[]>([
  [
    "bool",
    weighted<Form>([
      ...[binary("&&", "bool"), binary("||", "bool"), equality, comparison, membership, inSet].map((form) => [3, form] as const),
      ...[unary("!", "bool"), isType, has, guarded, like].map((form) => [2, form] as const),
      ...[tag("hasTag"), unary("isEmpty", "set long"), unary("isEmpty", "set string")].map((form) => [1, form] as const),
      ...["lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual"].map(
        (name) => [1, method(name, "decimal", "decimal")] as const,
      ),
      ...["isIpv4", "isIpv6", "isLoopback", "isMulticast"].map((name) => [1, method(name, "ip")] as const),
      [2, method("isInRange", "ip", "ip")],
      [2, leafForm],
    ]),
  ],
  [
    "long",
    [
      ...["+", "-", "*", "+", "-", "*"].map((operator) => binary(operator, "long")),
      unary("neg", "long"),
      leafForm,
      leafForm,
      ...["toMilliseconds", "toSeconds", "toMinutes", "toHours", "toDays"].map((name) => method(name, "duration")),
    ],
  ],
  ["string", [leafForm, leafForm, tag("getTag")]],
  ["datetime", [leafForm, leafForm, method("offset", "datetime", "duration"), method("toDate", "datetime")]],
  ["duration", [leafForm, leafForm, method("durationSince", "datetime", "datetime"), method("toTime", "datetime")]],
  ["decimal", [leafForm]],
  ["ip", [leafForm]],
  ["entity", [leafForm]],
]);

/** Every operator and extension function that policies can hold; a run proves that it met them all. */
export const OPERATORS: readonly string[] = (
  "Value Var Set Record ! && || if-then-else == != < <= > >= neg + - * contains containsAll containsAny isEmpty " +
  "in is like . has hasTag getTag decimal lessThan lessThanOrEqual greaterThan greaterThanOrEqual " +
  "ip isIpv4 isIpv6 isLoopback isMulticast isInRange datetime offset durationSince toDate toTime " +
  "duration toMilliseconds toSeconds toMinutes toHours toDays"
).split(" ");
