import { type FieldType, type HttpRequest, isArgumentHeader, type Json, type JsonObject } from "@bailiwick/policy";
import { listOf, objectOf, type OpenApiDocument } from "./document.ts";
import { type Fields, fieldsOf, propertiesOf, typeOf } from "./schema-types.ts";

/** An operation as a request of the catalog, or why it cannot be one. */
export type RequestProposal =
  | { readonly ok: true; readonly args: Fields; readonly request: HttpRequest; readonly left: readonly string[] }
  | { readonly ok: false; readonly why: string };

/** Whatever makes the whole operation impossible. */
class Unmappable extends Error {}

const METHODS: ReadonlySet<string> = new Set(["GET", "POST", "PUT", "PATCH", "DELETE"]);
/** OpenAPI itself ignores parameters of these names ("Parameter Object"). */
const IGNORED_HEADERS = /^(?:accept|content-type|authorization)$/iu;

export function proposeRequest(
  document: OpenApiDocument,
  at: { readonly method: string; readonly path: string; readonly shared: Json | undefined; readonly operation: JsonObject },
): RequestProposal {
  const method = at.method.toUpperCase();
  if (!isMethod(method)) return { ok: false, why: `${method} is no method of an http tool` };
  try {
    const draft = new Draft();
    for (const parameter of parametersOf(document, at)) addParameter(document, draft, parameter);
    const path = pathOf(at.path, draft);
    const body = addBody(document, draft, method, at.operation["requestBody"]);
    const { params, query, headers } = draft;
    return {
      ok: true,
      args: draft.args,
      request: { method, path, params, query, headers, ...(body === undefined ? {} : { body }) },
      left: draft.left,
    };
  } catch (failure) {
    if (failure instanceof Unmappable) return { ok: false, why: failure.message };
    throw failure;
  }
}

class Draft {
  readonly args: Record<string, FieldType> = {};
  readonly params: Record<string, string> = {};
  readonly query: Record<string, string> = {};
  readonly headers: Record<string, string> = {};
  /** What an agent cannot say, because the catalog cannot. */
  readonly left: string[] = [];

  /** Declares an argument and answers its path; another name when this one is taken. */
  add(name: string, place: string, type: FieldType, required: boolean): string {
    const plain = name.replaceAll(/[^\w$-]/gu, "_").replace(/^(?![A-Za-z_$])/u, "_");
    const taken = (word: string): boolean =>
      Object.hasOwn(this.args, word) || Object.hasOwn(this.args, `${word}?`) || word.startsWith("__");
    const free = [plain, `${plain}_${place}`, `arg_${place}_${plain}`].find((word) => !taken(word));
    if (free === undefined) throw new Unmappable(`two of its parameters are called \`${name}\``);
    this.args[required ? free : `${free}?`] = type;
    return `args.${free}`;
  }
}

/** The operation's own parameters replace the path's of the same name and place (OpenAPI 3.1, "Path Item Object"). */
function parametersOf(
  document: OpenApiDocument,
  at: { readonly shared: Json | undefined; readonly operation: JsonObject },
): readonly JsonObject[] {
  const byName = new Map<string, JsonObject>();
  for (const each of [...listOf(at.shared), ...listOf(at.operation["parameters"])]) {
    const parameter = document.resolve(each);
    if (parameter === undefined) throw new Unmappable("a parameter is described outside the document");
    byName.set(`${String(parameter["in"])} ${String(parameter["name"])}`, parameter);
  }
  return [...byName.values()];
}

function addParameter(document: OpenApiDocument, draft: Draft, parameter: JsonObject): void {
  const name = String(parameter["name"]);
  const place = String(parameter["in"]);
  const required = parameter["required"] === true || place === "path";
  if (place === "header" && isOwnHeader(document, name)) return;
  const type = typeOf(document, parameter["schema"], "request");
  if (name === "__proto__" || !fits(parameter, place, type)) {
    if (required) throw new Unmappable(`its ${place} parameter \`${name}\` is no plain value`);
    draft.left.push(`the ${place} parameter \`${name}\``);
    return;
  }
  const path = draft.add(name, place, type, required);
  if (place === "path") draft.params[name] = path;
  else if (place === "query") draft.query[name] = path;
  else draft.headers[name] = path;
}

/** Also one that carries a credential: an argument would stand in its place. */
function isOwnHeader(document: OpenApiDocument, name: string): boolean {
  const schemes = Object.values(objectOf(objectOf(document.root["components"])["securitySchemes"]));
  const carries = schemes.some((each) => String(document.resolve(each)?.["name"]).toLowerCase() === name.toLowerCase());
  return carries || IGNORED_HEADERS.test(name);
}

function fits(parameter: JsonObject, place: string, type: FieldType): boolean {
  const list = isList(type) && isSingle(type[0]) && parameter["explode"] !== false;
  switch (place) {
    case "path":
      return isSingle(type);
    case "query":
      return plainQuery(parameter) && (isSingle(type) || list);
    case "header":
      return isSingle(type) && isArgumentHeader(String(parameter["name"]));
    default:
      return false;
  }
}

function plainQuery({ style, allowReserved }: JsonObject): boolean {
  return (style === undefined || style === "form") && allowReserved !== true;
}

function pathOf(path: string, { params }: Draft): string {
  const missing = [...path.matchAll(/\{([^{}]*)\}/gu)].map(([, name]) => name ?? "").find((name) => !Object.hasOwn(params, name));
  if (missing !== undefined) throw new Unmappable(`\`{${missing}}\` of its path is not described`);
  if (!/^\/[^\s?#\\]*$/u.test(path)) throw new Unmappable("its path holds a query, a fragment or spaces");
  return path;
}

function addBody(document: OpenApiDocument, draft: Draft, method: string, value: Json | undefined): HttpRequest["body"] {
  if (value === undefined) return undefined;
  const described = document.resolve(value);
  if (described === undefined) throw new Unmappable("its body is described outside the document");
  const required = described["required"] === true;
  const schema = jsonSchema(described["content"]);
  if (method === "GET" || schema === undefined) {
    if (required) throw new Unmappable(method === "GET" ? "it is a GET with a body" : "its body is no JSON");
    draft.left.push("the body");
    return undefined;
  }
  return memberBody(document, draft, schema, required) ?? draft.add("body", "json", typeOf(document, schema, "request"), required);
}

/** An argument for each member, so that policy can speak of them; undefined when the body is no object of plain names. */
function memberBody(document: OpenApiDocument, draft: Draft, schema: Json, required: boolean): Record<string, string> | undefined {
  const fields = fieldsOf(document, schema, "request");
  const all = propertiesOf(document, schema);
  if (fields === undefined || all === undefined || Object.keys(fields).length === 0) return undefined;
  const writable = Object.values(all.schemas).filter((each) => document.resolve(each)?.["readOnly"] !== true).length;
  if (writable !== Object.keys(fields).length) return undefined;
  return Object.fromEntries(
    Object.entries(fields).map(([key, type]) => {
      const name = key.replace(/\?$/u, "");
      return [name, draft.add(name, "body", type, required && key === name)];
    }),
  );
}

/** The schema of the first JSON type of a `content`. */
export function jsonSchema(content: Json | undefined): Json | undefined {
  const found = Object.entries(objectOf(content)).find(([type]) => /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/iu.test(type));
  return found === undefined ? undefined : (objectOf(found[1])["schema"] ?? {});
}

function isMethod(text: string): text is HttpRequest["method"] {
  return METHODS.has(text);
}

function isSingle(type: FieldType): boolean {
  return typeof type === "string" && type !== "any";
}

function isList(type: FieldType): type is readonly [FieldType] {
  return Array.isArray(type);
}
