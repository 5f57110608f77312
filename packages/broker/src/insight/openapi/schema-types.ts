import type { FieldType, Json, JsonObject } from "@bailiwick/policy";
import { isObject, listOf, objectOf, type OpenApiDocument } from "./document.ts";

/** Schemas nest no deeper than a person would read; anything deeper is `any`. */
const MAX_DEPTH = 6;
/** The same of fields below one schema: schemas that hold each other many times grow with every step. */
const MAX_FIELDS_BELOW = 1_000;
const KEY = /^[A-Za-z_$][\w$-]*$/u;
/** Names that the policy language gives a meaning of its own. */
const TAKEN = new Set(["__proto__", "__entity", "__extn", "__expr"]);

export type Fields = Readonly<Record<string, FieldType>>;
export type Direction = "request" | "response";

/** How far below the schema that was asked for, and how many fields it may still have there. */
interface Reach {
  readonly depth: number;
  readonly left: { fields: number };
}

const start = (): Reach => ({ depth: 0, left: { fields: MAX_FIELDS_BELOW } });
const below = ({ depth, left }: Reach): Reach => ({ depth: depth + 1, left });

/** The catalog's type of a schema. What the catalog cannot say (unions, maps, deep nesting) is `any`, which no rule can speak of. */
export function typeOf(document: OpenApiDocument, value: Json | undefined, direction: Direction, reach = start()): FieldType {
  const schema = document.resolve(value);
  if (schema === undefined || reach.depth > MAX_DEPTH) return "any";
  switch (typeName(schema) ?? "") {
    case "string":
      return stringType(schema["format"]);
    case "integer":
      return "integer";
    case "number":
      return "decimal";
    case "boolean":
      return "boolean";
    case "array": {
      const item = typeOf(document, schema["items"], direction, below(reach));
      return item === "any" ? "any" : [item];
    }
    case "object": {
      const fields = fieldsOf(document, schema, direction, reach);
      return fields === undefined || Object.keys(fields).length === 0 ? "any" : fields;
    }
    default:
      return "any";
  }
}

/** Fields of an object's schema, those of its `allOf` included; undefined when it is no plain object. */
export function fieldsOf(document: OpenApiDocument, value: Json | undefined, direction: Direction, reach = start()): Fields | undefined {
  const properties = propertiesOf(document, value);
  if (properties === undefined) return undefined;
  if (reach.depth > 0) {
    reach.left.fields -= Object.keys(properties.schemas).length;
    if (reach.left.fields < 0) return undefined;
  }
  const skipped = direction === "request" ? "readOnly" : "writeOnly";
  const entries = Object.entries(properties.schemas).flatMap(([name, each]): [string, FieldType][] => {
    const schema = document.resolve(each);
    if (schema?.[skipped] === true || !KEY.test(name) || TAKEN.has(name)) return [];
    const required = properties.required.has(name) && !isNullable(schema);
    return [[required ? name : `${name}?`, typeOf(document, each, direction, below(reach))]];
  });
  return Object.fromEntries(entries);
}

export interface Properties {
  readonly schemas: JsonObject;
  readonly required: ReadonlySet<string>;
}

/** Undefined when the schema is no object, or one of several. */
export function propertiesOf(document: OpenApiDocument, value: Json | undefined, reach = start()): Properties | undefined {
  const schema = document.resolve(value);
  if (schema === undefined || reach.depth > MAX_DEPTH || schema["oneOf"] !== undefined || schema["anyOf"] !== undefined) return undefined;
  const merged = listOf(schema["allOf"]);
  reach.left.fields -= merged.length;
  if (reach.left.fields < 0) return undefined;
  const parts = merged.map((each) => propertiesOf(document, each, below(reach)));
  if (typeName(schema) !== "object" && parts.length === 0) return undefined;
  const own = { schemas: objectOf(schema["properties"]), required: new Set(listOf(schema["required"]).map(String)) };
  const all = [...parts, own];
  if (all.includes(undefined)) return undefined;
  const known = all.filter((each) => each !== undefined);
  return {
    schemas: Object.assign({}, ...known.map(({ schemas }) => schemas)) as JsonObject,
    required: new Set(known.flatMap(({ required }) => [...required])),
  };
}

/** The one type of a schema besides null; undefined when it has several or says none. */
export function typeName(schema: JsonObject): string | undefined {
  const { type } = schema;
  const types = (Array.isArray(type) ? type : [type]).filter((each) => typeof each === "string" && each !== "null");
  if (types.length === 1) return String(types[0]);
  return types.length === 0 && (isObject(schema["properties"]) || schema["allOf"] !== undefined) ? "object" : undefined;
}

function isNullable(schema: JsonObject | undefined): boolean {
  return schema?.["nullable"] === true || listOf(schema?.["type"]).includes("null");
}

function stringType(format: Json | undefined): FieldType {
  if (format === "email" || format === "idn-email") return "email";
  return format === "date-time" ? "datetime" : "string";
}
