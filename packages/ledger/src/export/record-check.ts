import { canonicalize, MAX_DEPTH } from "../canonicalize.ts";
import { MAX_ENTRY_BYTES } from "../tiles/entry-bundle.ts";
import type { ExportFaultCode } from "./types.ts";

/** A record's parsed JSON, or what is wrong with its text by itself. */
export type CheckedRecord = { readonly record: unknown } | { readonly code: ExportFaultCode; readonly why: string };

/** Reads a record. Only canonical JSON has one meaning: with a member given twice, two readers could see two records. */
export function checkRecord(text: string): CheckedRecord {
  if (text.length > MAX_ENTRY_BYTES / MAX_UTF8_BYTES_OF_A_UNIT && Buffer.byteLength(text, "utf8") > MAX_ENTRY_BYTES)
    return { code: "too_large", why: `has more than ${MAX_ENTRY_BYTES} bytes, which no entry of a log can have` };
  try {
    const record: unknown = JSON.parse(text);
    if (isCanonical(text, record)) return { record };
  } catch {
    // Not JSON at all, or none that has a canonical form: the answer is the same.
  }
  return { code: "not_canonical", why: "is not canonical JSON, so readers could disagree about what it says" };
}

/**
 * Whether `canonicalize(value)` is the text the value was parsed from; four times as fast for usual records. What JSON.stringify gives back
 * unchanged is canonical if its members are in order: it writes texts and numbers as RFC 8785 does, but for lone surrogates, which it escapes.
 */
function isCanonical(text: string, value: unknown): boolean {
  if (text.includes("\\ud") || JSON.stringify(value) !== text) return canonicalize(value) === text;
  return isInOrder(value, 0);
}

function isInOrder(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (depth >= MAX_DEPTH) return false;
  if (Array.isArray(value)) return value.every((item) => isInOrder(item, depth + 1));
  let before: string | undefined;
  for (const [name, member] of Object.entries(value)) {
    if (before !== undefined && name < before) return false;
    before = name;
    if (typeof member === "object" && !isInOrder(member, depth + 1)) return false;
  }
  return true;
}

const MAX_UTF8_BYTES_OF_A_UNIT = 3;
