import type { HttpRequest, Json, JsonObject } from "@bailiwick/policy";
import { Refusal } from "../../call/refusal.ts";
import { isObject, readPath } from "../../call/paths.ts";
import { MAX_BODY_BYTES, MAX_HEADER_CHARACTERS, MAX_TARGET_CHARACTERS } from "./limits.ts";

/** One request, ready to be sent; `target` is path and query as they go on the wire. */
export interface BuiltRequest {
  readonly method: HttpRequest["method"];
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/**
 * Makes the request of a call. `base` is the path of the tool's address, without a slash at its end.
 * @throws Refusal `argument_invalid` for a value that would lead to another path, start another header or not fit.
 */
export function buildRequest(base: string, request: HttpRequest, args: JsonObject): BuiltRequest {
  const path = request.path.replaceAll(PLACEHOLDER, (_, name: string) => segment(request.params[name] ?? "", args));
  const query = queryText(request.query, args);
  const target = `${base}${path}${query === "" ? "" : `?${query}`}`;
  if (target.length > MAX_TARGET_CHARACTERS)
    throw invalid("args", `make a path and query of more than ${MAX_TARGET_CHARACTERS} characters`, "send less");
  const body = bodyText(request, args);
  return { method: request.method, target, headers: headersOf(request, args), body };
}

const PLACEHOLDER = /\{([^{}]*)\}/gu;

/**
 * One path segment. Servers and proxies differ in when they decode, so a value that would be several segments once decoded is refused, however
 * often it is encoded: it could lead up, or down to another operation (`5/refund` below `/tickets/{id}`).
 */
function segment(path: string, args: JsonObject): string {
  const text = scalar(path, readPath({ args }, path));
  if (text === undefined) throw invalid(path, "is missing, and the path needs it", "set it");
  for (let value = text, round = 0; round < MAX_DECODINGS; round += 1) {
    if (leadsElsewhere(value))
      throw invalid(path, "would lead to another path", "send a plain id, without slashes, and not empty, `.` or `..`");
    const decoded = decodeOnce(value);
    if (decoded === value) break;
    value = decoded;
  }
  return encodeURIComponent(text);
}

const MAX_DECODINGS = 4;

function leadsElsewhere(value: string): boolean {
  // oxlint-disable-next-line no-control-regex -- these are what is looked for
  return /^\.{0,2}$|[/\\\u0000-\u001f\u007f]/u.test(value);
}

function decodeOnce(value: string): string {
  return value.replaceAll(/%[0-9a-f]{2}/giu, (code) => String.fromCodePoint(Number.parseInt(code.slice(1), 16)));
}

function queryText(query: HttpRequest["query"], args: JsonObject): string {
  const pairs = Object.entries(query).flatMap(([name, path]) => {
    const value = readPath({ args }, path);
    const values = Array.isArray(value) ? value : [value];
    return values.flatMap((each: Json | undefined): [string, string][] => {
      const text = scalar(path, each);
      return text === undefined ? [] : [[name, text]];
    });
  });
  return new URLSearchParams(pairs).toString();
}

function headersOf({ headers }: HttpRequest, args: JsonObject): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, path]): [string, string][] => {
      const text = scalar(path, readPath({ args }, path));
      if (text === undefined) return [];
      if (text.length > MAX_HEADER_CHARACTERS || !/^[\x20-\x7e]*$/u.test(text))
        throw invalid(path, `is no value for the header \`${name}\``, `send at most ${MAX_HEADER_CHARACTERS} printable ASCII characters`);
      return [[name.toLowerCase(), text]];
    }),
  );
}

function bodyText({ body }: HttpRequest, args: JsonObject): string | undefined {
  if (body === undefined) return undefined;
  const value = typeof body === "string" ? readPath({ args }, body) : membersOf(body, args);
  if (value === undefined) return undefined;
  const text = JSON.stringify(value);
  if (Buffer.byteLength(text) > MAX_BODY_BYTES) throw invalid("args", `make a body of more than ${MAX_BODY_BYTES} bytes`, "send less");
  return text;
}

function membersOf(body: Readonly<Record<string, string>>, args: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(body).flatMap(([member, path]): [string, Json][] => {
      const value = readPath({ args }, path);
      return value === undefined ? [] : [[member, value]];
    }),
  );
}

/** The text of a value that stands alone; undefined when there is none. */
function scalar(path: string, value: Json | undefined): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (isObject(value) || Array.isArray(value)) throw invalid(path, "is no single value", "send a text, a number or a boolean");
  const text = String(value);
  if (!text.isWellFormed()) throw invalid(path, "is no well-formed Unicode", "send plain text");
  return text;
}

function invalid(path: string, what: string, then: string): Refusal {
  return new Refusal("argument_invalid", `\`${path}\` ${what}; ${then}`);
}
