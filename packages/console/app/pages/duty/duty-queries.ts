import { queryOptions } from "@tanstack/react-query";
import { answerOf, api, type Schema } from "../../api/client.ts";

const of = (tenant: string | undefined): { tenant?: string } => (tenant === undefined ? {} : { tenant });

/** Who answers for whom: now, later, and of late. */
export function dutiesQuery(tenant: string | undefined) {
  return queryOptions({
    queryKey: ["duties", tenant ?? null],
    queryFn: async () => (await answerOf(api.GET("/api/v1/duties", { params: { query: of(tenant) } }))).duties,
  });
}

/** People of the asking person's tenants. */
export const peopleQuery = queryOptions({
  queryKey: ["people"],
  queryFn: async () => (await answerOf(api.GET("/api/v1/people"))).people,
});

/** How people answer. */
export function habitsQuery(tenant: string | undefined, days: number) {
  return queryOptions({
    queryKey: ["habits", "figures", tenant ?? null, days],
    queryFn: async () => (await answerOf(api.GET("/api/v1/approvals/habits", { params: { query: { ...of(tenant), days } } }))).habits,
  });
}

/** Changes of the policy to paste. It reads past questions one by one, so it is asked for once in a while. */
export function proposalsQuery(tenant: string | undefined, days: number) {
  return queryOptions({
    queryKey: ["habit-proposals", tenant ?? null, days],
    queryFn: async () =>
      (await answerOf(api.GET("/api/v1/approvals/habits/proposals", { params: { query: { ...of(tenant), days } } }))).proposals,
    staleTime: 600_000,
  });
}

/** Whether the person may lend their own answering: an auditor only reads. */
export function mayLend(me: Schema<"Me"> | undefined): me is Schema<"Me"> {
  return me?.kind === "person" && !me.roles.includes("auditor");
}
