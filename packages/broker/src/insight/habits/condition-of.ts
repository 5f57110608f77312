import type { CatalogAction, FieldType, Json, JsonObject } from "@bailiwick/policy";
import { decimalLiteral, isIdentifier, stringLiteral } from "./cedar-text.ts";

/** A question of the past, as far as a condition can speak of it. */
export interface Sample {
  readonly agent: string;
  readonly args: JsonObject;
}

/** A condition that holds for all of some questions. */
export interface DerivedCondition {
  readonly text: string;
  /** Arguments it leaves open: their values differ from question to question, or cannot be told in a condition. */
  readonly open: readonly string[];
}

/** Different texts that are still a list somebody can check. */
const MAX_VALUES = 5;
/** How often each text came on average, at least; texts that hardly repeat are ids and sentences. */
const OFTEN = 4;
const MAX_TEXT_CHARS = 64;

/**
 * The narrowest simple condition over the arguments that holds for every sample: agents and repeated texts by name, numbers by the least and the
 * most seen, mail addresses by domain. Undefined when it would leave open where something goes or what it costs, or say nothing of the
 * arguments. `hidden` are arguments that not everybody may see: no value of theirs is told. Pure.
 */
export function conditionOf(action: CatalogAction, samples: readonly Sample[], hidden: ReadonlySet<string>): DerivedCondition | undefined {
  const agents = distinct(samples.map(({ agent }) => agent));
  if (agents.length === 0 || agents.length > MAX_VALUES) return undefined;
  const found = ofRecord(
    "context.args",
    Object.fromEntries(Object.entries(action.args).filter(([key]) => !Object.hasOwn(action.force, key.replace(/\?$/u, "")))),
    samples.map(({ args }) => args),
    hidden,
  );
  const critical = [...action.destination, ...(action.cost === undefined ? [] : [action.cost])].map((path) => path.replace(/^args\./u, ""));
  const told = (path: string): boolean => found.told.some((each) => path === each || path.startsWith(`${each}.`));
  if (!critical.every(told) || (found.told.length === 0 && Object.keys(action.args).length > 0)) return undefined;
  return { text: [oneOf("principal.name", agents), ...found.clauses].join(" && "), open: found.open };
}

interface Found {
  readonly clauses: readonly string[];
  /** Paths below the arguments. */
  readonly told: readonly string[];
  readonly open: readonly string[];
}

function ofRecord(
  place: string,
  types: Readonly<Record<string, FieldType>>,
  records: readonly JsonObject[],
  hidden: ReadonlySet<string>,
  below = "",
): Found {
  const each = Object.entries(types).map(([key, type]): Found => {
    const name = key.replace(/\?$/u, "");
    const path = `${below}${name}`;
    const open: Found = { clauses: [], told: [], open: [path] };
    if (!isIdentifier(name) || hidden.has(path)) return open;
    const values = records.map((record) => (Object.hasOwn(record, name) ? (record[name] ?? null) : null));
    const given = values.filter((value) => value !== null);
    const inner = given.length === 0 ? undefined : ofValue(`${place}.${name}`, type, given, hidden, path);
    if (!key.endsWith("?")) return inner ?? open;
    const has = `${place} has ${name}`;
    if (inner === undefined) return given.length === 0 ? { clauses: [`!(${has})`], told: [path], open: [] } : open;
    const clause = inner.clauses.join(" && ");
    return { ...inner, clauses: [given.length === values.length ? `${has} && ${clause}` : `(if ${has} then ${clause} else true)`] };
  });
  return {
    clauses: each.flatMap(({ clauses }) => clauses),
    told: each.flatMap(({ told }) => told),
    open: each.flatMap(({ open }) => open),
  };
}

/** Undefined when nothing can be said of it. */
function ofValue(place: string, type: FieldType, values: readonly Json[], hidden: ReadonlySet<string>, path: string): Found | undefined {
  if (typeof type !== "string") {
    if (Array.isArray(type) || !values.every(isRecord)) return undefined;
    const inner = ofRecord(place, type as Readonly<Record<string, FieldType>>, values, hidden, `${path}.`); // a type that is no text and no list
    return inner.clauses.length === 0 ? undefined : inner;
  }
  const clause = clauseOf(place, type, values);
  return clause === undefined ? undefined : { clauses: [clause], told: [path], open: [] };
}

function clauseOf(place: string, type: Extract<FieldType, string>, values: readonly Json[]): string | undefined {
  switch (type) {
    case "string":
      return values.every(isText) ? repeated(place, values) : undefined;
    case "email":
      return values.every(isText) ? repeated(`${place}.domain`, values.map(domainOf)) : undefined;
    case "integer":
      return values.every(isNumber) ? integers(place, least(values), most(values)) : undefined;
    case "decimal":
      return values.every(isNumber) ? decimals(place, values) : undefined;
    case "boolean":
      return distinct(values.map(String)).length === 1 ? `${place} == ${String(values[0])}` : undefined;
    case "datetime":
    case "any":
      return undefined;
  }
}

function integers(place: string, low: number, high: number): string {
  return low === high ? `${place} == ${low}` : `${place} >= ${low} && ${place} <= ${high}`;
}

function decimals(place: string, values: readonly number[]): string | undefined {
  const [low, high] = [decimalLiteral(least(values)), decimalLiteral(most(values))];
  return low === undefined || high === undefined ? undefined : `${place}.greaterThanOrEqual(${low}) && ${place}.lessThanOrEqual(${high})`;
}

function repeated(place: string, texts: readonly string[]): string | undefined {
  const found = distinct(texts);
  const list = found.length <= MAX_VALUES && texts.length >= found.length * OFTEN && found.every((text) => text.length <= MAX_TEXT_CHARS);
  return list ? oneOf(place, found) : undefined;
}

function oneOf(place: string, texts: readonly string[]): string {
  const [only] = texts;
  return texts.length === 1 && only !== undefined
    ? `${place} == ${stringLiteral(only)}`
    : `[${texts.map(stringLiteral).join(", ")}].contains(${place})`;
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].toSorted();
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf("@") + 1).toLowerCase();
}

function least(values: readonly number[]): number {
  return values.reduce((low, value) => Math.min(low, value));
}

function most(values: readonly number[]): number {
  return values.reduce((high, value) => Math.max(high, value));
}

function isText(value: Json): value is string {
  return typeof value === "string";
}

function isNumber(value: Json): value is number {
  return typeof value === "number";
}

function isRecord(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
