import { defaultRangeExtractor, type Range, useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { cls } from "../../ui/classes.ts";
import { Text } from "../../ui/untrusted.tsx";
import { shortName } from "../agents/agent-name.ts";
import { Mark } from "./mark.tsx";
import { markText, type MatrixPart, type MatrixRow, moved } from "./filter.ts";

const FIRST_PX = 232;
const HEAD_PX = 68;
const COLUMN_PX = 124;
const ROW_PX = 54;
/** Rows that Page Down moves by. */
const PAGE_ROWS = 10;

export interface GridProps extends MatrixPart {
  readonly opened: { readonly agent: string; readonly action: string } | undefined;
  readonly onOpen: (agent: string, action: string) => void;
}

/**
 * Agents by actions. Only the cells in view are drawn, however many there are; agents and actions stay beside them. One cell is in the tab
 * order, the arrow keys move it, Enter opens it (ARIA grid pattern).
 */
export function Grid({ rows, columns, opened, onOpen }: GridProps) {
  const box = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState(() => placeOf(opened, rows, columns) ?? { row: 0, column: 0 });
  const here = { row: Math.min(at.row, rows.length - 1), column: Math.min(at.column, columns.length - 1) };
  const wantsFocus = useRef(false);
  const vertical = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    paddingStart: HEAD_PX,
    scrollPaddingStart: HEAD_PX,
    overscan: 6,
    rangeExtractor: (range) => withCurrent(range, here.row),
  });
  const horizontal = useVirtualizer({
    horizontal: true,
    count: columns.length,
    getScrollElement: () => box.current,
    estimateSize: () => COLUMN_PX,
    paddingStart: FIRST_PX,
    scrollPaddingStart: FIRST_PX,
    overscan: 4,
    rangeExtractor: (range) => withCurrent(range, here.column),
  });
  const first = useRef(placeOf(opened, rows, columns));
  useEffect(() => {
    if (first.current === undefined) return;
    vertical.scrollToIndex(first.current.row);
    horizontal.scrollToIndex(first.current.column);
    first.current = undefined;
  });
  useEffect(() => {
    if (!wantsFocus.current) return;
    const cell = box.current?.querySelector<HTMLElement>(`[data-cell="${here.row} ${here.column}"]`);
    if (cell === null || cell === undefined) return;
    wantsFocus.current = false;
    cell.focus({ preventScroll: true });
  });
  const pressed = (event: KeyboardEvent): void => {
    const to = moved(here, event.key, event.ctrlKey, { rows: rows.length, columns: columns.length, page: PAGE_ROWS });
    if (to === undefined) return;
    event.preventDefault();
    wantsFocus.current = true;
    setAt(to);
    vertical.scrollToIndex(to.row);
    horizontal.scrollToIndex(to.column);
  };
  const width = horizontal.getTotalSize();
  return (
    <div ref={box} className="max-h-[calc(100dvh-15rem)] min-h-60 overflow-auto rounded border border-line bg-card">
      <div
        role="grid"
        aria-label="What each agent may do"
        aria-rowcount={rows.length + 1}
        aria-colcount={columns.length + 1}
        onKeyDown={pressed}
        tabIndex={-1}
        className="relative outline-none"
        style={{ width, height: vertical.getTotalSize() }}
      >
        <div role="row" aria-rowindex={1} className="sticky top-0 z-20 bg-card" style={{ width, height: HEAD_PX }}>
          <div
            role="columnheader"
            aria-colindex={1}
            className="sticky left-0 z-30 flex items-end border-r border-b border-line bg-card px-2 py-1 text-soft"
            style={{ width: FIRST_PX, height: HEAD_PX }}
          >
            agent
          </div>
          {horizontal.getVirtualItems().map(({ index, start, size }) => {
            const action = columns[index]?.action;
            if (action === undefined) return undefined;
            return (
              <div
                key={action.action}
                role="columnheader"
                aria-colindex={index + 2}
                title={`${action.scope}, ${action.effect}`}
                className="absolute top-0 flex flex-col justify-end overflow-hidden border-b border-line px-1.5 py-1 leading-tight"
                style={{ left: start, width: size, height: HEAD_PX }}
              >
                <Text className="text-xs text-soft">{action.operation.tool}</Text>
                <Text className="line-clamp-2 font-medium">{action.operation.name}</Text>
              </div>
            );
          })}
        </div>
        {vertical.getVirtualItems().map(({ index, start, size }) => {
          const row = rows[index];
          if (row === undefined) return undefined;
          return (
            <div
              key={row.agent}
              role="row"
              aria-rowindex={index + 2}
              className="absolute left-0 border-b border-line"
              style={{ top: start, width, height: size }}
            >
              <RowHead of={row} />
              {horizontal.getVirtualItems().map(({ index: column, start: left, size: cellWidth }) => {
                const place = columns[column];
                const mark = place === undefined ? undefined : row.cells[place.at];
                if (place === undefined || mark === undefined) return undefined;
                const current = index === here.row && column === here.column;
                const isOpen = opened?.agent === row.agent && opened.action === place.action.action;
                return (
                  <div
                    key={place.action.action}
                    role="gridcell"
                    aria-colindex={column + 2}
                    aria-selected={isOpen}
                    aria-label={`${shortName(row.agent)}, ${place.action.action}: ${markText(mark)}`}
                    data-cell={`${index} ${column}`}
                    tabIndex={current ? 0 : -1}
                    onClick={() => {
                      setAt({ row: index, column });
                      onOpen(row.agent, place.action.action);
                    }}
                    onKeyDown={(event) => {
                      if (event.key !== "Enter" && event.key !== " ") return;
                      event.preventDefault();
                      onOpen(row.agent, place.action.action);
                    }}
                    onFocus={() => setAt({ row: index, column })}
                    className={cls(
                      "absolute top-0 flex cursor-pointer items-center px-1.5 -outline-offset-2 hover:bg-raised",
                      isOpen && "bg-chosen",
                    )}
                    style={{ left, width: cellWidth, height: size - 1 }}
                  >
                    <Mark of={mark} />
                  </div>
                );
              })}
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** Where the cell stands that an address opens. */
function placeOf(opened: GridProps["opened"], rows: GridProps["rows"], columns: GridProps["columns"]) {
  const row = rows.findIndex(({ agent }) => agent === opened?.agent);
  const column = columns.findIndex(({ action }) => action.action === opened?.action);
  return row < 0 || column < 0 ? undefined : { row, column };
}

function RowHead({ of: { agent, elevations } }: { readonly of: MatrixRow }) {
  const [tenant, environment, ...rest] = shortName(agent).split("/");
  return (
    <div
      role="rowheader"
      aria-colindex={1}
      title={agent}
      className="sticky left-0 z-10 flex h-full flex-col justify-center overflow-hidden border-r border-line bg-card px-2 leading-tight"
      style={{ width: FIRST_PX }}
    >
      <Text className="truncate font-medium">{rest.join("/")}</Text>
      <span className="truncate text-xs text-soft">
        <Text>{`${tenant ?? ""} ${environment ?? ""}`}</Text>
        {elevations.length === 0 ? undefined : (
          <span className="font-semibold text-ask"> ▲ {elevations.map(({ role }) => role).join(", ")} for a time</span>
        )}
      </span>
    </div>
  );
}

/** The cell that has the focus stays in the page when it is scrolled out of view. */
function withCurrent(range: Range, current: number): number[] {
  const drawn = defaultRangeExtractor(range);
  return current < 0 || drawn.includes(current) ? drawn : [...drawn, current].toSorted((a, b) => a - b);
}
