import { FINDING_KINDS, scan } from "../../packages/broker/src/risk/content/index.ts";
import { seededRandom } from "../statistics.ts";
import type { Timed } from "./turns.ts";
import { inTurns } from "./turns.ts";

export const SCANNER = "bailiwick, all kinds with their check digits";
const SEED = 20_261_129;
const WORDS = [
  "the",
  "printer",
  "on",
  "floor",
  "seven",
  "does",
  "not",
  "print,",
  "please",
  "call",
  "me",
  "back",
  "before",
  "Friday.",
  "order",
  "4711",
] as const;
/** One word in so many is something to find. */
const FOUND_EVERY = 40;

/** Mails as a tool returns them: prose with an address here and there. Characters, all ASCII, so bytes as well. */
export function mails(bytes: number): string {
  const random = seededRandom(SEED);
  const parts: string[] = [];
  for (let length = 0; length < bytes;) {
    const word =
      random() < 1 / FOUND_EVERY ? `customer${String(parts.length)}@client.example` : (WORDS[Math.floor(random() * WORDS.length)] ?? "");
    parts.push(word);
    length += word.length + 1;
  }
  return parts.join(" ").slice(0, bytes);
}

/** What is written in an afternoon: finds the same addresses, and checks nothing of the rest. */
const EXPRESSIONS = [
  /\b\d[\d ()+.-]{7,}\d\b/gu,
  /\b(?:\d[ -]?){13,19}\b/gu,
  /\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b/gu,
  /\b\d{3}-\d{2}-\d{4}\b/gu,
  /\b(?:\d{1,3}\.){3}\d{1,3}\b/gu,
  /\bhttps?:\/\/\S+/gu,
] as const;
const ADDRESS = /[\w.+-]+@[\w-]+(?:\.[\w-]+)+/gu;

/** Both find the same number of addresses in the same text. */
export function scanTimes(text: string, rounds: number): Promise<readonly Timed[]> {
  return inTurns(
    [
      { name: SCANNER, run: () => scan(text, FINDING_KINDS).filter(({ kind }) => kind === "email").length },
      {
        name: "seven regular expressions, nothing checked",
        run() {
          for (const expression of EXPRESSIONS) text.match(expression);
          return text.match(ADDRESS)?.length ?? 0;
        },
      },
    ],
    rounds,
  );
}
