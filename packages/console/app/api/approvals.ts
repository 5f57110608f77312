import { type InfiniteData, infiniteQueryOptions, type QueryClient, queryOptions } from "@tanstack/react-query";
import { answerOf, api, ApiProblem, type Schema } from "./client.ts";

export type Approval = Schema<"Approval">;

/** Which pending approvals are listed. */
export interface InboxFilter {
  readonly tenant?: string | undefined;
  readonly agent?: string | undefined;
  readonly rule?: string | undefined;
}

interface ApprovalPage {
  readonly approvals: Approval[];
  readonly next?: string;
  readonly pending: number;
}

const PAGE_SIZE = 50;
/** More changes than this at once: the list is asked for again instead of each approval. */
const MAX_SINGLE_LOOKS = 10;
const LIST = ["approvals", "list"] as const;

/** Pending approvals, those that end soonest first, page after page. */
export function inboxQuery({ tenant, agent, rule }: InboxFilter) {
  const filter = {
    ...(tenant === undefined ? {} : { tenant }),
    ...(agent === undefined ? {} : { agent }),
    ...(rule === undefined ? {} : { rule }),
  };
  return infiniteQueryOptions({
    queryKey: [...LIST, filter],
    queryFn: async ({ pageParam }): Promise<ApprovalPage> =>
      answerOf(
        api.GET("/api/v1/approvals", {
          params: {
            query: { ...filter, state: "pending", order: "soonest", limit: PAGE_SIZE, ...(pageParam === "" ? {} : { after: pageParam }) },
          },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: ({ next }) => next,
  });
}

/** One approval, whatever became of it. */
export function approvalQuery(id: string) {
  return queryOptions({
    queryKey: ["approvals", "one", id],
    queryFn: async () => answerOf(api.GET("/api/v1/approvals/{id}", { params: { path: { id } } })),
  });
}

/**
 * Looks again at what changed: each approval that is named, in the lists as well, so that a list of thousands is not asked for again because of one.
 * `undefined` stands for "anything may have changed".
 */
export async function refreshApprovals(queries: QueryClient, ids: readonly (string | undefined)[]): Promise<void> {
  const named = [...new Set(ids)].filter((id) => id !== undefined);
  if (named.length < new Set(ids).size || named.length > MAX_SINGLE_LOOKS) {
    await queries.invalidateQueries({ queryKey: ["approvals"] });
    return;
  }
  await Promise.all([queries.invalidateQueries({ queryKey: ["approvals", "count"] }), ...named.map(async (id) => refreshOne(queries, id))]);
}

async function refreshOne(queries: QueryClient, id: string): Promise<void> {
  try {
    const approval = await queries.fetchQuery({ ...approvalQuery(id), staleTime: 0 });
    putInLists(queries, approval);
  } catch (error) {
    // Of a tenant that is none of this person's, or gone: then no list has it.
    if (!(error instanceof ApiProblem && error.status === 404)) await queries.invalidateQueries({ queryKey: LIST });
  }
}

/** Puts an approval where it belongs in every list that is held, and takes it out of those where it does not. */
export function putInLists(queries: QueryClient, approval: Approval): void {
  for (const [key, data] of queries.getQueriesData<InfiniteData<ApprovalPage, string>>({ queryKey: LIST })) {
    if (data !== undefined) queries.setQueryData(key, withApproval(data, approval, isWanted(approval, key[2])));
  }
}

function isWanted(approval: Approval, filter: unknown): boolean {
  const { tenant, agent, rule } = (filter ?? {}) as InboxFilter;
  return (
    approval.state === "pending" &&
    (tenant === undefined || approval.tenant === tenant) &&
    (agent === undefined || approval.agent === agent) &&
    (rule === undefined || approval.rules.some(({ id }) => id === rule))
  );
}

function withApproval(data: InfiniteData<ApprovalPage, string>, approval: Approval, wanted: boolean): InfiniteData<ApprovalPage, string> {
  const last = data.pages.length - 1;
  let placed = !wanted;
  const pages = data.pages.map((page, at) => {
    const others = page.approvals.filter(({ id }) => id !== approval.id);
    const end = others.at(-1);
    // What belongs behind the last loaded page comes with the next one.
    const here = !placed && ((end !== undefined && isBefore(approval, end)) || (at === last && page.next === undefined));
    if (!here) return others.length === page.approvals.length ? page : { ...page, approvals: others };
    placed = true;
    return { ...page, approvals: [...others, approval].toSorted((a, b) => (isBefore(a, b) ? -1 : 1)) };
  });
  return { ...data, pages };
}

function isBefore(a: Approval, b: Approval): boolean {
  return a.expiresAt === b.expiresAt ? a.id < b.id : a.expiresAt < b.expiresAt;
}
