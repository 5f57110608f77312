import type { Json, JsonObject } from "@bailiwick/policy";
import type { RecordKind, StoredRecord } from "../../domain/audit.ts";

/** A record as the formats read it. */
export interface ExportedRecord {
  /** `<tenant>/<index>`: the same in every format and at every delivery, so that a receiver can drop what it has already. */
  readonly id: string;
  readonly tenant: string;
  readonly index: number;
  readonly kind: RecordKind;
  readonly callId: string;
  readonly at: string;
  /** The leaf as it stands in the log. */
  readonly text: string;
  readonly leaf: JsonObject;
  /** Names behind pseudonyms, where the reader may see them. */
  readonly people: Readonly<Record<string, string>>;
}

/** What a record cannot be exported for. */
export class UnreadableRecord extends Error {
  override readonly name = "UnreadableRecord";
}

/** @throws UnreadableRecord when the leaf is no JSON object: nothing the broker wrote. */
export function exportedRecord(record: StoredRecord): ExportedRecord {
  const { tenant, index, kind, callId, at, text, people } = record;
  return { id: `${tenant}/${index}`, tenant, index, kind, callId, at, text, leaf: parseLeaf(record), people };
}

function parseLeaf({ tenant, index, text }: StoredRecord): JsonObject {
  const leaf = parsed(text);
  // A line break can only be white space here, which no canonical text has, and would end the line it is exported in.
  if (isObject(leaf) && !/[\r\n]/u.test(text)) return leaf;
  throw new UnreadableRecord(`record ${index} of \`${tenant}\` is no canonical JSON object; check the log with \`bailiwick audit verify\``);
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function textOf(from: JsonObject, member: string): string | undefined {
  const value = from[member];
  return typeof value === "string" ? value : undefined;
}

export function numberOf(from: JsonObject, member: string): number | undefined {
  const value = from[member];
  return typeof value === "number" ? value : undefined;
}

export function objectOf(from: JsonObject, member: string): JsonObject | undefined {
  const value = from[member];
  return isObject(value) ? value : undefined;
}

export function textsOf(from: JsonObject, member: string): readonly string[] {
  const value = from[member];
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}

export function objectsOf(from: JsonObject, member: string): readonly JsonObject[] {
  const value = from[member];
  return Array.isArray(value) ? value.filter((each: Json) => isObject(each)) : [];
}

/** The members that have a value. Their names are the code's own: none comes from outside, where `__proto__` would be one. */
export function present(members: Readonly<Record<string, Json | undefined>>): JsonObject {
  const kept: Record<string, Json> = {};
  for (const name of Object.keys(members)) {
    const value = members[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

/** What a person is called; undefined where that is not known. */
export function nameBehind({ people }: Pick<ExportedRecord, "people">, pseudonym: string): string | undefined {
  return Object.hasOwn(people, pseudonym) ? people[pseudonym] : undefined;
}

/** What a person is called where that is known, their pseudonym otherwise. */
export function personOf(record: ExportedRecord, member: string): string | undefined {
  const pseudonym = textOf(record.leaf, member);
  return pseudonym === undefined ? undefined : (nameBehind(record, pseudonym) ?? pseudonym);
}

/**
 * Control characters as visible ones (U+240A for a line feed), line and paragraph separators as spaces, bidirectional overrides as U+FFFD. In the
 * formats of lines one record must stay one line, and no name may draw a line of its own (log injection).
 */
export function oneLine(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replaceAll(UNSAFE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    if (code === 0x7f) return "\u2421";
    return code === 0x2028 || code === 0x2029 ? " " : "\uFFFD";
  });
}

/** Nearly every text. Looking for its opposite takes longer: classes of Unicode are slow to match. */
const PLAIN = /^[\x20-\x7e]*$/;
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;
