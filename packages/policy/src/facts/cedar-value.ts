import type { CedarValueJson } from "@cedar-policy/cedar-wasm/nodejs";
import { declaredKey, isListType, isRecordType } from "./field-path.ts";
import type { Json, JsonObject } from "../json.ts";
import type { FieldType } from "../types.ts";

/** A converted value, or where and why there is none. */
export type Converted =
  | { readonly ok: true; readonly value: CedarValueJson | undefined }
  | { readonly ok: false; readonly path: string; readonly why: string };

/** What to do with keys nobody declared: arguments are refused, records may hold more than policy knows. */
export interface ConvertOptions {
  readonly undeclared: "refuse" | "drop";
}

/**
 * Makes a Cedar value of a declared type. Values are built from the type, never copied,
 * so outside data cannot become an entity, an extension value or an expression.
 * `null` counts as absent; a number that Cedar cannot hold exactly is refused.
 */
export function toCedar(value: Json, type: FieldType, path: string, options: ConvertOptions): Converted {
  if (type === "any") return { ok: true, value: undefined };
  if (isListType(type)) return listToCedar(value, type[0], path, options);
  if (isRecordType(type)) return recordToCedar(value, type, path, options);
  switch (type) {
    case "string":
      return typeof value === "string" && value.isWellFormed() ? good(value) : bad(path, "must be a text");
    case "boolean":
      return typeof value === "boolean" ? good(value) : bad(path, "must be true or false");
    case "integer":
      return typeof value === "number" && Number.isSafeInteger(value)
        ? good(value === 0 ? 0 : value)
        : bad(path, "must be a whole number within 2^53");
    case "decimal":
      return decimalToCedar(value, path);
    case "datetime":
      return datetimeToCedar(value, path);
    case "email":
      return emailToCedar(value, path);
  }
}

export function recordToCedar(
  value: Json,
  fields: { readonly [key: string]: FieldType },
  path: string,
  options: ConvertOptions,
): Converted {
  if (!isObject(value)) return bad(path, "must be an object");
  const declared = new Map(
    Object.entries(fields).map(([key, type]) => [declaredKey(key).name, { type, optional: declaredKey(key).optional }]),
  );
  if (options.undeclared === "refuse") {
    const stranger = Object.keys(value).find((key) => !declared.has(key));
    if (stranger !== undefined) return bad(join(path, stranger), "is not declared in the catalog");
  }
  const entries: (readonly [string, CedarValueJson])[] = [];
  for (const [name, { type, optional }] of declared) {
    const item = Object.hasOwn(value, name) ? value[name] : undefined;
    if (item === undefined || item === null) {
      if (optional || type === "any") continue;
      return bad(join(path, name), "is required");
    }
    const converted = toCedar(item, type, join(path, name), options);
    if (!converted.ok) return converted;
    if (converted.value !== undefined) entries.push([name, converted.value]);
  }
  return good(Object.fromEntries(entries));
}

function listToCedar(value: Json, type: FieldType, path: string, options: ConvertOptions): Converted {
  if (!isList(value)) return bad(path, "must be a list");
  const items: CedarValueJson[] = [];
  for (const [index, item] of value.entries()) {
    const place = join(path, String(index));
    if (item === null && type !== "any") return bad(place, "must not be null");
    const converted = toCedar(item, type, place, options);
    if (!converted.ok) return converted;
    if (converted.value !== undefined) items.push(converted.value);
  }
  return type === "any" ? { ok: true, value: undefined } : good(items);
}

/** Cedar decimals have at most four digits after the point and fit 64 bits. */
const MAX_DECIMAL = 922_337_203_685_477;

/** Text of an exactly representable decimal, or undefined. */
export function decimalText(value: number): string | undefined {
  if (!Number.isFinite(value) || Math.abs(value) > MAX_DECIMAL) return undefined;
  const text = value.toFixed(4);
  return Number(text) === value ? (Number(text) === 0 ? "0.0000" : text) : undefined;
}

function decimalToCedar(value: Json, path: string): Converted {
  const text = typeof value === "number" ? decimalText(value) : undefined;
  return text === undefined
    ? bad(path, "must be a number with at most four digits after the point")
    : good({ __extn: { fn: "decimal", arg: text } });
}

/** RFC 3339 date-time, or a full date; the zone is required with a time, since a local time means a different moment everywhere. */
const DATETIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2}))?$/;

function datetimeToCedar(value: Json, path: string): Converted {
  const time = typeof value === "string" && DATETIME.test(value) ? Date.parse(value) : Number.NaN;
  const sameDay = typeof value === "string" && isRealDate(value.slice(0, 10));
  return Number.isNaN(time) || !sameDay || !isFourDigitYear(time)
    ? bad(path, "must be a time such as `2026-11-23T10:00:00Z`")
    : good(datetimeJson(new Date(time)));
}

/** JavaScript reads February 30th as March 2nd; policy must not. */
function isRealDate(day: string): boolean {
  const time = Date.parse(day);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day);
}

/** A zone can push a time out of the years that Cedar reads. */
function isFourDigitYear(time: number): boolean {
  return /^\d{4}-/.test(new Date(time).toISOString());
}

export function datetimeJson(date: Date): CedarValueJson {
  return { __extn: { fn: "datetime", arg: date.toISOString() } };
}

/** One plain address (RFC 5321 dot-string and LDH domain). Display names, lists, quotes and international forms are refused: a mail server could read them otherwise than policy does. */
const EMAIL =
  /^([A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*)@((?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)$/;
/** Longest address of RFC 5321 section 4.5.3.1. */
const MAX_EMAIL = 254;

function emailToCedar(value: Json, path: string): Converted {
  const match = typeof value === "string" && value.length <= MAX_EMAIL ? EMAIL.exec(value) : null;
  const [address, local, domain] = match ?? [];
  if (address === undefined || local === undefined || domain === undefined) return bad(path, "must be one plain e-mail address");
  return good({ address: `${local}@${domain.toLowerCase()}`, local, domain: domain.toLowerCase() });
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

function good(value: CedarValueJson): Converted {
  return { ok: true, value };
}

function bad(path: string, why: string): Converted {
  return { ok: false, path, why };
}

function join(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}
