import { plainOf } from "../risk/content/plain.ts";
import type { Span } from "./secret-matcher.ts";

/** A text read in another way, with the way back to where its characters stand. */
export interface View {
  readonly text: string;
  place(span: Span): Span;
}

/**
 * The ways in which a text is searched for secrets: as it is; in plain characters (invisible ones gone, full-width ones narrow); and with
 * escapes undone (percent, JSON, `\x`, HTML), also twice. A way that would read the same as another is left out.
 */
export function* viewsOf(text: string): Generator<View> {
  const asIs: View = { text, place: (span) => span };
  yield asIs;
  const plain = plainOf(text);
  if (plain.text !== text)
    yield { text: plain.text, place: ({ start, end }) => ({ start: plain.startOf(start), end: plain.endOf(end - 1) }) };
  const once = unescapedView(asIs);
  if (once === undefined) return;
  yield once;
  const twice = unescapedView(once);
  if (twice !== undefined) yield twice;
}

const ESCAPE = /(?:%[\da-f]{2})+|(?:\\u[\da-f]{4}|\\x[\da-f]{2}|\\[\\/"'])|&(?:#\d{1,7}|#x[\da-f]{1,6}|amp|lt|gt|quot|apos);/giu;

const NAMED: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** The view with one layer of escapes undone; undefined when there is none. */
export function unescapedView(view: View): View | undefined {
  if (!view.text.includes("%") && !view.text.includes("\\") && !view.text.includes("&")) return undefined;
  const pieces: string[] = [];
  const starts: number[] = [];
  const shifts: number[] = [];
  let [behind, length] = [0, 0];
  for (const { index, 0: escape } of view.text.matchAll(ESCAPE)) {
    const between = view.text.slice(behind, index);
    const value = valueOf(escape);
    pieces.push(between, value);
    length += between.length;
    behind = index + escape.length;
    // Characters of the value all stand for the whole escape: `starts` holds where each group begins and where the text behind it does.
    starts.push(length, length + value.length);
    shifts.push(index, behind);
    length += value.length;
  }
  if (pieces.length === 0) return undefined;
  const back = (place: number, isEnd: boolean): number => {
    const at = lastUpTo(place, starts);
    if (at < 0) return place;
    // Within an escape: its beginning, or its end.
    if (at % 2 === 0) return isEnd ? (shifts[at + 1] ?? 0) : (shifts[at] ?? 0);
    return (shifts[at] ?? 0) + place - (starts[at] ?? 0);
  };
  return {
    text: pieces.join("") + view.text.slice(behind),
    place: ({ start, end }) =>
      view.place({ start: back(start, false), end: isWithin(end - 1, starts) ? back(end - 1, true) : back(end - 1, false) + 1 }),
  };
}

function isWithin(place: number, starts: readonly number[]): boolean {
  const at = lastUpTo(place, starts);
  return at >= 0 && at % 2 === 0;
}

/** The index of the last that is not greater, by halving, since there may be very many; -1 when all are. */
function lastUpTo(place: number, starts: readonly number[]): number {
  let [low, high] = [0, starts.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((starts[middle] ?? 0) <= place) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function valueOf(escape: string): string {
  if (escape.startsWith("%")) return Buffer.from(escape.replaceAll("%", ""), "hex").toString("utf8");
  if (escape.startsWith("\\"))
    return /^\\[ux]/iu.test(escape) ? String.fromCharCode(Number.parseInt(escape.slice(2), 16)) : escape.slice(1);
  const name = escape.slice(1, -1).toLowerCase();
  if (!name.startsWith("#")) return NAMED[name] ?? "";
  const point = name.startsWith("#x") ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
  return point <= 0x10_ff_ff ? String.fromCodePoint(point) : "";
}
