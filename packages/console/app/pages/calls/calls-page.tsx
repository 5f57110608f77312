import { useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { useMe } from "../../api/queries.ts";
import { useShortcuts } from "../../shell/keys.ts";
import { useTenant } from "../../shell/tenant.ts";
import { Empty } from "../../ui/empty.tsx";
import { Page } from "../../ui/page.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { CallFilters } from "./call-filters.tsx";
import { CallsTable } from "./calls-table.tsx";
import { type CallFilter, useCallFilter } from "./filter.ts";
import { SavedSearches, searchAddress } from "./saved-searches.tsx";
import { type ShownCalls, useCalls } from "./use-calls.ts";

/** Calls as they happen, by a filter that stands in the address. */
export function CallsPage() {
  const filter = useCallFilter("/calls");
  const tenant = useTenant();
  const shown = useCalls(filter, tenant);
  const navigate = useNavigate({ from: "/calls" });
  const first = useRef<HTMLInputElement>(null);
  const selected = useRowKeys(shown, (id) => void navigate({ to: "/calls/$id", params: { id } }));
  useShortcuts([{ key: "/", does: "filter the calls", run: () => first.current?.focus() }]);
  const find = (next: CallFilter): void => void navigate({ search: { ...(tenant === undefined ? {} : { tenant }), ...next } });
  return (
    <Page
      title="Calls"
      actions={
        <div className="flex flex-wrap gap-2">
          <SavedSearches filter={filter} onChoose={(search) => void navigate({ search: searchAddress(search) })} />
        </div>
      }
    >
      <CallFilters filter={filter} onChange={find} first={first} />
      <Found shown={shown} selected={selected} filtered={Object.keys(filter).length > 0} />
    </Page>
  );
}

/** `j` and `k` go through the rows, Enter opens one. Returns the row that is chosen. */
function useRowKeys({ calls }: ShownCalls, open: (callId: string) => void): string | undefined {
  const [selected, select] = useState<string>();
  const move = (by: number): void => {
    const at = calls.findIndex(({ callId }) => callId === selected);
    const next = calls[at < 0 ? (by > 0 ? 0 : calls.length - 1) : Math.min(calls.length - 1, Math.max(0, at + by))];
    if (next === undefined) return;
    select(next.callId);
    // Only rows in view are drawn; the next one is among those drawn around them.
    document.querySelector(`tr[data-row="${CSS.escape(next.callId)}"]`)?.scrollIntoView({ block: "nearest" });
  };
  useShortcuts([
    { key: "j", does: "next call", run: () => move(1) },
    { key: "k", does: "call before", run: () => move(-1) },
    { key: "o", does: "open the chosen call", run: () => (selected === undefined ? undefined : open(selected)) },
    // A link or button that has the focus is what Enter is for.
    { key: "Enter", does: "open the chosen call", run: () => enter(selected, open) },
  ]);
  return selected;
}

function enter(selected: string | undefined, open: (callId: string) => void): void {
  const focused = document.activeElement;
  if (focused instanceof HTMLElement && focused.matches("a, button, summary")) focused.click();
  else if (selected !== undefined) open(selected);
}

function Found({
  shown,
  selected,
  filtered,
}: {
  readonly shown: ShownCalls;
  readonly selected: string | undefined;
  readonly filtered: boolean;
}) {
  const me = useMe();
  const tenant = useTenant();
  const { calls, loading, error, older, loadingOlder, more, retry } = shown;
  if (error !== null && error !== undefined) return <ProblemNote error={error} onRetry={retry} />;
  if (loading) return <Skeleton lines={8} label="Loading calls" />;
  if (calls.length === 0 && older === undefined && !loadingOlder)
    return filtered ? (
      <Empty title="No call matches.">Take a condition away, or ask for a longer time.</Empty>
    ) : (
      <Empty title="No agent has called a tool yet." command="bailiwick demo">
        A call appears here by itself as soon as an agent makes one.
      </Empty>
    );
  return (
    <>
      <CallsTable calls={calls} selected={selected} severalTenants={tenant === undefined && (me?.tenants.length ?? 0) > 1} onEnd={older} />
      <p role="status" className="mt-1 text-soft">
        {loadingOlder ? "Loading older calls" : `${calls.length} calls${older === undefined ? "" : ", and older ones below"}`}
        {more.length === 0 ? "" : `. There is more of ${more.join(", ")}: choose a tenant above to see it.`}
      </p>
    </>
  );
}
