import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { answerOf, api, type Schema } from "../../api/client.ts";

export type Elevation = Schema<"Elevation">;

const PAGE = 50;
const of = (tenant: string | undefined): { tenant?: string } => (tenant === undefined ? {} : { tenant });

/** Rights for a time, newest first. */
export function elevationsQuery(tenant: string | undefined) {
  return infiniteQueryOptions({
    queryKey: ["elevations", "list", tenant ?? null],
    queryFn: async ({ pageParam }: { pageParam: string | undefined }) =>
      answerOf(
        api.GET("/api/v1/elevations", {
          params: { query: { ...of(tenant), limit: PAGE, ...(pageParam === undefined ? {} : { after: pageParam }) } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next }) => next,
  });
}

export function elevationQuery(id: string) {
  return queryOptions({
    queryKey: ["elevations", "one", id],
    queryFn: async () => answerOf(api.GET("/api/v1/elevations/{id}", { params: { path: { id } } })),
  });
}

/** What can be asked for, for which agents. */
export function eligibleQuery(tenant: string | undefined) {
  return queryOptions({
    queryKey: ["elevations", "eligible", tenant ?? null],
    queryFn: async () => (await answerOf(api.GET("/api/v1/eligible-roles", { params: { query: of(tenant) } }))).roles,
  });
}
