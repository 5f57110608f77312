import type { Json, JsonObject } from "@bailiwick/policy";
import { objectOf, type OpenApiDocument } from "./document.ts";
import { jsonSchema } from "./request.ts";
import { type Fields, fieldsOf, propertiesOf, typeName } from "./schema-types.ts";

/** What comes back of an operation: which records, where, and what beside them betrays how many there are. */
export interface ReturnsProposal {
  readonly type: string;
  readonly fields: Fields;
  readonly at: string;
  readonly counts: readonly string[];
  readonly cursor?: { readonly at: string; readonly arg: string } | undefined;
}

const COUNT = /^(?:total|count|size|total_?(?:count|items|results|records)|num_?(?:items|results)|result_?count)$/iu;
const CURSOR = /^(?:(?:next|end)_?(?:cursor|page_?token|token|page)?|cursor|continuation_?token)$/iu;
const CURSOR_ARGUMENT = /^(?:cursor|after|starting_after|page_?token|next_?token|continuation_?token|next_?cursor)$/iu;

/** Undefined when no answer is described, or none that holds records. `fallback` names a type that has no name of its own. */
export function proposeReturns(
  document: OpenApiDocument,
  operation: JsonObject,
  args: Fields,
  fallback: string,
): ReturnsProposal | undefined {
  const schema = successSchema(document, operation);
  const found = document.resolve(schema);
  if (schema === undefined || found === undefined) return undefined;
  // The adapter wraps a list, because a structured result is an object.
  if (typeName(found) === "array") return recordsAt(document, found["items"], "result.items", `${fallback}Item`);
  const properties = propertiesOf(document, schema);
  if (properties === undefined) return undefined;
  const lists = Object.entries(properties.schemas).flatMap(([name, each]) => {
    const list = document.resolve(each);
    return list !== undefined && typeName(list) === "array" && propertiesOf(document, list["items"]) !== undefined && PLAIN.test(name)
      ? [{ name, items: list["items"] }]
      : [];
  });
  const [only] = lists;
  const paged = Object.keys(properties.schemas).some(
    (name) => COUNT.test(name) || CURSOR.test(name) || /^(?:meta|pagination|page|paging|links|has_?more)$/iu.test(name),
  );
  if (only === undefined || lists.length > 1 || !(paged || Object.keys(properties.schemas).length <= 2))
    return recordsAt(document, schema, "result", fallback);
  const records = recordsAt(document, only.items, `result.${only.name}`, `${fallback}Item`);
  return records === undefined ? undefined : { ...records, ...beside(document, properties.schemas, args) };
}

const PLAIN = /^[A-Za-z_$][\w$-]*$/u;

function successSchema(document: OpenApiDocument, operation: JsonObject): Json | undefined {
  const responses = objectOf(operation["responses"]);
  const status = ["200", "201", "202", "203", "2XX", "default"].find((each) => responses[each] !== undefined);
  return status === undefined ? undefined : jsonSchema(document.resolve(responses[status])?.["content"]);
}

function recordsAt(document: OpenApiDocument, schema: Json | undefined, at: string, fallback: string): ReturnsProposal | undefined {
  const fields = fieldsOf(document, schema, "response");
  if (fields === undefined || Object.keys(fields).length === 0) return undefined;
  return { type: typeNameOf(schema) ?? typeWord(fallback), fields, at, counts: [] };
}

function typeNameOf(schema: Json | undefined): string | undefined {
  const reference = objectOf(schema)["$ref"];
  const last = typeof reference === "string" ? reference.split("/").at(-1) : undefined;
  return last === undefined ? undefined : typeWord(last);
}

/** Names that are the policy language's own. */
const RESERVED = new Set(["Agent", "Role", "Tool", "Action"]);

function typeWord(text: string): string {
  const word = text
    .split(/[^A-Za-z0-9]+/u)
    .map((part) => part.slice(0, 1).toUpperCase() + part.slice(1))
    .join("")
    .replace(/^[^A-Z]+/u, "")
    .slice(0, 56);
  if (word === "") return "Record";
  return RESERVED.has(word) ? `${word}Record` : word;
}

/** Totals and the way on, at the top or one level below. */
function beside(document: OpenApiDocument, schemas: JsonObject, args: Fields): Pick<ReturnsProposal, "counts" | "cursor"> {
  const all = Object.entries(schemas).flatMap(([name, each]) => {
    const inner = objectOf(propertiesOf(document, each)?.schemas);
    return [[name, each] as const, ...Object.entries(inner).map(([below, one]) => [`${name}.${below}`, one] as const)];
  });
  const named = (pattern: RegExp, type: string): readonly string[] =>
    all
      .filter(
        ([path, each]) =>
          pattern.test(path.split(".").at(-1) ?? "") &&
          path.split(".").every((step) => PLAIN.test(step)) &&
          typeName(document.resolve(each) ?? {}) === type,
      )
      .map(([path]) => `result.${path}`);
  const argument = Object.keys(args)
    .map((key) => key.replace(/\?$/u, ""))
    .find((name) => CURSOR_ARGUMENT.test(name));
  const [next] = named(CURSOR, "string");
  return {
    counts: named(COUNT, "integer"),
    ...(next === undefined || argument === undefined ? {} : { cursor: { at: next, arg: `args.${argument}` } }),
  };
}
