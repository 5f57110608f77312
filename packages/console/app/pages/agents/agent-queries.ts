import { queryOptions } from "@tanstack/react-query";
import { answerOf, api, type Schema } from "../../api/client.ts";

/** Agents of the chosen tenant, or of all the person's. */
export function agentsQuery(tenant: string | undefined) {
  return queryOptions({
    queryKey: ["agents", "list", tenant ?? null],
    queryFn: async () => (await answerOf(api.GET("/api/v1/agents", { params: { query: tenant === undefined ? {} : { tenant } } }))).agents,
  });
}

/** One agent with its keys, sessions and rights. */
export function agentQuery(name: string) {
  return queryOptions({
    queryKey: ["agents", "detail", name],
    queryFn: async () => answerOf(api.GET("/api/v1/agents/detail", { params: { query: { name } } })),
  });
}

/** The newest calls of an agent. */
export function agentCallsQuery(agent: string, tenant: string) {
  return queryOptions({
    queryKey: ["calls", "agent", agent],
    queryFn: async () => (await answerOf(api.GET("/api/v1/calls", { params: { query: { tenant, agent, limit: 25 } } }))).calls,
  });
}

/** Whether the person may change what agents can do. An auditor only reads, whatever else they are. */
export function mayOperate(me: Schema<"Me"> | undefined): boolean {
  return me !== undefined && !me.roles.includes("auditor") && me.roles.some((role) => role === "operator" || role === "owner");
}
