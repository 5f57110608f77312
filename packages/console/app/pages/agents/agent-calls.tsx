import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Schema } from "../../api/client.ts";
import { Verdict } from "../../ui/badge.tsx";
import { Empty } from "../../ui/empty.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { type Column, DataTable } from "../../ui/table.tsx";
import { Time } from "../../ui/time.tsx";
import { Text } from "../../ui/untrusted.tsx";
import { agentCallsQuery } from "./agent-queries.ts";

type Call = Schema<"Call">;

const COLUMNS: readonly Column<Call>[] = [
  { id: "at", head: "when", cell: ({ at }) => <Time at={at} /> },
  {
    id: "call",
    head: "call",
    cell: ({ callId, tool, action }) => (
      <Link to="/calls/$id" params={{ id: callId }}>
        <Text>{action ?? tool ?? callId}</Text>
      </Link>
    ),
  },
  { id: "user", head: "for", cell: ({ user }) => <Text>{user ?? ""}</Text> },
  { id: "verdict", head: "verdict", cell: ({ verdict }) => (verdict === undefined ? undefined : <Verdict of={verdict} />) },
  { id: "status", head: "state", cell: ({ status, code }) => <Text>{code === undefined ? status : `${status}: ${code}`}</Text> },
];

/** The newest calls of an agent. Looking at them is recorded, as everywhere. */
export function AgentCalls({ agent, tenant }: { readonly agent: string; readonly tenant: string }) {
  const { data, error, refetch } = useQuery(agentCallsQuery(agent, tenant));
  if (error !== null) return <ProblemNote error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Skeleton />;
  if (data.length === 0) return <Empty title="The agent has not called anything yet." command="bailiwick audit tail" />;
  return <DataTable label="Newest calls" rows={data} columns={COLUMNS} rowId={({ callId }) => callId} height="60dvh" />;
}
