import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { useTenant } from "../../shell/tenant.ts";
import { Code } from "../../ui/code.tsx";
import { Empty } from "../../ui/empty.tsx";
import { Select } from "../../ui/field.tsx";
import { Page } from "../../ui/page.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { type Column, DataTable } from "../../ui/table.tsx";
import { Text } from "../../ui/untrusted.tsx";
import { Words } from "../../ui/words.tsx";
import { ToolMark } from "./tool-mark.tsx";
import { type ToolState, toolsQuery } from "./tool-queries.ts";

const COLUMNS: readonly Column<ToolState>[] = [
  { id: "state", head: "state", className: "w-36", sort: ({ state }) => state, cell: ({ state }) => <ToolMark of={state} /> },
  {
    id: "operation",
    head: "operation",
    className: "w-52",
    sort: ({ operation }) => operation.name,
    cell: ({ tool, operation, tenant }) => (
      <Link to="/tools/$tool" params={{ tool }} search={{ name: operation.name, kind: operation.kind, at: tenant }}>
        <Text>{operation.name}</Text>
      </Link>
    ),
  },
  {
    id: "tool",
    head: "tool",
    className: "w-28",
    sort: ({ tool }) => tool,
    cell: ({ tool }) => (
      <Link to="/tools/$tool" params={{ tool }}>
        <Text>{tool}</Text>
      </Link>
    ),
  },
  {
    id: "scope",
    head: "action",
    className: "w-40",
    sort: ({ scope }) => scope ?? "",
    cell: ({ scope }) => (scope === undefined ? undefined : <Code>{scope}</Code>),
  },
  { id: "effect", head: "effect", className: "w-20", sort: ({ effect }) => effect ?? "", cell: ({ effect }) => effect },
  { id: "tenant", head: "tenant", className: "w-20", sort: ({ tenant }) => tenant, cell: ({ tenant }) => <Text>{tenant}</Text> },
  { id: "why", head: "why", cell: ({ why }) => (why === undefined ? undefined : <Words>{why}</Words>) },
];

/** Quarantined ones first: they are what a person has to look at. */
const ORDER: Readonly<Record<ToolState["state"], number>> = { quarantined: 0, absent: 1, reviewed: 2 };

/** The catalog, and what tools offer beside it. */
export function ToolsPage() {
  const { data, error, refetch } = useQuery(toolsQuery(useTenant()));
  const { state } = useSearch({ from: "/tools" });
  const navigate = useNavigate({ from: "/tools" });
  const rows = useMemo(
    () => (data ?? []).filter((each) => state === undefined || each.state === state).toSorted((a, b) => ORDER[a.state] - ORDER[b.state]),
    [data, state],
  );
  const waiting = data?.filter((each) => each.state === "quarantined").length ?? 0;
  return (
    <Page title="Tools">
      <ProblemNote error={error} onRetry={() => void refetch()} />
      {data === undefined && error === null ? <Skeleton /> : undefined}
      {data?.length === 0 ? (
        <Empty title="No tool is in the catalog." command="bailiwick tools add <tool> --write">
          Write <code>tools/&lt;tool&gt;.yaml</code> with <code>tool</code> and <code>connect</code> in the policy folder; the command then
          proposes its actions.
        </Empty>
      ) : undefined}
      {data === undefined || data.length === 0 ? undefined : (
        <>
          <p className="mb-2">
            {waiting === 0
              ? "Nothing is quarantined."
              : `${waiting} quarantined: agents neither see nor reach ${waiting === 1 ? "it" : "them"} until a person reviews ${waiting === 1 ? "it" : "them"}.`}
          </p>
          <Select
            label="State"
            value={state ?? ""}
            onChange={({ target }) =>
              void navigate({
                search: (before: object) => ({ ...before, state: target.value === "" ? undefined : target.value }),
                replace: true,
              })
            }
            className="mb-3 max-w-48"
          >
            <option value="">all</option>
            <option value="quarantined">quarantined</option>
            <option value="absent">absent</option>
            <option value="reviewed">reviewed</option>
          </Select>
          {rows.length === 0 ? (
            <p className="text-soft">No operation is in this state.</p>
          ) : (
            <DataTable label="Operations of tools" rows={rows} columns={COLUMNS} rowId={rowId} height="calc(100dvh - 14rem)" />
          )}
        </>
      )}
    </Page>
  );
}

function rowId({ tenant, tool, operation }: ToolState): string {
  return JSON.stringify([tenant, tool, operation.kind, operation.name]);
}
