import type { Extent } from "./card.ts";
import type { HintAt } from "./hints.ts";
import { type Group, standsAlone } from "./runs.ts";

const SEPARATORS = new Set(["-", " ", ".", " - "]);

/**
 * A social security number of the United States, or the taxpayer number that takes its place: three, two and four digits; in one piece
 * only where the words before it say so. There is no check digit, only numbers that were never given out.
 */
export function ssnAt(text: string, run: readonly Group[], at: number, hintAt: HintAt): Extent {
  const [area, group, serial] = [run[at], run[at + 1], run[at + 2]];
  if (area?.digits.length === 9)
    return standsAlone(text, area.start, area.end) && isGiven(area.digits) && hintAt(at) === "ssn" ? at + 1 : undefined;
  if (area?.digits.length !== 3 || group?.digits.length !== 2 || serial?.digits.length !== 4) return undefined;
  if (group.before !== serial.before || !SEPARATORS.has(group.before) || !standsAlone(text, area.start, serial.end)) return undefined;
  // `123 45 6789` and `123.45.6789` are also how other numbers are written.
  if (group.before !== "-" && hintAt(at) !== "ssn") return undefined;
  return isGiven(area.digits + group.digits + serial.digits) ? at + 3 : undefined;
}

function isGiven(digits: string): boolean {
  const [area, group, serial] = [digits.slice(0, 3), digits.slice(3, 5), digits.slice(5)];
  if (area === "000" || area === "666" || group === "00" || serial === "0000") return false;
  return area < "900" || isTaxpayerGroup(group);
}

/** Middle digits of an individual taxpayer identification number, which begins with 9. */
function isTaxpayerGroup(group: string): boolean {
  return group >= "50" && !["66", "67", "68", "69", "89", "93"].includes(group);
}
