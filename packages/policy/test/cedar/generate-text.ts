import type { Random } from "./random.ts";
import { weighted } from "./random.ts";
import type { Type } from "./vocabulary.ts";
import { VALID } from "./vocabulary.ts";

/** What a constructor of the extension type may read, or nearly may: each part is at, inside or just beyond its bounds. */
export function generateText(random: Random, type: Type): string {
  if (random.chance(0.3)) return random.pick(VALID.get(type) ?? []);
  const text = (WRITERS.get(type) ?? (() => ""))(random);
  return random.chance(0.04) ? damaged(random, text) : text;
}

function damaged(random: Random, text: string): string {
  const at = random.below(text.length + 1);
  return (
    text.slice(0, at) +
    random.pick(["", "0", "1", " ", "-", "+", ".", ":", "/", "T", "\u0661", "\n", "ms"]) +
    text.slice(at + random.below(2))
  );
}

const WRITERS: ReadonlyMap<Type, (random: Random) => string> = new Map([
  ["decimal", decimal],
  ["ip", (random) => (random.chance(0.5) ? ipv4(random) : ipv6(random))],
  ["datetime", datetime],
  ["duration", duration],
]);

const SIGNS = ["", "", "-"];
const WHOLES = ["0", "1", "007", "42", "922337203685476", "922337203685477", "922337203685478", "9223372036854775808"];
const FRACTIONS = ["0", "5", "50", "0001", "5806", "5807", "5808", "5809", "9999", "00000", "12345", ""];

function decimal(random: Random): string {
  return `${random.pick(SIGNS)}${random.pick(WHOLES)}${random.chance(0.97) ? "." : ""}${random.pick(FRACTIONS)}`;
}

const OCTETS = weighted([
  [9, ["0", "1", "10", "126", "127", "128", "223", "224", "239", "240", "254", "255"]],
  [1, ["256", "01", "00", "", "1000", "a", "99"]],
]);

function ipv4(random: Random): string {
  const count = random.chance(0.95) ? 4 : random.pick([3, 5]);
  const octets = Array.from({ length: count }, () => random.pick(random.pick(OCTETS)));
  return octets.join(".") + prefix(random, ["0", "1", "3", "4", "5", "7", "8", "9", "24", "31", "32", "33", "08", "032", "-1"]);
}

const GROUPS = weighted([
  [30, ["0", "1", "ff00", "ff02", "fe80", "FFFF", "00a0", "ffff", "9", "0001"]],
  [1, ["g", "10000", "-1", "00001", "1.2.3.4"]],
]);

function ipv6(random: Random): string {
  const group = (): string => random.pick(random.pick(GROUPS));
  const groups = (length: number): string => Array.from({ length }, group).join(":");
  const before = random.pick([0, 0, 1, 2, 3, 7]);
  const compressed = (): string => `${groups(before)}::${groups(random.pick([0, 1, 2, 7 - before, 8 - before]))}`;
  const address = random.chance(0.7) ? compressed() : groups(random.pick([8, 8, 8, 7, 9]));
  return address + prefix(random, ["0", "1", "7", "8", "9", "64", "127", "128", "129", "0128", "256", ""]);
}

function prefix(random: Random, sizes: readonly string[]): string {
  return random.chance(0.5) ? "" : `/${random.pick(sizes)}`;
}

const YEARS = ["0000", "0001", "1600", "1900", "1969", "1970", "2000", "2023", "2024", "2100", "9999"];
const MONTHS = ["00", "01", "02", "02", "02", "03", "04", "06", "09", "11", "12", "13"];
const DAYS = ["00", "01", "28", "28", "29", "29", "30", "30", "31", "32"];
const HOURS = ["00", "12", "23", "23", "24"];
const MINUTES = ["00", "30", "59", "59", "60"];
const FRACTIONS_OF_SECOND = weighted([
  [6, ""],
  [4, ".001"],
  [4, ".999"],
  [1, ".1"],
  [1, ".1234"],
]);

function datetime(random: Random): string {
  const valid = (parts: readonly string[]): string => (random.chance(0.7) ? (parts[1] ?? "") : random.pick(parts));
  const date = `${random.pick(YEARS)}-${valid(MONTHS)}-${random.chance(0.6) ? random.pick(["01", "28"]) : random.pick(DAYS)}`;
  if (random.chance(0.3)) return date;
  const time = `${valid(HOURS)}:${valid(MINUTES)}:${valid(MINUTES)}`;
  const zone = random.chance(0.5) ? "Z" : `${random.pick(["+", "-"])}${valid(HOURS)}${valid(MINUTES)}`;
  return `${date}T${time}${random.pick(FRACTIONS_OF_SECOND)}${random.chance(0.97) ? zone : ""}`;
}

const UNITS = ["d", "h", "m", "s", "ms"];
const AMOUNTS = weighted([
  [12, ["0", "1", "23", "24", "59", "60", "999", "1000", "01"]],
  [1, ["106751991167", "106751991168", "9223372036854775807", "9223372036854775808", ""]],
]);

function duration(random: Random): string {
  const some = random.some(UNITS, 0.4);
  const units = random.chance(0.95) ? some : some.toReversed();
  return random.pick(SIGNS) + units.map((unit) => `${random.pick(random.pick(AMOUNTS))}${unit}`).join("");
}
