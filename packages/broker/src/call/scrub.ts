import type { Json, JsonObject } from "@bailiwick/policy";
import { type Matcher, matcherOf, type Span } from "./secret-matcher.ts";
import { viewsOf } from "./secret-views.ts";

/** Shorter values occur by chance in ordinary text; credentials of this length are refused when they are put. */
export const MIN_SECRET_CHARS = 8;

const REMOVED = "[credential removed]";

/**
 * Removes every occurrence of the given secrets from all texts, keys and numbers of a result, however it is written:
 * docs/spec/content.md lists the encodings.
 */
export function scrub(body: JsonObject, secrets: readonly string[]): JsonObject {
  const matcher = matcherFor(secrets);
  return matcher.empty || !holds(body, matcher) ? body : scrubObject(body, matcher);
}

/** Whether one of the secrets stands anywhere in the value, in any of the forms `scrub` removes. */
export function holdsSecret(value: JsonObject, secrets: readonly string[]): boolean {
  const matcher = matcherFor(secrets);
  return !matcher.empty && holds(value, matcher);
}

/** The same for one text. */
export function scrubText(text: string, secrets: readonly string[]): string {
  const matcher = matcherFor(secrets);
  return matcher.empty ? text : cleaned(text, matcher);
}

/** A list of secrets stays the same object while it is cached, so its matcher is made once and not for every call. */
const made = new WeakMap<readonly string[], Matcher>();

function matcherFor(secrets: readonly string[]): Matcher {
  const known = made.get(secrets) ?? matcherOf(secrets.filter((secret) => secret.length >= MIN_SECRET_CHARS));
  made.set(secrets, known);
  return known;
}

function holds(value: Json | undefined, matcher: Matcher): boolean {
  if (typeof value === "string") return textHolds(value, matcher);
  if (typeof value === "number") return matcher.holds(String(value));
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return value.some((each: Json) => holds(each, matcher));
  return Object.entries(value).some(([name, inner]) => textHolds(name, matcher) || holds(inner, matcher));
}

function textHolds(text: string, matcher: Matcher): boolean {
  if (text.length < MIN_SECRET_CHARS) return false;
  for (const view of viewsOf(text)) if (matcher.holds(view.text)) return true;
  return false;
}

function scrubObject(value: JsonObject, matcher: Matcher): JsonObject {
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [cleaned(name, matcher), scrubValue(inner, matcher)]));
}

function scrubValue(value: Json, matcher: Matcher): Json {
  if (typeof value === "string") return cleaned(value, matcher);
  if (typeof value === "number") return matcher.holds(String(value)) ? REMOVED : value;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((each: Json) => scrubValue(each, matcher));
  return scrubObject(value as JsonObject, matcher);
}

function cleaned(text: string, matcher: Matcher): string {
  if (text.length < MIN_SECRET_CHARS) return text;
  const spans: Span[] = [];
  for (const view of viewsOf(text)) for (const span of matcher.places(view.text)) spans.push(view.place(span));
  if (spans.length === 0) return text;
  const parts: string[] = [];
  let behind = 0;
  for (const { start, end } of joined(spans)) {
    parts.push(text.slice(behind, start), REMOVED);
    behind = end;
  }
  return parts.join("") + text.slice(behind);
}

/** In order; those that touch each other's characters made one. */
function joined(spans: readonly Span[]): readonly Span[] {
  const merged: Span[] = [];
  for (const span of spans.toSorted((left, right) => left.start - right.start)) {
    const last = merged.at(-1);
    if (last === undefined || span.start >= last.end) merged.push(span);
    else merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, span.end) };
  }
  return merged;
}
