import type { Context, EntityJson, EntityUidJson } from "@cedar-policy/cedar-wasm/nodejs";
import { BadData } from "./bad-data.ts";
import type { Attributes, EntityParts } from "./entities.ts";
import { Entities, Entity, hasCycle } from "./entities.ts";
import type { Request } from "./environment.ts";
import { EvaluationError } from "./evaluation-error.ts";
import { extensionNamed } from "./extensions.ts";
import { longOf } from "./long.ts";
import { UNKNOWN } from "./schema.ts";
import type { DataType, SchemaTypes } from "./schema.ts";
import { CedarRecord, CedarSet, EMPTY_RECORD, sameUid, Uid } from "./value.ts";
import type { Value } from "./value.ts";

/**
 * Loads entities from Cedar's JSON form. With a schema, values are read by their declared type and the schema's actions are added.
 * Integers beyond 2^53 may be bigints.
 * @throws BadData when a value has no Cedar form, an entity is given twice, or parents form a cycle.
 */
export function readEntities(json: readonly EntityJson[], schema?: SchemaTypes): Entities {
  const parts = eachOf(json, (entity) => partsOf(entity, schema));
  const all = schema === undefined ? parts : [...parts, ...undeclaredActions(schema, parts)];
  const entities = new Entities(all);
  if (entities.hasRepeats) throw new BadData(`the entity ${repeated(all)} is given twice`);
  if (hasCycle(entities, all)) throw new BadData("the parents of the entities form a cycle");
  return entities;
}

function undeclaredActions({ actions }: SchemaTypes, parts: readonly EntityParts[]): readonly EntityParts[] {
  return actions.filter((action) => !parts.some((part) => sameUid(part.uid, action.uid)));
}

function repeated(parts: readonly EntityParts[]): string {
  const found = parts.find((part, index) => parts.findIndex((other) => sameUid(other.uid, part.uid)) < index);
  return found === undefined ? "" : `\`${found.uid.type}::${JSON.stringify(found.uid.id)}\``;
}

/**
 * Loads one entity that comes with a call, such as the record it is about; its parents' parents are looked up in `among`.
 * @throws BadData as `readEntities`.
 */
export function readEntity(json: EntityJson, among: Entities, schema?: SchemaTypes): Entity {
  return new Entity(partsOf(json, schema), among);
}

function partsOf(entity: EntityJson, schema: SchemaTypes | undefined): EntityParts {
  if (!isPlainObject(entity) || !Array.isArray(entity.parents)) throw new BadData("an entity has `uid`, `attrs` and `parents`");
  const uid = readUid(entity.uid);
  return {
    uid,
    attributes: readFields(entity.attrs, schema?.entities.get(uid.type) ?? UNKNOWN, 0),
    tags: entity.tags === undefined ? EMPTY_RECORD.fields : readTags(entity.tags, schema?.tags.get(uid.type) ?? UNKNOWN),
    parents: eachOf(entity.parents, readUid),
  };
}

/** As `map`, which would skip the holes of a sparse list. */
function eachOf<T, U>(list: readonly T[], read: (item: T) => U): readonly U[] {
  const result: U[] = [];
  // unsafe: a hole reads as undefined, which every reader refuses
  for (let index = 0; index < list.length; index += 1) result.push(read(list[index] as T));
  return result;
}

function readTags(tags: unknown, element: DataType): Attributes {
  if (!isPlainObject(tags)) throw new BadData("the tags of an entity are a plain object");
  return new Map(Object.entries(tags).map(([name, value]) => [wellFormed(name), readValue(value, element, 0)]));
}

/** @throws BadData as `readEntities`. */
export function readRequest(
  call: { readonly principal: EntityUidJson; readonly action: EntityUidJson; readonly resource: EntityUidJson; readonly context: Context },
  schema?: SchemaTypes,
): Request {
  const action = readUid(call.action);
  return {
    principal: readUid(call.principal),
    action,
    resource: readUid(call.resource),
    context: readContext(call.context, schema?.contexts.get(action) ?? UNKNOWN),
  };
}

/** The context is a value like any other, and must be a record. */
function readContext(json: unknown, type: DataType): CedarRecord {
  const value = readValue(json, type);
  return value instanceof CedarRecord ? value : refuse("the context is no record");
}

/** `{ type, id }`, or the same inside `__entity`. @throws BadData when it is neither. */
export function readUid(json: unknown): Uid {
  const uid = uidIn(json);
  if (uid === undefined) throw new BadData("an entity is named by `type` and `id`");
  return uid;
}

function uidIn(json: unknown): Uid | undefined {
  if (!isPlainObject(json)) return undefined;
  const wrapped = Object.hasOwn(json, "__entity") ? json["__entity"] : json;
  if (!isPlainObject(wrapped)) return undefined;
  const keys = Object.keys(wrapped);
  if (keys.length !== 2 || !keys.includes("type") || !keys.includes("id")) return undefined;
  const { type, id } = wrapped;
  return typeof type === "string" && typeof id === "string" && isTypeName(type) ? new Uid(type, wellFormed(id)) : undefined;
}

const TYPE_NAME = /^[A-Za-z_]\w*(?:::[A-Za-z_]\w*)*$/;
const RESERVED: ReadonlySet<string> = new Set(["true", "false", "if", "then", "else", "in", "is", "like", "has", "__cedar"]);
const knownTypeNames = new Set<string>();
/** Names whose form was checked before; a program uses few. */
const MAX_KNOWN_TYPE_NAMES = 1_000;

function isTypeName(text: string): boolean {
  if (knownTypeNames.has(text)) return true;
  if (!TYPE_NAME.test(text) || text.split("::").some((part) => RESERVED.has(part))) return false;
  if (knownTypeNames.size < MAX_KNOWN_TYPE_NAMES) knownTypeNames.add(text);
  return true;
}

/** Deeper values are an attack on the stack, not data. */
export const MAX_VALUE_DEPTH = 200;

/** @throws BadData when the JSON value has no Cedar form. */
export function readValue(json: unknown, type: DataType = UNKNOWN, depth = 0): Value {
  switch (typeof json) {
    case "boolean":
      return json;
    case "string":
      return type.kind === "extension" ? construct(type.constructor, [wellFormed(json)]) : wellFormed(json);
    case "number":
      if (Number.isSafeInteger(json)) return json + 0;
      throw new BadData(`${String(json)} is no integer that a JavaScript number holds exactly`);
    case "bigint":
      return longOf(json) ?? refuse("an integer leaves 64 bits");
    case "object":
      if (json === null) throw new BadData("Cedar has no null");
      return readComposed(json, type, depth);
    case "undefined":
    case "function":
    case "symbol":
      throw new BadData(`${typeof json} is no Cedar value`);
  }
}

function readComposed(json: object, type: DataType, depth: number): Value {
  if (depth >= MAX_VALUE_DEPTH) throw new BadData(`values are nested more than ${String(MAX_VALUE_DEPTH)} deep`);
  if (Array.isArray(json)) {
    const element = type.kind === "set" ? type.element : UNKNOWN;
    return new CedarSet(eachOf<unknown, Value>(json, (item) => readValue(item, element, depth + 1)));
  }
  if (!isPlainObject(json)) throw new BadData("only plain objects are Cedar records");
  if (Object.hasOwn(json, "__expr")) throw new BadData("`__expr` is not supported: give the value itself");
  if (Object.hasOwn(json, "__entity")) return only(json, "__entity", () => readUid(json));
  if (Object.hasOwn(json, "__extn")) return only(json, "__extn", () => readExtension(json["__extn"], depth + 1));
  if (type.kind === "entity") return readUid(json);
  if (type.kind === "extension") return readExtension(json, depth + 1);
  const fields = readFields(json, type, depth);
  return fields.size === 0 ? EMPTY_RECORD : new CedarRecord(fields);
}

function only(json: object, key: string, read: () => Value): Value {
  if (Object.keys(json).length !== 1) throw new BadData(`\`${key}\` stands beside other keys`);
  return read();
}

function readFields(json: unknown, type: DataType, depth: number): ReadonlyMap<string, Value> {
  if (!isPlainObject(json)) throw new BadData("attributes are a plain object");
  const fields = new Map<string, Value>();
  // A loop over keys, since this is where loading entities spends its time.
  for (const name of Object.keys(json)) {
    const fieldType = type.kind === "record" ? (type.fields.get(name) ?? UNKNOWN) : UNKNOWN;
    fields.set(wellFormed(name), readValue(json[name], fieldType, depth + 1));
  }
  return fields;
}

/** `{ fn, arg }` or `{ fn, args }`. */
function readExtension(json: unknown, depth: number): Value {
  if (!isPlainObject(json)) throw new BadData("an extension value is `{ fn, arg }`");
  const fn = ownMember(json, "fn");
  const args = ownMember(json, "args") ?? [ownMember(json, "arg")];
  if (typeof fn !== "string" || !Array.isArray(args)) throw new BadData("an extension value is `{ fn, arg }`");
  return construct(
    fn,
    args.map((arg: unknown) => readValue(arg, UNKNOWN, depth)),
  );
}

function construct(fn: string, args: readonly Value[]): Value {
  const call = extensionNamed(fn);
  const [first, second = first] = args;
  if (call?.arity !== args.length || first === undefined || second === undefined)
    throw new BadData(`\`${fn}\` with ${String(args.length)} arguments makes no value`);
  try {
    return call.apply(first, second);
  } catch (error) {
    if (error instanceof EvaluationError) throw new BadData(error.message);
    throw error;
  }
}

function wellFormed(text: string): string {
  return text.isWellFormed() ? text : refuse("a text is not well-formed Unicode");
}

function refuse(why: string): never {
  throw new BadData(why);
}

function ownMember(json: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(json, name) ? json[name] : undefined;
}

/** An object literal or what JSON gives, of whatever realm: its prototype is null or the root. Not a Date, a Map or an instance of a class. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}
