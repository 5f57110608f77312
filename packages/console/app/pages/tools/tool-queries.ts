import { queryOptions } from "@tanstack/react-query";
import { answerOf, api, type Schema } from "../../api/client.ts";

/** How each operation stands, for one tenant. */
export type ToolState = Schema<"ToolState"> & { readonly tenant: string };

/** Every operation of every tool, as this broker last saw the tools. */
export function toolsQuery(tenant: string | undefined) {
  return queryOptions({
    queryKey: ["tools", "states", tenant ?? null],
    queryFn: async () => (await answerOf(api.GET("/api/v1/tools", { params: { query: tenant === undefined ? {} : { tenant } } }))).tools,
  });
}

/** One operation for a reviewer. */
export function reviewQuery(tool: string, kind: "tool" | "resource" | "prompt", name: string, tenant: string | undefined) {
  return queryOptions({
    queryKey: ["tools", "review", tool, kind, name, tenant ?? null],
    queryFn: async () =>
      answerOf(
        api.GET("/api/v1/tools/{tool}/review", {
          params: { path: { tool }, query: { kind, name, ...(tenant === undefined ? {} : { tenant }) } },
        }),
      ),
  });
}
