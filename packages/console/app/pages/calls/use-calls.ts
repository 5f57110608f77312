import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { answerOf, api, type Schema } from "../../api/client.ts";
import type { CallFilter } from "./filter.ts";
import { queryOf } from "./filter.ts";

type Call = Schema<"Call">;
interface CallsAnswer {
  readonly calls: readonly Call[];
  readonly next?: number | undefined;
  readonly more?: readonly string[] | undefined;
}

/** Calls of one answer. */
const PAGE = 100;

export interface ShownCalls {
  readonly calls: readonly Call[];
  readonly loading: boolean;
  readonly error: unknown;
  /** Loads older ones; undefined when there are none, or a tenant has to be chosen first. */
  readonly older: (() => void) | undefined;
  readonly loadingOlder: boolean;
  /** Of several tenants: those that have more than is shown. */
  readonly more: readonly string[];
  readonly retry: () => void;
}

/**
 * Calls by a filter, newest first. What happens makes the broker be asked for the newest page only; older pages stay as they were loaded, because
 * a call keeps its place.
 */
export function useCalls(filter: CallFilter, tenant: string | undefined): ShownCalls {
  const key = JSON.stringify([filter, tenant ?? null]);
  const newest = useQuery({ queryKey: ["calls", "newest", key], queryFn: () => ask(filter, tenant, undefined) });
  const standing = useStanding(key, newest.data);
  const older = useInfiniteQuery({
    queryKey: ["older-calls", key, standing?.anchor ?? null],
    queryFn: ({ pageParam }) => ask(filter, tenant, pageParam),
    initialPageParam: standing?.anchor,
    getNextPageParam: ({ next }) => next,
    enabled: false,
    staleTime: "static",
  });
  const pages = older.data?.pages ?? [];
  const next = pages.length === 0 ? standing?.anchor : pages.at(-1)?.next;
  return {
    calls: withOlder(standing?.calls ?? [], pages),
    loading: newest.isPending,
    error: newest.error ?? older.error,
    older: next === undefined || older.isFetching ? undefined : () => void older.fetchNextPage(),
    loadingOlder: older.isFetching,
    more: newest.data?.more ?? [],
    retry: () => void newest.refetch(),
  };
}

/** What was seen later is what is shown of a call that both have. */
function withOlder(calls: readonly Call[], pages: readonly CallsAnswer[]): readonly Call[] {
  const ids = new Set(calls.map(({ callId }) => callId));
  return [...calls, ...pages.flatMap((page) => page.calls).filter(({ callId }) => !ids.has(callId))];
}

interface Standing {
  readonly key: string;
  readonly seen: CallsAnswer;
  readonly calls: readonly Call[];
  /** Where older pages begin. */
  readonly anchor: number | undefined;
}

/** The newest pages that were seen, laid over each other. When one does not reach the one before, more happened than a page holds: it begins anew. */
function useStanding(key: string, seen: CallsAnswer | undefined): Standing | undefined {
  const [standing, setStanding] = useState<Standing>();
  if (seen === undefined) return standing?.key === key ? standing : undefined;
  if (standing?.key === key && standing.seen === seen) return standing;
  const before = standing?.key === key ? standing : undefined;
  const now = over(before, key, seen);
  setStanding(now);
  return now;
}

function over(before: Standing | undefined, key: string, seen: CallsAnswer): Standing {
  const ids = new Set(seen.calls.map(({ callId }) => callId));
  if (before === undefined || !before.calls.some(({ callId }) => ids.has(callId)))
    return { key, seen, calls: seen.calls, anchor: seen.next };
  // A call that the newest page should hold and does not is no longer what the filter asks for.
  const last = before.calls.findLastIndex(({ callId }) => ids.has(callId));
  return { key, seen, calls: [...seen.calls, ...before.calls.slice(last + 1)], anchor: before.anchor };
}

function ask(filter: CallFilter, tenant: string | undefined, before: number | undefined): Promise<CallsAnswer> {
  const query = { ...queryOf(filter, tenant), limit: PAGE, ...(before === undefined ? {} : { before }) };
  return answerOf(api.GET("/api/v1/calls", { params: { query } }));
}
