import { isAlphanumeric, isDigit, isWord } from "./chars.ts";
import type { Finding } from "./finding.ts";
import type { Plain } from "./plain.ts";

/** RFC 5321 section 4.5.3.1: octets of a local part, of a domain, of one label. */
const MAX_LOCAL = 64;
const MAX_DOMAIN = 255;
const MAX_LABEL = 63;

/**
 * Addresses as people write them: a dot-atom or a quoted string, and a domain with a dot in it (RFC 5322 section 3.4.1, with letters of
 * any script, RFC 6531). Also with `@` percent-encoded or spelled `(at)`.
 */
export function findEmails(plain: Plain): readonly Finding[] {
  const found: Finding[] = [];
  for (const [from, to, spelled] of signs(plain.text)) {
    const start = localStart(plain, from - (spelled && plain.text[from - 1] === " " ? 1 : 0));
    if (start === undefined) continue;
    const end = domainEnd(plain, to + (spelled && plain.text[to] === " " ? 1 : 0));
    if (end !== undefined) found.push({ kind: "email", start, end, sure: spelled ? "shaped" : "checked" });
  }
  return found;
}

/** Where an `@` stands, also spelled otherwise. */
function* signs(text: string): Generator<readonly [from: number, to: number, spelled: boolean]> {
  for (const { index, 0: sign } of text.matchAll(/@|%40|[([{] ?at ?[)\]}]/giu)) {
    yield [index, index + sign.length, sign.length > 3];
  }
}

function localStart(plain: Plain, end: number): number | undefined {
  const { text } = plain;
  if (text[end - 1] === '"') return quotedStart(plain, end);
  const limit = Math.max(0, end - MAX_LOCAL);
  let start = end;
  while (start > limit && isAtom(text.charCodeAt(start - 1))) start -= 1;
  plain.work += end - start + 1;
  // What cannot begin a name as people write it belongs to the sentence: quotes, the dots of an ellipsis, a query's `%20`.
  while (start < end && !isWord(text.charCodeAt(start)) && text[start] !== "_" && text[start] !== "+") start += 1;
  return start === end ? undefined : start;
}

function quotedStart(plain: Plain, end: number): number | undefined {
  const limit = Math.max(0, end - MAX_LOCAL);
  for (let at = end - 2; at >= limit && plain.text[at] !== "\n"; at -= 1) {
    plain.work += 1;
    if (plain.text[at] === '"') return at === end - 2 ? undefined : at;
  }
  return undefined;
}

// `/`, `=`, `?`, `&`, `{`, `|`, `}` and the backquote are legal as well, but in running text and in URLs they stand between an address and
// something else.
const ATOM_SIGNS = new Set(Buffer.from("!#$%'*+-^_~."));

function isAtom(code: number): boolean {
  return isWord(code) || ATOM_SIGNS.has(code);
}

/** The end of a domain with at least two labels, the last of which is no number. */
function domainEnd(plain: Plain, start: number): number | undefined {
  const { text } = plain;
  let end: number | undefined;
  let label = start;
  for (let labels = 1; label - start <= MAX_DOMAIN; labels += 1) {
    const stop = labelEnd(plain, label);
    if (stop === label) break;
    if (labels > 1 && isTopLabel(text, label, stop)) end = stop;
    const next = nextLabel(text, stop);
    if (next === undefined) break;
    label = next;
  }
  return end;
}

/** After a dot, also spelled `(dot)`. */
function nextLabel(text: string, stop: number): number | undefined {
  if (text[stop] === ".") return stop + 1;
  const spelled = /^ ?[([{] ?dot ?[)\]}] ?/iu.exec(text.slice(stop, stop + 10));
  return spelled === null ? undefined : stop + spelled[0].length;
}

function labelEnd(plain: Plain, start: number): number {
  const { text } = plain;
  let stop = start;
  while (stop - start < MAX_LABEL && (isWord(text.charCodeAt(stop)) || (stop > start && text[stop] === "-"))) stop += 1;
  plain.work += stop - start + 1;
  while (stop > start && text[stop - 1] === "-") stop -= 1;
  return stop;
}

function isTopLabel(text: string, start: number, stop: number): boolean {
  const code = text.charCodeAt(start);
  return stop - start >= 2 && !isDigit(code) && (isAlphanumeric(code) || code >= 0x80);
}
