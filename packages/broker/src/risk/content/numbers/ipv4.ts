import type { Extent } from "./card.ts";
import { type Group, standsAlone } from "./runs.ts";

/** Four numbers up to 255 with dots between them; not part of a longer dotted number, nor a version (`v1.2.3.4`). */
export function ipv4At(text: string, run: readonly Group[], at: number): Extent {
  if (run[at + 1]?.before !== ".") return undefined;
  const parts = run.slice(at, at + 4);
  const [first, , , last] = parts;
  if (first === undefined || last === undefined) return undefined;
  if (!parts.every(({ digits, before }, index) => isOctet(digits) && (index === 0 || before === "."))) return undefined;
  if (!standsAlone(text, first.start, last.end)) return undefined;
  return text[first.start - 1] === "." || run[at + 4]?.before === "." ? undefined : at + 4;
}

function isOctet(digits: string): boolean {
  return digits.length <= 3 && Number(digits) <= 255 && (digits === "0" || !digits.startsWith("0"));
}
