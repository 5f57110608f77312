import { printable } from "./text.ts";

/**
 * CSV as RFC 4180 has it: records end in CRLF, a field with a comma or a quotation mark is quoted. Line breaks and other control
 * characters in fields are shown as escapes, and what a spreadsheet would run as a formula is made text by an apostrophe.
 */
export function csv(records: readonly (readonly string[])[]): string {
  return records.map((record) => `${record.map((text) => quoted(defused(printable(text)))).join(",")}\r\n`).join("");
}

/** Signs that start a formula, the wide ones of East Asian input included. */
const FORMULA = /^[=+\-@＝＋－＠]/u;

function defused(text: string): string {
  return FORMULA.test(text) ? `'${text}` : text;
}

function quoted(text: string): string {
  return /[",]/u.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
