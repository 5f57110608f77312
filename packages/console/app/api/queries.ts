import { QueryClient, queryOptions, useQuery } from "@tanstack/react-query";
import { noteShownTo } from "./person.ts";
import { answerOf, api, ApiProblem, type Schema } from "./client.ts";

/** An answer is asked for again when something happened (see `live.ts`), and when the page is looked at after so long. */
const FRESH_MS = 30_000;
const MAX_TRIES = 2;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: FRESH_MS,
      // What the broker refused once it refuses again.
      retry: (failures, error) => !(error instanceof ApiProblem && error.status >= 400 && error.status < 500) && failures < MAX_TRIES,
    },
  },
});

/** Who is signed in. */
export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: async () => {
    const me = await answerOf(api.GET("/api/v1/me"));
    noteShownTo(me);
    return me;
  },
  staleTime: Infinity,
});

/** Who is signed in; undefined until that is known. */
export function useMe(): Schema<"Me"> | undefined {
  return useQuery(meQuery).data;
}
