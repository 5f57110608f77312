import type { components } from "../../api/contract.d.ts";

export type MatrixTable = components["schemas"]["Matrix"];
export type MatrixRow = MatrixTable["rows"][number];
export type MatrixAction = MatrixTable["actions"][number];
export type MatrixMark = MatrixRow["cells"][number];

/** What is looked for; an absent part narrows nothing. */
export interface MatrixFilter {
  /** Part of an agent's name. */
  readonly find?: string | undefined;
  readonly tool?: string | undefined;
  readonly effect?: string | undefined;
  /** Only actions that some shown agent may do so. */
  readonly verdict?: string | undefined;
}

/** A part of the table. */
export interface MatrixPart {
  readonly rows: readonly MatrixRow[];
  /** Actions with their place in each row's cells. */
  readonly columns: readonly { readonly action: MatrixAction; readonly at: number }[];
}

/** The rows and columns that fit. A verdict is looked for in the rows that fit. */
export function partOf(table: MatrixTable, { find = "", tool, effect, verdict }: MatrixFilter): MatrixPart {
  const rows = table.rows.filter(({ agent }) => agent.toLowerCase().includes(find.trim().toLowerCase()));
  const columns = table.actions
    .map((action, at) => ({ action, at }))
    .filter(
      ({ action, at }) =>
        (tool === undefined || action.operation.tool === tool) &&
        (effect === undefined || action.effect === effect) &&
        (verdict === undefined || rows.some(({ cells }) => isOf(cells[at], verdict))),
    );
  return { rows, columns };
}

/** `raised`: what is more for a time counts as its own kind. */
function isOf(mark: MatrixMark | undefined, verdict: string): boolean {
  return verdict === "raised" ? mark?.raised?.active === true : mark?.verdict === verdict;
}

/** A cell in a few words, as it stands in the table: `allow`, `allow sometimes`, `deny ask for a time`, `deny eligible`. */
export function markText(mark: MatrixMark): string {
  const more = moreText(mark);
  return more === undefined ? mark.verdict : `${mark.verdict} ${more}`;
}

/** What is said of a cell beside its verdict. */
export function moreText({ when, raised }: MatrixMark): string | undefined {
  const usual = when === "always" ? [] : [when];
  const more = raised === undefined ? [] : [raised.active ? `${raised.verdict} for a time` : "eligible"];
  return [...usual, ...more].join(", ") || undefined;
}

/** Where a key moves to in a table of this size; undefined when it moves nowhere. */
export function moved(
  from: { readonly row: number; readonly column: number },
  key: string,
  ctrl: boolean,
  size: { readonly rows: number; readonly columns: number; readonly page: number },
): { readonly row: number; readonly column: number } | undefined {
  const [lastRow, lastColumn] = [size.rows - 1, size.columns - 1];
  const row = (to: number): number => Math.max(0, Math.min(lastRow, to));
  const column = (to: number): number => Math.max(0, Math.min(lastColumn, to));
  switch (key) {
    case "ArrowDown":
      return { ...from, row: row(from.row + 1) };
    case "ArrowUp":
      return { ...from, row: row(from.row - 1) };
    case "ArrowRight":
      return { ...from, column: column(from.column + 1) };
    case "ArrowLeft":
      return { ...from, column: column(from.column - 1) };
    case "PageDown":
      return { ...from, row: row(from.row + size.page) };
    case "PageUp":
      return { ...from, row: row(from.row - size.page) };
    case "Home":
      return { row: ctrl ? 0 : from.row, column: 0 };
    case "End":
      return { row: ctrl ? lastRow : from.row, column: lastColumn };
    default:
      return undefined;
  }
}
