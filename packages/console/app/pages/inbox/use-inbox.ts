import { useInfiniteQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { type Approval, type InboxFilter, inboxQuery } from "../../api/approvals.ts";
import { usePendingCount } from "../../api/pending.ts";
import { useTenant } from "../../shell/tenant.ts";
import { useNow } from "../../ui/time.tsx";

const NEVER = "9999-12-31T00:00:00Z";

export interface Inbox {
  readonly approvals: readonly Approval[];
  readonly filter: InboxFilter;
  /** How many are pending in the chosen tenants, loaded or not, whatever the other filters say. */
  readonly pending: number | undefined;
  readonly loading: boolean;
  readonly error: unknown;
  retry(): void;
  /** Loads the next page, when there is one. */
  more(): void;
  readonly hasMore: boolean;
}

/** The pending approvals that the address asks for. What ran out while it was looked at is gone at once. */
export function useInbox(): Inbox {
  const { agent, rule } = useSearch({ from: "/inbox" });
  const tenant = useTenant();
  const filter = useMemo(() => ({ tenant, agent, rule }), [tenant, agent, rule]);
  const query = useInfiniteQuery(inboxQuery(filter));
  const loaded = useMemo(() => query.data?.pages.flatMap(({ approvals }) => approvals) ?? [], [query.data]);
  const now = useNow(loaded[0]?.expiresAt ?? NEVER);
  const approvals = useMemo(() => {
    const first = loaded.findIndex(({ expiresAt }) => new Date(expiresAt).getTime() > now);
    return first <= 0 ? (first === 0 ? loaded : []) : loaded.slice(first);
  }, [loaded, now]);
  const { hasNextPage, isFetching, fetchNextPage } = query;
  return {
    approvals,
    filter,
    // What is answered here leaves the loaded pages at once, and these do not count again.
    pending: usePendingCount() ?? query.data?.pages[0]?.pending,
    loading: query.isPending,
    error: query.error,
    retry: () => void query.refetch(),
    more: () => {
      if (hasNextPage && !isFetching) void fetchNextPage();
    },
    hasMore: hasNextPage,
  };
}
