import type { Json, JsonObject } from "@bailiwick/policy";

/** Shorter values occur by chance in ordinary text; credentials of this length are refused when they are put. */
export const MIN_SECRET_CHARS = 8;

const REMOVED = "[credential removed]";

/** Removes every occurrence of the given secrets, also base64, base64url, URL-encoded and hex, from all texts and keys of a result. */
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

function needlesOf(secrets: readonly string[]): readonly string[] {
  return secrets
    .filter((secret) => secret.length >= MIN_SECRET_CHARS)
    .flatMap((secret) => {
      const bytes = Buffer.from(secret, "utf8");
      return [
        secret,
        bytes.toString("base64").replace(/=+$/u, ""),
        bytes.toString("base64url"),
        encodeURIComponent(secret),
        bytes.toString("hex"),
      ];
    });
}

// JSON escapes quotes and backslashes, so a secret that holds them is looked for in its escaped form as well.
function holdsAny(text: string, needles: readonly string[]): boolean {
  const lower = text.toLowerCase();
  return needles.some((needle) => lower.includes(JSON.stringify(needle).slice(1, -1).toLowerCase()));
}

function scrubObject(value: JsonObject, needles: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [replaceAll(name, needles), scrubValue(inner, needles)]));
}

function scrubValue(value: Json, needles: readonly string[]): Json {
  if (typeof value === "string") return replaceAll(value, needles);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((each: Json) => scrubValue(each, needles));
  return scrubObject(value as JsonObject, needles);
}

function replaceAll(text: string, needles: readonly string[]): string {
  let cleaned = text;
  for (const needle of needles) cleaned = replaceIgnoringCase(cleaned, needle);
  return cleaned;
}

// Hex may come back in upper case; comparing without case costs nothing for the rest.
function replaceIgnoringCase(text: string, needle: string): string {
  const lower = text.toLowerCase();
  const wanted = needle.toLowerCase();
  let at = lower.indexOf(wanted);
  if (at < 0 || lower.length !== text.length) return text.replaceAll(needle, REMOVED);
  let out = "";
  let from = 0;
  while (at >= 0) {
    out += text.slice(from, at) + REMOVED;
    from = at + wanted.length;
    at = lower.indexOf(wanted, from);
  }
  return out + text.slice(from);
}
