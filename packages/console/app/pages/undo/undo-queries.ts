import { queryOptions, useQuery } from "@tanstack/react-query";
import { answerOf, api, type Schema } from "../../api/client.ts";
import { queryClient, useMe } from "../../api/queries.ts";
import { agentsQuery, mayOperate } from "../agents/agent-queries.ts";

/** What would take a call back. The broker looks at the record for it, so it is asked once each time somebody wants to see it. */
export function undoQuery(callId: string) {
  return queryOptions({
    queryKey: ["undo", "call", callId],
    queryFn: async () => answerOf(api.GET("/api/v1/calls/{callId}/undo", { params: { path: { callId } } })),
    staleTime: "static",
    gcTime: 0,
  });
}

/** The same for each call of a run, without looking at the records. */
export function runUndoQuery(run: string, tenant: string) {
  return queryOptions({
    queryKey: ["undo", "run", run, tenant],
    queryFn: async () => answerOf(api.GET("/api/v1/runs/{run}/undo", { params: { path: { run }, query: { tenant } } })),
    staleTime: "static",
    gcTime: 0,
  });
}

/** What was undone changes calls, runs and what waits. */
export async function afterUndo(): Promise<void> {
  for (const queryKey of [["calls"], ["runs"], ["approvals"]]) await queryClient.invalidateQueries({ queryKey });
}

/** Whether the person may undo what this agent did: operators, owners of the company, and the agent's own owner. */
export function useMayUndo(agent: string | undefined): boolean {
  const me: Schema<"Me"> | undefined = useMe();
  const operates = mayOperate(me);
  const reads = me === undefined || me.roles.includes("auditor");
  const agents = useQuery({ ...agentsQuery(undefined), enabled: !operates && !reads });
  return operates || (!reads && agents.data?.some(({ name, owner }) => name === agent && owner === me.id) === true);
}
