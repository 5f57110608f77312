type Row = Readonly<Record<string, string | number>>;

/** Rows as text columns: words to the left, numbers to the right. */
export function formatTable(rows: readonly Row[]): string {
  const columns = Object.keys(rows[0] ?? {});
  const cells = rows.map((row) => columns.map((column) => formatCell(row[column] ?? "")));
  const widths = columns.map((column, index) => Math.max(column.length, ...cells.map((row) => row[index]?.length ?? 0)));
  const line = (words: readonly string[], numeric: (index: number) => boolean): string =>
    words
      .map((word, index) => (numeric(index) ? word.padStart(widths[index] ?? 0) : word.padEnd(widths[index] ?? 0)))
      .join("  ")
      .trimEnd();
  const isNumber = (index: number): boolean => typeof rows[0]?.[columns[index] ?? ""] === "number";
  return `${[line(columns, isNumber), ...cells.map((row) => line(row, isNumber))].join("\n")}\n`;
}

function formatCell(value: string | number): string {
  if (typeof value === "string") return value;
  return value >= 100 ? value.toFixed(0) : value.toFixed(2);
}
