import { queryOptions } from "@tanstack/react-query";
import { answerOf, api } from "../../api/client.ts";

/** Who may do what in the chosen tenant, or in all of the person's. */
export function matrixQuery(tenant: string | undefined) {
  return queryOptions({
    queryKey: ["matrix", "table", tenant ?? null],
    queryFn: async () => answerOf(api.GET("/api/v1/matrix", { params: { query: tenant === undefined ? {} : { tenant } } })),
  });
}

/** One cell in words. */
export function cellQuery(agent: string, action: string) {
  return queryOptions({
    queryKey: ["matrix", "cell", agent, action],
    queryFn: async () => answerOf(api.GET("/api/v1/matrix/cell", { params: { query: { agent, action } } })),
  });
}
