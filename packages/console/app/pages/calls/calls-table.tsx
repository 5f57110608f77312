import { Link } from "@tanstack/react-router";
import type { Schema } from "../../api/client.ts";
import { Verdict } from "../../ui/badge.tsx";
import { type Column, DataTable } from "../../ui/table.tsx";
import { Time } from "../../ui/time.tsx";
import { Text } from "../../ui/untrusted.tsx";
import { Outcome } from "./outcome.tsx";

type Call = Schema<"Call">;

const COLUMNS: readonly Column<Call>[] = [
  { id: "at", head: "when", cell: ({ at }) => <Time at={at} />, className: "whitespace-nowrap" },
  {
    id: "action",
    head: "action",
    cell: ({ callId, action, tool }) => (
      <Link to="/calls/$id" params={{ id: callId }}>
        <Text>{action ?? tool ?? "no action"}</Text>
      </Link>
    ),
  },
  { id: "agent", head: "agent", cell: ({ agent }) => <Text>{agent?.split("/").at(-1) ?? "-"}</Text> },
  { id: "user", head: "for", cell: ({ user }) => <Text>{user ?? "-"}</Text> },
  { id: "verdict", head: "verdict", cell: ({ verdict }) => (verdict === undefined ? "-" : <Verdict of={verdict} />) },
  { id: "outcome", head: "outcome", cell: ({ status, code }) => <Outcome status={status} code={code} /> },
  {
    id: "took",
    head: "took",
    cell: ({ durationMs }) => (durationMs === undefined ? "-" : `${durationMs} ms`),
    className: "whitespace-nowrap @[38rem]:text-right",
  },
];
const WITH_TENANT: readonly Column<Call>[] = [
  ...COLUMNS.slice(0, 1),
  { id: "tenant", head: "tenant", cell: ({ tenant }) => <Text>{tenant}</Text> },
  ...COLUMNS.slice(1),
];

/** Calls, a row each. */
export function CallsTable(props: {
  readonly calls: readonly Call[];
  readonly selected: string | undefined;
  readonly severalTenants: boolean;
  readonly onEnd: (() => void) | undefined;
}) {
  return (
    <DataTable
      label="Calls"
      rows={props.calls}
      columns={props.severalTenants ? WITH_TENANT : COLUMNS}
      rowId={({ callId }) => callId}
      selected={props.selected}
      onEnd={props.onEnd}
      height="calc(100dvh - 15rem)"
    />
  );
}
