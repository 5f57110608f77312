import type { Ways } from "./generate-values.ts";
import type { Dict } from "./question.ts";
import { ACTIONS, fieldsOf, THINGS } from "./vocabulary.ts";
import type { Fields, Type } from "./vocabulary.ts";

/** Cedar's JSON schema to which the entities and contexts of a strict world conform. */
export function schemaOf(ways: Ways): Dict {
  return Object.fromEntries(
    ["", "App"].map((namespace) => [namespace, { entityTypes: entityTypes(namespace, ways), actions: actions(namespace, ways) }]),
  );
}

const NAMES = [...new Set(THINGS.map((place) => place.uid.type))];

function entityTypes(namespace: string, ways: Ways): Dict {
  const own = NAMES.filter((name) => namespaceOf(name) === namespace);
  const type = { memberOfTypes: NAMES, shape: recordType(ways.entityFields), tags: { type: "String" } };
  return Object.fromEntries(own.map((name) => [name.slice(name.lastIndexOf(":") + 1), type]));
}

function actions(namespace: string, ways: Ways): Dict {
  const own = ACTIONS.filter((action) => namespaceOf(action.uid.type) === namespace);
  const appliesTo = { principalTypes: NAMES, resourceTypes: NAMES, context: recordType(ways.contextFields) };
  const higher = (level: number): readonly { readonly id: string }[] =>
    own.filter((other) => other.level > level).map((other) => ({ id: other.uid.id }));
  return Object.fromEntries(own.map(({ uid, level }) => [uid.id, { memberOf: [...higher(level)], appliesTo }]));
}

function namespaceOf(type: string): string {
  return type.includes("::") ? type.slice(0, type.lastIndexOf("::")) : "";
}

function recordType(fields: Fields): Dict {
  const attributes = [...fields].map(([name, type]) => [name, { ...typeOf(type), required: false }] as const);
  return { type: "Record", attributes: Object.fromEntries(attributes) };
}

function typeOf(type: Type): Dict {
  if (type.startsWith("set ")) return { type: "Set", element: typeOf(type.slice("set ".length)) };
  if (type.startsWith("record ")) return recordType(fieldsOf(type));
  if (type.startsWith("entity ")) return { type: "Entity", name: type.slice("entity ".length) };
  if (type.startsWith("text ")) return { type: "String" };
  return SIMPLE.get(type) ?? { type: "Extension", name: type === "ip" ? "ipaddr" : type };
}

const SIMPLE = new Map<Type, Dict>([
  ["bool", { type: "Boolean" }],
  ["long", { type: "Long" }],
  ["string", { type: "String" }],
]);
