import { createSortedRowModel, rowSortingFeature, type SortFn, tableFeatures, useTable } from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useEffect, useMemo, useRef } from "react";
import { cls } from "./classes.ts";

export interface Column<Row> {
  readonly id: string;
  readonly head: string;
  readonly cell: (row: Row) => ReactNode;
  /** What rows are sorted by when the heading is pressed. Absent: they are not. */
  readonly sort?: (row: Row) => string | number;
  /** Class of the column's cells: width, alignment. */
  readonly className?: string;
}

export interface DataTableProps<Row> {
  /** What the table is of, for those who hear the page. */
  readonly label: string;
  readonly rows: readonly Row[];
  /** Kept outside the component or in a memo, so that it is the same from one drawing to the next. */
  readonly columns: readonly Column<Row>[];
  readonly rowId: (row: Row) => string;
  /** The row that is open beside the table. */
  readonly selected?: string | undefined;
  /** Asked for when the last rows come near: where more pages are loaded. */
  readonly onEnd?: (() => void) | undefined;
  /** Rows there are in all, when more exist than are loaded. */
  readonly total?: number | undefined;
  /** Height that the table fills; it scrolls inside. */
  readonly height?: string;
}

const features = tableFeatures({ rowSortingFeature, sortedRowModel: createSortedRowModel() });
const ROW_PX = 33;
const NEAR_END_ROWS = 10;

/** A table that draws only the rows in view, however many there are. Where it is narrow a row becomes a block of named lines. */
export function DataTable<Row extends object>(props: DataTableProps<Row>) {
  const { label, rows, columns, rowId, selected, onEnd, total, height = "calc(100dvh - 9rem)" } = props;
  const box = useRef<HTMLDivElement>(null);
  const data = useMemo(() => [...rows], [rows]);
  const defined = useMemo(() => columns.map(defineColumn), [columns]);
  const table = useTable({ features, columns: defined, data, getRowId: rowId });
  const sorted = table.getRowModel().rows;
  const virtual = useVirtualizer({
    count: sorted.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    getItemKey: (at) => sorted[at]?.id ?? at,
    overscan: 12,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (sorted.length > 0 && last >= sorted.length - NEAR_END_ROWS) onEnd?.();
  }, [last, sorted.length, onEnd]);
  const above = items[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  return (
    <div
      ref={box}
      tabIndex={0}
      role="region"
      aria-label={label}
      className="@container overflow-auto rounded border border-line bg-card"
      style={{ maxHeight: height }}
    >
      <table role="table" aria-label={label} aria-rowcount={(total ?? rows.length) + 1} className="stacking w-full border-collapse">
        <thead role="rowgroup" className="top-0 z-10 bg-card @min-[38rem]:sticky">
          <tr role="row" aria-rowindex={1} className="text-left text-soft">
            {table.getHeaderGroups()[0]?.headers.map((header) => (
              <th
                key={header.id}
                role="columnheader"
                scope="col"
                aria-sort={ariaSort(header.column.getIsSorted(), header.column.getCanSort())}
                className={cls("px-2 py-1 font-normal", columns.find(({ id }) => id === header.id)?.className)}
              >
                {header.column.getCanSort() ? (
                  <button
                    type="button"
                    className="min-h-6 underline-offset-2 hover:underline"
                    onClick={header.column.getToggleSortingHandler()}
                  >
                    {String(header.column.columnDef.header)}
                    <span aria-hidden="true">{arrow(header.column.getIsSorted())}</span>
                  </button>
                ) : (
                  String(header.column.columnDef.header)
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          <Space px={above} columns={columns.length} />
          {items.map((item) => {
            const row = sorted[item.index];
            if (row === undefined) return undefined;
            return (
              <tr
                key={row.id}
                ref={virtual.measureElement}
                data-index={item.index}
                data-row={row.id}
                role="row"
                aria-rowindex={item.index + 2}
                aria-current={row.id === selected ? "true" : undefined}
                className="border-t border-line align-top hover:bg-raised aria-[current]:bg-chosen"
              >
                {columns.map((column) => (
                  <td key={column.id} role="cell" data-label={column.head} className={cls("px-2 py-1.5", column.className)}>
                    <div className="min-w-0">{column.cell(row.original)}</div>
                  </td>
                ))}
              </tr>
            );
          })}
          <Space px={below} columns={columns.length} />
        </tbody>
      </table>
    </div>
  );
}

/** Stands for the rows that are not drawn. */
function Space({ px, columns }: { readonly px: number; readonly columns: number }) {
  if (px <= 0) return undefined;
  return (
    <tr aria-hidden="true">
      <td colSpan={columns} data-label="" style={{ height: px, padding: 0 }} />
    </tr>
  );
}

function defineColumn<Row extends object>({ id, head, sort }: Column<Row>) {
  const sortFn: SortFn<typeof features, Row> = (a, b) => {
    const [left, right] = [sort?.(a.original) ?? 0, sort?.(b.original) ?? 0];
    return left === right ? 0 : left < right ? -1 : 1;
  };
  return { id, header: head, accessorFn: (row: Row) => sort?.(row) ?? "", enableSorting: sort !== undefined, sortFn };
}

function ariaSort(sorted: false | "asc" | "desc", sortable: boolean): "ascending" | "descending" | "none" | undefined {
  if (sorted === "asc") return "ascending";
  if (sorted === "desc") return "descending";
  return sortable ? "none" : undefined;
}

function arrow(sorted: false | "asc" | "desc"): string {
  if (sorted === false) return "";
  return sorted === "asc" ? " ▲" : " ▼";
}
