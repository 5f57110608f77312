import { isAlphanumeric, isLetter, isWord } from "./chars.ts";
import type { Finding } from "./finding.ts";
import type { Plain } from "./plain.ts";

const MAX_SCHEME = 24;
const MAX_HOST = 255;
/** Longer ones are cut: what follows is of no use to whoever asks where a link goes. */
const MAX_URL = 2_048;

/** Absolute URLs with an authority (RFC 3986 section 3), and hosts that begin with `www.`. */
export function findUrls(plain: Plain): readonly Finding[] {
  const { text } = plain;
  const found: Finding[] = [];
  let behind = 0;
  for (const { index, 0: anchor } of text.matchAll(/:\/\/|www\./giu)) {
    if (index < behind) continue;
    const scheme = anchor.startsWith(":");
    const start = scheme ? schemeStart(plain, index, behind) : index;
    const host = scheme ? index + anchor.length : index;
    if (start === undefined || (!scheme && isWord(text.charCodeAt(index - 1)))) continue;
    const end = urlEnd(plain, host);
    if (end === undefined) continue;
    behind = end;
    found.push({ kind: "url", start, end, sure: scheme ? "checked" : "shaped" });
  }
  return found;
}

function schemeStart(plain: Plain, colon: number, behind: number): number | undefined {
  const { text } = plain;
  const limit = Math.max(behind, colon - MAX_SCHEME);
  let start = colon;
  while (start > limit && (isAlphanumeric(text.charCodeAt(start - 1)) || "+.-".includes(text.charAt(start - 1)))) start -= 1;
  plain.work += colon - start + 1;
  while (start < colon && !isLetter(text.charCodeAt(start))) start += 1;
  return start === colon ? undefined : start;
}

function urlEnd(plain: Plain, host: number): number | undefined {
  const { text } = plain;
  const authority = stretch(plain, host, MAX_HOST, (code) => isUrl(code) && code !== 0x2f && code !== 0x3f && code !== 0x23);
  if (!/[\p{L}\p{N}]/u.test(text.slice(host, authority))) return undefined;
  let end = stretch(plain, authority, MAX_URL, isUrl);
  // What ends a sentence or closes a bracket around the link is not of the link.
  while (end > host && /[.,;:!?'")\]}]/u.test(text.charAt(end - 1))) end -= 1;
  return end;
}

function stretch(plain: Plain, start: number, most: number, accepts: (code: number) => boolean): number {
  let end = start;
  while (end - start < most && end < plain.text.length && accepts(plain.text.charCodeAt(end))) end += 1;
  plain.work += end - start + 1;
  return end;
}

/** Neither a space nor a control nor one of RFC 3986 appendix C's delimiters. */
function isUrl(code: number): boolean {
  return code > 0x20 && code !== 0x22 && code !== 0x3c && code !== 0x3e && code !== 0x5c && code !== 0x60 && code !== 0x7f;
}
