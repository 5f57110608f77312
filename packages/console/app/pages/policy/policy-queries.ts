import { queryOptions } from "@tanstack/react-query";
import { answerOf, api } from "../../api/client.ts";

/** The files in force, and those in the folder that do not load. */
export const policyFilesQuery = queryOptions({
  queryKey: ["policy", "files"],
  queryFn: async () => answerOf(api.GET("/api/v1/policy/files")),
});

/** Agents and actions with their arguments. */
export function catalogQuery(tenant: string | undefined) {
  return queryOptions({
    queryKey: ["policy", "catalog", tenant ?? null],
    queryFn: async () => answerOf(api.GET("/api/v1/policy/catalog", { params: { query: tenant === undefined ? {} : { tenant } } })),
  });
}

/** Agents and actions that a call can be thought up from. */
export type Catalog = Awaited<ReturnType<NonNullable<ReturnType<typeof catalogQuery>["queryFn"]>>>;
