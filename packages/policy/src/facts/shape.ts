import type { Attributes } from "../cedar/entities.ts";
import { EvaluationError } from "../cedar/evaluation-error.ts";
import { CedarRecord, CedarSet } from "../cedar/value.ts";
import type { Value } from "../cedar/value.ts";
import { isList, isObject } from "../json.ts";
import type { Json, JsonObject } from "../json.ts";
import type { FieldType } from "../types.ts";
import { readEmail } from "./email.ts";
import { exactDecimal } from "./exact-decimal.ts";
import { declaredKey, isListType, isRecordType } from "./field-path.ts";
import { readMoment } from "./moment.ts";

/** Outside data that does not fit its declared type. Its message does not repeat the value. */
export class Unreadable extends Error {
  override readonly name = "Unreadable";
  readonly path: string;
  readonly why: string;

  constructor(path: string, why: string) {
    super(`\`${path}\` ${why}`);
    this.path = path;
    this.why = why;
  }
}

/**
 * Reads outside data as a Cedar value of its declared type; undefined where policy does not look (`any`).
 * Values are made from the type, never copied, so outside data cannot become an entity, an extension value or an expression.
 * @throws Unreadable
 */
type Read = (value: Json) => Value | undefined;

interface Field {
  readonly optional: boolean;
  readonly read: Read;
}

/** A declared record type, ready to read. */
export type Shape = ReadonlyMap<string, Field>;

export function shapeOf(fields: Readonly<Record<string, FieldType>>): Shape {
  return new Map(
    Object.entries(fields).map(([key, type]) => {
      const { name, optional } = declaredKey(key);
      return [name, { optional: optional || type === "any", read: reader(type) }];
    }),
  );
}

function reader(type: FieldType): Read {
  if (isListType(type)) return listReader(reader(type[0]), isInvisible(type[0]));
  if (isRecordType(type)) {
    const shape = shapeOf(type);
    return (value) => (isObject(value) ? readRecord(value, shape, "refuse") : unreadable("must be an object"));
  }
  switch (type) {
    case "any":
      return () => undefined;
    case "string":
      return (value) => (typeof value === "string" && value.isWellFormed() ? value : unreadable("must be a text"));
    case "boolean":
      return (value) => (typeof value === "boolean" ? value : unreadable("must be true or false"));
    case "integer":
      return (value) =>
        typeof value === "number" && Number.isSafeInteger(value) ? value + 0 : unreadable("must be a whole number within 2^53");
    case "decimal":
      return (value) =>
        (typeof value === "number" ? exactDecimal(value) : undefined) ??
        unreadable("must be a number with at most four digits after the point");
    case "datetime":
      return (value) =>
        (typeof value === "string" ? readMoment(value) : undefined) ?? unreadable("must be a time such as `2026-11-23T10:00:00Z`");
    case "email":
      return (value) => (typeof value === "string" ? readEmail(value) : undefined) ?? unreadable("must be one plain e-mail address");
  }
}

/** Policy does not look at `any`, nor at lists of it. */
function isInvisible(type: FieldType): boolean {
  return type === "any" || (isListType(type) && isInvisible(type[0]));
}

function listReader(read: Read, anything: boolean): Read {
  return (value) => {
    if (!isList(value)) return unreadable("must be a list");
    if (anything) return undefined;
    const items: Value[] = [];
    // Not `map`, which would skip the holes of a sparse list.
    for (let index = 0; index < value.length; index += 1) {
      const item: Json | undefined = value[index];
      items.push(at(String(index), () => (item === undefined || item === null ? undefined : read(item)) ?? unreadable("must not be null")));
    }
    return new CedarSet(items);
  };
}

/**
 * Reads a whole object. `null` counts as absent. Undeclared keys are refused or dropped.
 * @throws Unreadable
 */
export function readRecord(value: JsonObject, shape: Shape, undeclared: "refuse" | "drop"): CedarRecord {
  if (undeclared === "refuse") {
    for (const key of Object.keys(value)) if (!shape.has(key)) throw new Unreadable(key, "is not declared in the catalog");
  }
  const fields = new Map<string, Value>();
  for (const [name, field] of shape) {
    const read = readField(value, name, field);
    if (read !== undefined) fields.set(name, read);
  }
  return new CedarRecord(fields);
}

/** Own keys only: what an object inherits nobody sent. */
function readField(value: JsonObject, name: string, { optional, read }: Field): Value | undefined {
  const item = Object.hasOwn(value, name) ? value[name] : undefined;
  if (item !== undefined && item !== null) return at(name, () => read(item));
  return optional ? undefined : unreadableAt(name, "is required");
}

function at<T>(step: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Unreadable) throw new Unreadable(error.path === "" ? step : `${step}.${error.path}`, error.why);
    throw error;
  }
}

/** A failure of `read` with the whole path. */
export function under<T>(path: string, read: () => T): T {
  return at(path, read);
}

function unreadable(why: string): never {
  throw new Unreadable("", why);
}

function unreadableAt(path: string, why: string): never {
  throw new Unreadable(path, why);
}

/**
 * A record of a tool as the attributes of an entity, each read when a condition first looks at it: a row has many fields and
 * a condition reads few. One that does not fit its type makes the reading condition fail, and no other.
 */
export class RecordAttributes implements Attributes {
  readonly #record: JsonObject;
  readonly #shape: Shape;
  readonly #read = new Map<string, Value | undefined>();

  constructor(record: JsonObject, shape: Shape) {
    this.#record = record;
    this.#shape = shape;
  }

  /** @throws EvaluationError when the attribute does not fit its type, or is required and absent. */
  get(name: string): Value | undefined {
    const known = this.#read.get(name);
    if (known !== undefined || this.#read.has(name)) return known;
    const value = this.#convert(name);
    this.#read.set(name, value);
    return value;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  #convert(name: string): Value | undefined {
    const field = this.#shape.get(name);
    if (field === undefined) return undefined;
    try {
      return readField(this.#record, name, field);
    } catch (error) {
      if (error instanceof Unreadable) throw new EvaluationError(`\`resource.${error.path}\` ${error.why}`);
      throw error;
    }
  }
}
