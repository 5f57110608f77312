import { printable } from "../insight/printable.ts";

export { printable } from "../insight/printable.ts";

/** A value as people read it in a line: texts in quotes only when they could be taken for something else. */
export function inline(value: unknown): string {
  if (value === undefined || value === null) return "(none)";
  if (typeof value === "string") return value === "" ? '""' : printable(value);
  return printable(JSON.stringify(value));
}

/** Rows under headings, columns two spaces apart. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const clean = rows.map((row) => row.map(printable));
  const widths = headings.map((heading, column) => Math.max(heading.length, ...clean.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join("  ");
  return [line(headings), ...clean.map(line)].map((each) => `${each.trimEnd()}\n`).join("");
}

/** Labelled lines with the labels in one column. */
export function labelled(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([label]) => label.length));
  return pairs.map(([label, text]) => `${label.padEnd(width)}  ${text}\n`).join("");
}

/** Time left or gone, in the largest unit that still says something. */
export function relative(at: Date, now: Date): string {
  const ms = at.getTime() - now.getTime();
  const size = span(Math.abs(ms));
  return ms >= 0 ? `in ${size}` : `${size} ago`;
}

function span(ms: number): string {
  if (ms < 90_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 90 * 60_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 36 * 3_600_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} days`;
}
