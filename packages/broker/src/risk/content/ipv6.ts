import { isHex, isWord } from "./chars.ts";
import type { Finding } from "./finding.ts";
import type { Plain } from "./plain.ts";

/** Longest text of an address: eight groups, the last two as IPv4. */
const MAX_LENGTH = 45;
const MAX_GROUP = 4;

/** Addresses in the text forms of RFC 4291 section 2.2. */
export function findIpv6(plain: Plain): readonly Finding[] {
  const { text } = plain;
  const found: Finding[] = [];
  let behind = 0;
  for (let colon = text.indexOf(":"); colon !== -1; colon = text.indexOf(":", Math.max(colon + 1, behind))) {
    let start = colon;
    while (start > behind && colon - start <= MAX_GROUP && isHex(text.charCodeAt(start - 1))) start -= 1;
    let end = colon;
    while (isPart(text.charCodeAt(end))) end += 1;
    plain.work += end - start;
    behind = end;
    // A full stop or a colon that ends a sentence is not the address's.
    while (end > start && (text[end - 1] === "." || (text[end - 1] === ":" && text[end - 2] !== ":"))) end -= 1;
    const alone = !isWord(text.charCodeAt(start - 1)) && !isWord(text.charCodeAt(end));
    if (alone && end - start <= MAX_LENGTH && isAddress(text.slice(start, end))) found.push({ kind: "ip", start, end, sure: "checked" });
  }
  return found;
}

function isPart(code: number): boolean {
  return isHex(code) || code === 0x3a || code === 0x2e;
}

function isAddress(written: string): boolean {
  const halves = written.split("::");
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  const last = groups.at(-1) ?? "";
  const dotted = last.includes(".");
  if (dotted && !isDotted(last)) return false;
  if (!groups.slice(0, dotted ? -1 : undefined).every((group) => /^[\da-f]{1,4}$/iu.test(group))) return false;
  const count = groups.length + (dotted ? 1 : 0);
  return halves.length === 1 ? count === 8 : count <= 7 && isTelling(groups);
}

/** `a::b` is how programs write names as well. */
function isTelling(groups: readonly string[]): boolean {
  return groups.length >= 3 || (groups[0] ?? "").length === MAX_GROUP;
}

function isDotted(written: string): boolean {
  const octets = written.split(".");
  return octets.length === 4 && octets.every((octet) => /^(?:0|[1-9]\d{0,2})$/u.test(octet) && Number(octet) <= 255);
}
