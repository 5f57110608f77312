/**
 * A text as the finders read it: invisible characters gone, and digits, letters, dashes and spaces of other scripts and widths in their
 * plain form, so that `４１１１…` or a zero-width space inside a number hides nothing.
 */
export interface Plain {
  readonly text: string;
  /** Where the character at `index` begins and ends in the text as it was written. */
  startOf(index: number): number;
  endOf(index: number): number;
  /** Characters looked at by finders, those of failed candidates included: what must stay linear. */
  work: number;
}

export function plainOf(written: string): Plain {
  // Without a character outside ASCII there is nothing to do; most texts of tools are such.
  if (!NOT_ASCII.test(written)) return { text: written, startOf: (index) => index, endOf: (index) => index + 1, work: 0 };
  return rewritten(written);
}

const NOT_ASCII = /[^\0-\u007f]/u;

function rewritten(written: string): Plain {
  const units = new Uint16Array(written.length);
  const starts = new Uint32Array(written.length);
  const known = new Map<number, number>();
  let length = 0;
  for (let at = 0; at < written.length;) {
    const point = written.codePointAt(at) ?? 0;
    const width = point > 0xff_ff ? 2 : 1;
    const unit = point < 0x80 ? point : (known.get(point) ?? learn(known, point));
    if (unit === KEEP) {
      for (let part = 0; part < width; part += 1, length += 1) {
        units[length] = written.charCodeAt(at + part);
        starts[length] = at;
      }
    } else if (unit !== DROP) {
      units[length] = unit;
      starts[length] = at;
      length += 1;
    }
    at += width;
  }
  return {
    text: Buffer.from(units.buffer, 0, length * 2).toString("utf16le"),
    startOf: (index) => starts[index] ?? written.length,
    endOf: (index) => {
      const start = starts[index] ?? written.length;
      return Math.min(written.length, start + ((written.codePointAt(start) ?? 0) > 0xff_ff ? 2 : 1));
    },
    work: 0,
  };
}

const DROP = -1;
const KEEP = -2;

function learn(known: Map<number, number>, point: number): number {
  const unit = plainUnit(point);
  known.set(point, unit);
  return unit;
}

/** The ASCII character that stands for this one, or that it is dropped or kept. */
function plainUnit(point: number): number {
  const char = String.fromCodePoint(point);
  // Joiners, soft hyphens, marks of direction, variation selectors, strokes laid over a character.
  if (/[\p{Default_Ignorable_Code_Point}\p{M}]/u.test(char)) return DROP;
  if (/\p{Nd}/u.test(char)) return 0x30 + digitOf(point);
  if (/[\p{Pd}\u2212]/u.test(char)) return 0x2d;
  if (/\p{Zs}/u.test(char)) return 0x20;
  if (/[\u00b7\u2022\u3002\uff61]/u.test(char)) return 0x2e;
  const folded = char.normalize("NFKC");
  return folded.length === 1 && folded.charCodeAt(0) < 0x80 ? folded.charCodeAt(0) : KEEP;
}

/** Decimal digits stand in runs of ten, from zero on, that may follow each other without a gap. */
function digitOf(point: number): number {
  let before = 0;
  while (/\p{Nd}/u.test(String.fromCodePoint(point - before - 1))) before += 1;
  return before % 10;
}
