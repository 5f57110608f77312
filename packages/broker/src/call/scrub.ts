import type { Json, JsonObject } from "@bailiwick/policy";

/** Shorter values occur by chance in ordinary text; credentials of this length are refused when they are put. */
export const MIN_SECRET_CHARS = 8;

const REMOVED = "[credential removed]";

/** Removes every occurrence of the given secrets, also base64 and base64url (alone or inside a longer text), URL-encoded, hex and JSON-escaped, from all texts and keys of a result. */
export function scrub(body: JsonObject, secrets: readonly string[]): JsonObject {
  const needles = needlesOf(secrets);
  if (needles.length === 0 || !holdsAny(JSON.stringify(body), needles)) return body;
  return scrubObject(body, needles);
}

/** Whether one of the secrets stands anywhere in the value, in any of the forms `scrub` removes. */
export function holdsSecret(value: JsonObject, secrets: readonly string[]): boolean {
  return holdsAny(JSON.stringify(value), needlesOf(secrets));
}

/** The same for one text. */
export function scrubText(text: string, secrets: readonly string[]): string {
  return replaceAll(text, needlesOf(secrets));
}

/** What is looked for, and the same as it stands in JSON, in lower case. */
interface Needle {
  readonly text: string;
  readonly inJson: string;
}

/** A credential's list of secrets stays the same object while it is cached, so its forms are made once and not for every call. */
const made = new WeakMap<readonly string[], readonly Needle[]>();

function needlesOf(secrets: readonly string[]): readonly Needle[] {
  const known = made.get(secrets);
  if (known !== undefined) return known;
  const forms = new Set(secrets.filter((secret) => secret.length >= MIN_SECRET_CHARS).flatMap(formsOf));
  // Longest first: a shorter one inside a longer one would leave the rest of it.
  const needles = [...forms]
    .toSorted((left, right) => right.length - left.length)
    // JSON escapes quotes and backslashes, so a secret that holds them is looked for in its escaped form.
    .map((text) => ({ text, inJson: JSON.stringify(text).slice(1, -1).toLowerCase() }));
  made.set(secrets, needles);
  return needles;
}

/** How a text that holds the secret may be written. */
function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret, "utf8");
  const url = encodeURIComponent(secret.toWellFormed());
  return [
    secret,
    // Inside a JSON text that is itself a string of the result.
    JSON.stringify(secret).slice(1, -1),
    url,
    url.replaceAll("%20", "+"),
    bytes.toString("hex"),
    bytes.toString("base64").replace(/=+$/u, ""),
    bytes.toString("base64url"),
    ...[0, 1, 2].flatMap((before) => insideBase64(bytes, before)),
  ];
}

/** The characters that do not depend on what stands around the secret, when `before` bytes of its first group precede it (`user:secret`). */
function insideBase64(bytes: Buffer, before: number): readonly string[] {
  const shifted = Buffer.concat([Buffer.alloc(before), bytes]);
  const from = Math.ceil((before * 8) / 6);
  const to = Math.floor((shifted.length * 8) / 6);
  return [shifted.toString("base64").slice(from, to), shifted.toString("base64url").slice(from, to)];
}

function holdsAny(text: string, needles: readonly Needle[]): boolean {
  const lower = text.toLowerCase();
  return needles.some(({ inJson }) => lower.includes(inJson));
}

function scrubObject(value: JsonObject, needles: readonly Needle[]): JsonObject {
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [replaceAll(name, needles), scrubValue(inner, needles)]));
}

function scrubValue(value: Json, needles: readonly Needle[]): Json {
  if (typeof value === "string") return replaceAll(value, needles);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((each: Json) => scrubValue(each, needles));
  return scrubObject(value as JsonObject, needles);
}

function replaceAll(text: string, needles: readonly Needle[]): string {
  let cleaned = text;
  for (const needle of needles) cleaned = replaceIgnoringCase(cleaned, needle.text);
  return cleaned;
}

// Hex may come back in upper case; comparing without case costs nothing for the rest. Not by a lower-cased copy of the text:
// a character whose lower case is longer would shift every place after it.
function replaceIgnoringCase(text: string, needle: string): string {
  return text.replaceAll(new RegExp(needle.replaceAll(/[\\^$.*+?()[\]{}|/]/gu, String.raw`\$&`), "giu"), () => REMOVED);
}
