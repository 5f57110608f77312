import { type ReactNode, useCallback, useEffect, useRef } from "react";
import { useShortcuts } from "../../shell/keys.ts";
import { cls } from "../../ui/classes.ts";
import { Empty } from "../../ui/empty.tsx";
import { usePageTitle } from "../../ui/page.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { BulkBar } from "./bulk-bar.tsx";
import { CardPane } from "./card/card-pane.tsx";
import { ElevationsWaiting } from "./elevations-waiting.tsx";
import { Filters } from "./filters.tsx";
import { ApprovalList } from "./list.tsx";
import { useBulk } from "./use-bulk.ts";
import { type Inbox, useInbox } from "./use-inbox.ts";
import { useSelection } from "./use-selection.ts";

/** Where the console opens: calls that wait for a person, and the one that is looked at. */
export function InboxPage(): ReactNode {
  const inbox = useInbox();
  const { approvals } = inbox;
  const selection = useSelection(approvals);
  const bulk = useBulk(approvals);
  const card = useRef<HTMLDivElement>(null);
  const { id, wide, listShown } = selection;
  usePageTitle(inbox.pending === undefined || inbox.pending === 0 ? "Inbox" : `(${inbox.pending}) Inbox`);
  const chosen = approvals.find((approval) => approval.id === id);
  useShortcuts([
    { key: "j", does: "next call", run: () => selection.move(1) },
    { key: "k", does: "call before", run: () => selection.move(-1) },
    { key: "u", does: "back to the call looked at before", run: selection.back },
    ...(chosen === undefined ? [] : [{ key: "x", does: "choose this call to answer it with others", run: () => bulk.toggle(chosen) }]),
    ...(listShown && !wide ? [] : [{ key: "Escape", does: "back to the list", run: () => (wide ? focusList() : selection.close()) }]),
  ]);
  const heading = useRef<HTMLHeadingElement>(null);
  useFocusAfterCard(id, heading);
  const more = inbox.more;
  const onEnd = useCallback(() => more(), [more]);
  const open = (to: string): void => {
    // What is opened takes the focus, to its answer nearest at hand.
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    selection.open(to);
    if (to === id) card.current?.querySelector<HTMLElement>("[data-deny]")?.focus();
  };
  return (
    <div className={cls("grid", wide && "h-[calc(100dvh-2.75rem)] grid-cols-[25rem_1fr]")}>
      {listShown ? undefined : <h1 className="sr-only">Inbox</h1>}
      <section
        aria-label="Inbox"
        hidden={!listShown}
        className={cls(
          "min-w-0 flex-col border-r border-line bg-card",
          listShown && "flex",
          wide ? "h-full overflow-hidden" : "h-[calc(100dvh-8rem)]",
        )}
      >
        <div className="grid gap-1.5 border-b border-line p-2">
          <h1 ref={heading} tabIndex={-1} className="text-base outline-none">
            Inbox <Count inbox={inbox} />
          </h1>
          <Filters approvals={approvals} filter={inbox.filter} />
        </div>
        <ElevationsWaiting tenant={inbox.filter.tenant} />
        <BulkBar bulk={bulk} />
        <div className="min-h-0 grow">
          <ListBody inbox={inbox}>
            <ApprovalList
              approvals={approvals}
              selected={id}
              chosen={bulk.chosen}
              total={total(inbox)}
              onOpen={open}
              onChoose={bulk.toggle}
              onMove={selection.move}
              onEnd={onEnd}
            />
          </ListBody>
        </div>
      </section>
      {id === undefined ? undefined : (
        <div ref={card} className={cls("min-w-0", wide && "h-full overflow-auto")}>
          <CardPane key={id} id={id} held={chosen} onAnswered={selection.goOn} onClose={wide ? undefined : selection.close} />
        </div>
      )}
    </div>
  );
}

function ListBody({ inbox, children }: { readonly inbox: Inbox; readonly children: React.ReactNode }) {
  if (inbox.loading)
    return (
      <div className="p-2">
        <Skeleton lines={8} />
      </div>
    );
  if (inbox.error !== null && inbox.approvals.length === 0)
    return (
      <div className="p-2">
        <ProblemNote error={inbox.error} onRetry={inbox.retry} />
      </div>
    );
  if (inbox.approvals.length > 0) return children;
  const filtered = inbox.filter.agent !== undefined || inbox.filter.rule !== undefined;
  return (
    <div className="p-2">
      <Empty title="No call waits for a person" command={filtered ? undefined : "bailiwick demo"}>
        {filtered ? (
          "None of this agent and rule, that is."
        ) : (
          <>
            A call whose rule says <code>approve</code> appears here by itself. To see one, run the demo.
          </>
        )}
      </Empty>
    </div>
  );
}

function Count({ inbox }: { readonly inbox: Inbox }) {
  const { approvals, pending, hasMore, filter } = inbox;
  if (pending === undefined) return undefined;
  const narrowed = filter.agent !== undefined || filter.rule !== undefined;
  return (
    <span className="font-normal text-soft" role="status">
      {narrowed ? `${approvals.length}${hasMore ? " and more" : ""} of ${pending} waiting` : `${pending} waiting`}
    </span>
  );
}

function total({ approvals, pending, hasMore, filter }: Inbox): number {
  if (!hasMore) return approvals.length;
  // -1: how many there are is not known (WAI-ARIA 1.2, aria-setsize).
  return filter.agent === undefined && filter.rule === undefined ? (pending ?? -1) : -1;
}

/** A card that goes takes the focus with it; then it is given to the line in the list that it was of, to the first one, or to the heading. */
function useFocusAfterCard(id: string | undefined, heading: { readonly current: HTMLElement | null }): void {
  const before = useRef(id);
  useEffect(() => {
    const left = before.current;
    before.current = id;
    if (left === undefined || id !== undefined || document.activeElement !== document.body) return;
    const lines = [...document.querySelectorAll<HTMLElement>("li[data-approval]")];
    const line = lines.find(({ dataset }) => dataset["approval"] === left) ?? lines[0];
    (line?.querySelector<HTMLElement>("a") ?? heading.current)?.focus();
  }, [id, heading]);
}

function focusList(): void {
  document.querySelector<HTMLElement>("li[data-approval] a[data-selected]")?.focus();
}
