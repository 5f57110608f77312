import { Validator } from "@seriousme/openapi-schema-validator";
import type { Json, JsonObject } from "@bailiwick/policy";
import { parse } from "yaml";
import { z } from "zod";

/** Descriptions of large public APIs have a few megabytes. */
export const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

/** An OpenAPI document (3.0 or 3.1) that is well formed. */
export interface OpenApiDocument {
  readonly root: JsonObject;
  /** What a `$ref` stands for, references to references included; the value itself when it is none. Undefined when it leads nowhere or out of the document. */
  resolve(value: Json | undefined): JsonObject | undefined;
}

/** Why a text is no such document: a sentence. */
export class UnreadableDocument extends Error {
  override readonly name = "UnreadableDocument";
}

const object = z.record(z.string(), z.json());

/** Reads JSON or YAML and validates it against the schema of its version. @throws UnreadableDocument. */
export async function readDocument(text: string): Promise<OpenApiDocument> {
  if (Buffer.byteLength(text) > MAX_DOCUMENT_BYTES)
    throw new UnreadableDocument(`the document has more than ${MAX_DOCUMENT_BYTES / 1024 / 1024} MiB`);
  const root = object.safeParse(parsed(text));
  if (!root.success) throw new UnreadableDocument("the text is no JSON or YAML object");
  const version = root.data["openapi"];
  if (typeof version !== "string" || !/^3\.[01]\.\d+/u.test(version))
    throw new UnreadableDocument("the document is no OpenAPI 3.0 or 3.1; convert it first");
  // The validator writes into what it is given.
  const { valid, errors } = await new Validator().validate(structuredClone<Record<string, unknown>>(root.data));
  if (!valid) throw new UnreadableDocument(`the document breaks the schema of OpenAPI ${version}${firstError(errors)}`);
  return { root: root.data, resolve: (value) => resolved(root.data, value) };
}

function parsed(text: string): unknown {
  try {
    return /^\s*\{/u.test(text) ? JSON.parse(text) : parse(text, { maxAliasCount: 100 });
  } catch {
    return undefined;
  }
}

function firstError(errors: Awaited<ReturnType<Validator["validate"]>>["errors"]): string {
  if (typeof errors === "string") return `: ${errors}`;
  const [first] = errors ?? [];
  return first === undefined ? "" : ` at \`${first.instancePath === "" ? "/" : first.instancePath}\`: ${first.message ?? "not allowed"}`;
}

/** A chain of references longer than this is a circle. */
const MAX_REFERENCES = 32;

function resolved(root: JsonObject, value: Json | undefined): JsonObject | undefined {
  let current = value;
  for (let followed = 0; followed <= MAX_REFERENCES; followed += 1) {
    if (!isObject(current)) return undefined;
    const reference = current["$ref"];
    if (typeof reference !== "string") return current;
    // A reference to another file or address is not followed: nobody has looked at what lies there.
    if (!reference.startsWith("#/")) return undefined;
    current = pointed(root, reference.slice(2).split("/"));
  }
  return undefined;
}

/** RFC 6901, in a URI fragment. */
function pointed(root: JsonObject, steps: readonly string[]): Json | undefined {
  let current: Json | undefined = root;
  for (const step of steps) {
    const key = unescaped(step);
    if (Array.isArray(current)) current = current[Number(key)];
    else if (isObject(current) && Object.hasOwn(current, key)) current = current[key];
    else return undefined;
  }
  return current;
}

function unescaped(step: string): string {
  try {
    return decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
  } catch {
    return step;
  }
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

export function objectOf(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}
