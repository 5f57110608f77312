import { countrySpecs, isValidIBAN } from "ibantools";
import { isAlphanumeric, isWord } from "./chars.ts";
import type { Finding } from "./finding.ts";
import type { Plain } from "./plain.ts";

/** ISO 13616: country, two check digits, and as many characters as the country's accounts have; in one piece or in groups. */
export function findIbans(plain: Plain): readonly Finding[] {
  const { text } = plain;
  const found: Finding[] = [];
  for (const { index, 0: head } of text.matchAll(/(?<![a-z0-9])[a-z]{2}[ -]?[0-9]{2}/giu)) {
    const length = lengthIn(head.slice(0, 2).toUpperCase());
    if (length === undefined) continue;
    const [end, iban] = characters(plain, index, length);
    if (iban.length === length && !isWord(text.charCodeAt(end)) && isValidIBAN(iban))
      found.push({ kind: "iban", start: index, end, sure: "checked" });
  }
  return found;
}

function lengthIn(country: string): number | undefined {
  return Object.hasOwn(countrySpecs, country) ? (countrySpecs[country]?.chars ?? undefined) : undefined;
}

/** So many letters and digits from here on, single spaces or dashes between them left out. */
function characters(plain: Plain, start: number, length: number): readonly [end: number, characters: string] {
  const { text } = plain;
  let kept = "";
  let at = start;
  while (kept.length < length) {
    const code = text.charCodeAt(at);
    if (isAlphanumeric(code)) kept += text.charAt(at);
    else if (!(isBetween(code) && isAlphanumeric(text.charCodeAt(at + 1)))) break;
    at += 1;
  }
  plain.work += at - start;
  return [at, kept.toUpperCase()];
}

function isBetween(code: number): boolean {
  return code === 0x20 || code === 0x2d || code === 0x2e;
}
