import { Link } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef } from "react";
import type { Approval } from "../../api/approvals.ts";
import { Badge } from "../../ui/badge.tsx";
import { cls } from "../../ui/classes.ts";
import { Time } from "../../ui/time.tsx";
import { Text } from "../../ui/untrusted.tsx";
import { agentName, stakesTone } from "./words.ts";

const ROW_PX = 74;
const NEAR_END_ROWS = 15;

/** Pending approvals, drawn only as far as they are in view. One of them is in the order of the Tab key; j, k and the arrows move. */
export function ApprovalList(props: {
  readonly approvals: readonly Approval[];
  readonly selected: string | undefined;
  readonly chosen: ReadonlyMap<string, Approval>;
  readonly total: number;
  readonly onOpen: (id: string) => void;
  readonly onChoose: (approval: Approval) => void;
  readonly onMove: (by: number) => void;
  readonly onEnd: () => void;
}) {
  const { approvals, selected, chosen, total, onOpen, onChoose, onMove, onEnd } = props;
  const box = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: approvals.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    getItemKey: (at) => approvals[at]?.id ?? at,
    overscan: 8,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (last >= approvals.length - NEAR_END_ROWS) onEnd();
  }, [last, approvals.length, onEnd]);
  const at = approvals.findIndex(({ id }) => id === selected);
  useEffect(() => {
    if (at < 0) return;
    virtual.scrollToIndex(at);
    // Who moves within the list stays in it.
    if (box.current?.contains(document.activeElement) === true) box.current.querySelector<HTMLElement>("a[data-selected]")?.focus();
  }, [at, virtual]);
  return (
    <div ref={box} className="h-full min-h-40 overflow-auto">
      <ul aria-label="Calls that wait for a person" className="relative" style={{ height: virtual.getTotalSize() }}>
        {items.map((item) => {
          const approval = approvals[item.index];
          if (approval === undefined) return undefined;
          return (
            <li
              key={approval.id}
              ref={virtual.measureElement}
              data-index={item.index}
              data-approval={approval.id}
              aria-setsize={total}
              aria-posinset={item.index + 1}
              className={cls(
                "absolute inset-x-0 flex gap-2 border-b border-line px-2 py-1.5",
                approval.id === selected ? "bg-chosen" : "hover:bg-raised",
              )}
              style={{ transform: `translateY(${item.start}px)` }}
            >
              <Row
                approval={approval}
                selected={approval.id === selected}
                inTabOrder={at < 0 ? item.index === 0 : approval.id === selected}
                chosen={chosen.has(approval.id)}
                onOpen={onOpen}
                onMove={onMove}
                onChoose={onChoose}
              />
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function Row({
  approval,
  selected,
  inTabOrder,
  chosen,
  onOpen,
  onMove,
  onChoose,
}: {
  readonly approval: Approval;
  readonly selected: boolean;
  readonly inTabOrder: boolean;
  readonly chosen: boolean;
  readonly onOpen: (id: string) => void;
  readonly onMove: (by: number) => void;
  readonly onChoose: (approval: Approval) => void;
}) {
  const { id, scope, resource, agent, user, tenant, environment, expiresAt, stakes, quorum, stepUp, mayAnswer } = approval;
  const places = quorum.groups.reduce((sum, { count }) => sum + count, 0);
  const yes = quorum.groups.reduce((sum, group) => sum + group.yes.length, 0);
  return (
    <>
      <input
        type="checkbox"
        className="mt-0.5 size-6 shrink-0 accent-accent"
        aria-label={`Choose ${scope} of ${agentName(agent)} to answer it with others`}
        checked={chosen}
        disabled={!mayAnswer || stepUp}
        tabIndex={inTabOrder ? 0 : -1}
        onChange={() => onChoose(approval)}
      />
      <Link
        to="/approvals/$id"
        params={{ id }}
        search
        data-selected={selected ? "" : undefined}
        tabIndex={inTabOrder ? 0 : -1}
        onClick={(event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey) return;
          event.preventDefault();
          onOpen(id);
        }}
        onKeyDown={(event) => {
          const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
          if (by === 0) return;
          event.preventDefault();
          onMove(by);
        }}
        className="min-w-0 grow text-ink no-underline"
      >
        <span className="flex justify-between gap-2">
          <span className="truncate font-semibold">
            <Text>{scope}</Text>
            {resource === undefined ? undefined : (
              <span className="font-normal">
                {" "}
                <Text>{`${resource.type} ${resource.id}`}</Text>
              </span>
            )}
          </span>
          <span className="shrink-0 text-soft">
            <Time at={expiresAt} />
          </span>
        </span>
        <span className="block truncate text-soft">
          <Text>{agentName(agent)}</Text> for <Text>{user}</Text>, {tenant}/{environment}
        </span>
        <span className="mt-0.5 flex flex-wrap gap-1 text-xs">
          <Badge tone={stakesTone(stakes.level)}>{stakes.level} stakes</Badge>
          {places > 1 ? (
            <Badge>
              {yes} of {places} yes
            </Badge>
          ) : undefined}
          {stepUp ? <Badge>passkey</Badge> : undefined}
          {mayAnswer ? undefined : <Badge>not yours to answer</Badge>}
        </span>
      </Link>
    </>
  );
}
