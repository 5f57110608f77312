import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Schema } from "../../api/client.ts";
import { useTenant } from "../../shell/tenant.ts";
import { Empty } from "../../ui/empty.tsx";
import { Page } from "../../ui/page.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { type Column, DataTable } from "../../ui/table.tsx";
import { Text } from "../../ui/untrusted.tsx";
import { nameInPath, shortName } from "./agent-name.ts";
import { agentsQuery } from "./agent-queries.ts";
import { AgentStatus } from "./agent-status.tsx";
import { worksNow } from "./keys.tsx";

type Agent = Schema<"Agent">;

const COLUMNS: readonly Column<Agent>[] = [
  {
    id: "name",
    head: "agent",
    sort: ({ name }) => name,
    cell: ({ name }) => (
      <Link to="/agents/$name" params={{ name: nameInPath(name) }}>
        <Text>{shortName(name)}</Text>
      </Link>
    ),
  },
  { id: "status", head: "status", sort: ({ status }) => status, cell: (agent) => <AgentStatus of={agent} /> },
  { id: "roles", head: "roles", cell: ({ roles }) => <Text>{roles.join(", ") || "none"}</Text> },
  { id: "owner", head: "owner", sort: ({ owner }) => owner, cell: ({ owner }) => <Text>{owner}</Text> },
  {
    id: "keys",
    head: "keys",
    sort: ({ keys }) => keys.filter(worksNow).length,
    cell: ({ keys }) => <KeyCount of={keys.filter(worksNow).length} />,
  },
];

/** Every agent of the policy. */
export function AgentsPage() {
  const { data, error, refetch } = useQuery(agentsQuery(useTenant()));
  return (
    <Page title="Agents">
      <ProblemNote error={error} onRetry={() => void refetch()} />
      {data === undefined && error === null ? <Skeleton /> : undefined}
      {data?.length === 0 ? (
        <Empty title="No agent is in the policy." command="bailiwick check">
          Write one as <code>agents/&lt;workflow&gt;.yaml</code> in the policy folder. It appears here as soon as the folder loads.
        </Empty>
      ) : undefined}
      {data === undefined || data.length === 0 ? undefined : (
        <DataTable label="Agents" rows={data} columns={COLUMNS} rowId={({ name }) => name} />
      )}
    </Page>
  );
}

function KeyCount({ of }: { readonly of: number }) {
  return of === 0 ? <span className="text-ask">none: it cannot get a token</span> : <>{of}</>;
}
