/** What has a canonical form: JSON. Members whose value is undefined count as absent. */
export type Canonical = null | boolean | number | string | readonly Canonical[] | { readonly [key: string]: Canonical | undefined };

/** Nesting beyond this is refused: no honest record needs it, and readers in other languages recurse. */
export const MAX_DEPTH = 128;

/**
 * The one text of a JSON value: no spaces, members sorted by UTF-16 code units, numbers as ECMAScript writes them (RFC 8785).
 * @throws TypeError when the value has no canonical form: not JSON, not finite, a lone surrogate, or nested deeper than MAX_DEPTH.
 */
export function canonicalize(value: unknown): string {
  return write(value, 0);
}

function write(value: unknown, depth: number): string {
  if (typeof value === "string") return writeString(value);
  if (typeof value === "number") return writeNumber(value);
  if (typeof value === "boolean") return value ? "true" : "false";
  if (value === null) return "null";
  if (typeof value !== "object") throw new TypeError(`a value of type ${typeof value} has no canonical form; pass JSON`);
  if (depth >= MAX_DEPTH) throw new TypeError(`the value is nested deeper than ${MAX_DEPTH} levels and has no canonical form here`);
  return Array.isArray(value) ? writeArray(value, depth) : writeObject(value, depth);
}

function writeNumber(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError(`the number ${value} has no canonical form; JSON holds finite numbers only`);
  return String(value);
}

/** Most texts of records need no escape; asking is cheaper than escaping. */
const PLAIN = /^[ !#-[\]-~]*$/;

function writeString(value: string): string {
  if (PLAIN.test(value)) return `"${value}"`;
  if (!value.isWellFormed()) throw new TypeError("the text holds a lone surrogate and has no canonical form; send well-formed Unicode");
  return JSON.stringify(value);
}

function writeArray(values: readonly unknown[], depth: number): string {
  let text = "[";
  for (let index = 0; index < values.length; index++) {
    if (index > 0) text += ",";
    text += write(values[index], depth + 1);
  }
  return `${text}]`;
}

function writeObject(value: object, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null)
    throw new TypeError("only plain objects have a canonical form; convert dates, maps and the like first");
  const members: Readonly<Record<string, unknown>> = { ...value };
  let text = "{";
  // Without a comparison of its own, sorting goes by UTF-16 code units, the order of RFC 8785 section 3.2.3.
  for (const key of Object.keys(value).toSorted()) {
    const member = members[key];
    if (member === undefined) continue;
    text += text === "{" ? "" : ",";
    text += writeString(key);
    text += ":";
    text += write(member, depth + 1);
  }
  return `${text}}`;
}
