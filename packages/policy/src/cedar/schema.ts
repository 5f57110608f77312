import type { Schema, SchemaJson } from "@cedar-policy/cedar-wasm/nodejs";
import { BadData } from "./bad-data.ts";
import { withCedar } from "./cedar-instance.ts";
import { Entities, hasCycle } from "./entities.ts";
import type { EntityParts } from "./entities.ts";
import { UidMap } from "./uid-map.ts";
import { EMPTY_RECORD, Uid } from "./value.ts";

/** What the schema says a JSON value is to be read as. `unknown` is read by its own form. */
export type DataType =
  | { readonly kind: "entity" | "unknown" }
  | { readonly kind: "extension"; readonly constructor: string }
  | { readonly kind: "set"; readonly element: DataType }
  | { readonly kind: "record"; readonly fields: ReadonlyMap<string, DataType> };

export const UNKNOWN: DataType = { kind: "unknown" };

/** The part of a Cedar schema that reading data needs. Validating policies is the official validator's work. */
export interface SchemaTypes {
  /** Attributes of each entity type. */
  readonly entities: ReadonlyMap<string, DataType>;
  readonly tags: ReadonlyMap<string, DataType>;
  /** Type of `context`, by action. */
  readonly contexts: Pick<UidMap<DataType>, "get">;
  /** Every action of the schema with its groups. */
  readonly actions: readonly EntityParts[];
}

/**
 * Reads a schema in Cedar's text or JSON form.
 * @throws BadData when it cannot be read or its action groups form a cycle.
 */
export function readSchema(schema: Schema): SchemaTypes {
  const json = resolve(schema);
  const namespaces = Object.entries(json);
  const commons = new Map(
    namespaces.flatMap(([space, one]) =>
      Object.entries(one.commonTypes ?? {}).map(([name, type]) => [qualified(space, name), type] as const),
    ),
  );
  const read = (type: unknown): DataType => readType(type, commons, 0);
  const entityTypes = namespaces.flatMap(([space, one]) =>
    Object.entries(one.entityTypes).map(([name, type]) => [qualified(space, name), type] as const),
  );
  const actions = namespaces.flatMap(([space, one]) =>
    Object.entries(one.actions).map(([id, action]) => ({ uid: new Uid(qualified(space, "Action"), id), action })),
  );
  const contexts = new UidMap<DataType>();
  for (const { uid, action } of actions) contexts.set(uid, read(action.appliesTo?.context));
  const types: SchemaTypes = {
    entities: new Map(entityTypes.map(([name, type]) => [name, read(memberOf(type, "shape"))])),
    tags: new Map(entityTypes.map(([name, type]) => [name, read(memberOf(type, "tags"))])),
    contexts,
    actions: actions.map(({ uid, action }) => ({
      uid,
      attributes: EMPTY_RECORD.fields,
      tags: EMPTY_RECORD.fields,
      parents: (action.memberOf ?? []).map((group) => new Uid(group.type ?? uid.type, group.id)),
    })),
  };
  if (hasCycle(new Entities(types.actions), types.actions)) throw new BadData("the action groups of the schema form a cycle");
  return types;
}

function resolve(schema: Schema): SchemaJson<string> {
  const answer = withCedar((cedar) => {
    const text = typeof schema === "string" ? ({ type: "success", text: schema } as const) : cedar.schemaToText(schema);
    return text.type === "failure" ? text : cedar.schemaToJsonWithResolvedTypes(text.text);
  });
  if (answer.type === "success") return answer.json;
  throw new BadData(`the schema cannot be read: ${answer.errors.map((error) => error.message).join("; ")}`);
}

function qualified(namespace: string, name: string): string {
  return namespace === "" ? name : `${namespace}::${name}`;
}

const EXTENSION_CONSTRUCTORS: ReadonlyMap<string, string> = new Map([
  ["ipaddr", "ip"],
  ["decimal", "decimal"],
  ["datetime", "datetime"],
  ["duration", "duration"],
]);

/** Names within names beyond this are a cycle, which Cedar's own reader refuses before. */
const MAX_DEPTH = 100;

function readType(type: unknown, commons: ReadonlyMap<string, unknown>, depth: number): DataType {
  const name = memberOf(type, "type");
  if (typeof name !== "string" || depth > MAX_DEPTH) return UNKNOWN;
  const common = commons.get(name);
  if (common !== undefined) return readType(common, commons, depth + 1);
  const within = (inner: unknown): DataType => readType(inner, commons, depth + 1);
  switch (name) {
    case "Entity":
      return { kind: "entity" };
    case "Extension":
      return extensionType(memberOf(type, "name"));
    case "Set":
      return { kind: "set", element: within(memberOf(type, "element")) };
    case "Record": {
      const attributes = memberOf(type, "attributes");
      const fields = typeof attributes === "object" && attributes !== null ? Object.entries(attributes) : [];
      return { kind: "record", fields: new Map(fields.map(([key, field]) => [key, within(field)])) };
    }
    default:
      return extensionType(name);
  }
}

function extensionType(name: unknown): DataType {
  const constructor = typeof name === "string" ? EXTENSION_CONSTRUCTORS.get(name.replace(/^__cedar::/, "")) : undefined;
  return constructor === undefined ? UNKNOWN : { kind: "extension", constructor };
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
}
