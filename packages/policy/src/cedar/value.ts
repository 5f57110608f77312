import type { Decimal } from "./decimal.ts";
import type { Ip } from "./ip.ts";
import type { Long } from "./long.ts";
import type { Datetime, Duration } from "./time.ts";

/** What a Cedar expression can come to. */
export type Value = boolean | Long | string | Uid | CedarSet | CedarRecord | Extension;
export type Extension = Decimal | Ip | Datetime | Duration;

/** Name of an entity. */
export class Uid {
  readonly kind = "entity";
  readonly type: string;
  readonly id: string;

  constructor(type: string, id: string) {
    this.type = type;
    this.id = id;
  }
}

export function sameUid(a: Uid, b: Uid): boolean {
  return a === b || (a.id === b.id && a.type === b.type);
}

/** A set. The items may repeat: no operation can tell. */
export class CedarSet {
  readonly kind = "set";
  readonly items: readonly Value[];
  #index: ReadonlySet<boolean | Long | string> | undefined;
  #isFlat: boolean | undefined;
  #text: string | undefined;

  constructor(items: readonly Value[]) {
    this.items = items;
  }

  has(value: Value): boolean {
    if (this.items.length <= SCANNED_ITEMS) return this.items.some((item) => equal(item, value));
    this.#index ??= new Set(this.items.map((item) => hashable(item)));
    return this.#index.has(hashable(value));
  }

  /** Whether no item is composed of others. */
  get isFlat(): boolean {
    this.#isFlat ??= this.items.every((item) => typeof item !== "object");
    return this.#isFlat;
  }

  /** The same exactly for equal sets. */
  get text(): string {
    this.#text ??= `{${[...new Set(this.items.map((item) => itemText(item)))].toSorted().join("")}}`;
    return this.#text;
  }
}

/** Sets up to this size are searched from end to end; larger ones get an index, so that no input makes equality quadratic. */
const SCANNED_ITEMS = 8;

/** A record, or the attributes or tags of an entity. A Map, since names such as `__proto__` are names like any other. */
export class CedarRecord {
  readonly kind = "record";
  readonly fields: ReadonlyMap<string, Value>;

  constructor(fields: ReadonlyMap<string, Value>) {
    this.fields = fields;
  }
}

export const EMPTY_RECORD: CedarRecord = new CedarRecord(new Map());

/** Cedar's `==`: values of different types are different, never an error. */
export function equal(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object") return false;
  switch (a.kind) {
    case "entity":
      return b.kind === "entity" && sameUid(a, b);
    case "set":
      return b.kind === "set" && equalSets(a, b);
    case "record":
      return b.kind === "record" && equalRecords(a.fields, b.fields);
    case "decimal":
      return b.kind === "decimal" && a.units === b.units;
    case "datetime":
      return b.kind === "datetime" && a.epochMs === b.epochMs;
    case "duration":
      return b.kind === "duration" && a.ms === b.ms;
    case "ip":
      return b.kind === "ip" && a.version === b.version && a.address === b.address && a.prefix === b.prefix;
  }
}

/** Sets of sets are compared by their texts: asking each side for the other's items would double the work with each level of nesting. */
function equalSets(a: CedarSet, b: CedarSet): boolean {
  if (!a.isFlat || !b.isFlat) return a.text === b.text;
  return a.items.every((item) => b.has(item)) && b.items.every((item) => a.has(item));
}

function equalRecords(a: ReadonlyMap<string, Value>, b: ReadonlyMap<string, Value>): boolean {
  if (a.size !== b.size) return false;
  for (const [name, value] of a) {
    const other = b.get(name);
    if (other === undefined || !equal(value, other)) return false;
  }
  return true;
}

/** The value itself, or for composed ones a text that is the same exactly for equal values. A plain string is marked, so that it never passes for such a text. */
function hashable(value: Value): boolean | Long | string {
  if (typeof value === "string") return `"${value}`;
  return typeof value === "object" ? textOf(value) : value;
}

function textOf(value: Exclude<Value, boolean | Long | string>): string {
  switch (value.kind) {
    case "entity":
      return `e${sized(value.type)}${value.id}`;
    case "set":
      return value.text;
    case "record":
      return `(${[...value.fields]
        .map(([name, item]) => `${sized(name)}${itemText(item)}`)
        .toSorted()
        .join("")})`;
    case "decimal":
      return `d${String(value.units)}`;
    case "datetime":
      return `t${String(value.epochMs)}`;
    case "duration":
      return `s${String(value.ms)}`;
    case "ip":
      return `i${String(value.version)}/${String(value.address)}/${String(value.prefix)}`;
  }
}

/** Every part carries its length, so that no two lists of parts read the same. */
function itemText(value: Value): string {
  return sized(typeof value === "object" ? textOf(value) : `${typeof value === "string" ? '"' : (typeof value).charAt(0)}${String(value)}`);
}

function sized(text: string): string {
  return `${String(text.length)}:${text}`;
}
