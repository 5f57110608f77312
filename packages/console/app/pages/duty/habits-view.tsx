import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { Schema } from "../../api/client.ts";
import { useTenant } from "../../shell/tenant.ts";
import { Empty } from "../../ui/empty.tsx";
import { Select } from "../../ui/field.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { type Column, DataTable } from "../../ui/table.tsx";
import { Text } from "../../ui/untrusted.tsx";
import { Words } from "../../ui/words.tsx";
import { habitsQuery } from "./duty-queries.ts";
import { Proposals } from "./proposals.tsx";

type Habits = Schema<"Habits">;
type Figures = Omit<Habits["rules"][number], "rule" | "approvers">;
type Row = Figures & { readonly name: string; readonly more?: string | undefined };

const SPANS = [1, 7, 30];
const TABLE_HEIGHT = "22rem";

/** How often and how fast people say yes and no, what to look at, and what of the policy would spare them. */
export function HabitsView() {
  const days = useDays();
  const navigate = useNavigate({ from: "/duty" });
  const tenant = useTenant();
  const { data, error, refetch } = useQuery(habitsQuery(tenant, days));
  const asked = data?.filter(({ rules, approvers, drillsMissed }) => rules.length + approvers.length + drillsMissed > 0);
  return (
    <div className="grid gap-4">
      <Select
        label="How far back"
        className="max-w-40"
        value={String(days)}
        onChange={(event) => void navigate({ search: (before: object) => ({ ...before, days: event.target.value }) })}
      >
        {SPANS.map((span) => (
          <option key={span} value={span}>
            {span === 1 ? "1 day" : `${span} days`}
          </option>
        ))}
      </Select>
      <ProblemNote error={error} onRetry={() => void refetch()} />
      {data === undefined && error === null ? <Skeleton /> : undefined}
      {asked?.length === 0 ? (
        <Empty title={`Nobody was asked anything in ${days} days.`} command="bailiwick approvals habits">
          What people answer is counted here: by rule, by person, by agent.
        </Empty>
      ) : undefined}
      {asked?.map((habits) => (
        <TenantHabits key={habits.tenant} habits={habits} named={asked.length > 1} />
      ))}
      {asked === undefined || asked.length === 0 ? undefined : <Proposals tenant={tenant} days={days} />}
    </div>
  );
}

function useDays(): number {
  const days = Number(useSearch({ from: "/duty" }).days);
  return SPANS.includes(days) ? days : 30;
}

function TenantHabits({ habits, named }: { readonly habits: Habits; readonly named: boolean }) {
  const { tenant, rules, approvers, agents, flags } = habits;
  const of = named ? ` of ${tenant}` : "";
  return (
    <section aria-label={`Habits${of}`} className="grid gap-4">
      <h2 className="text-base">
        <Text>{tenant}</Text>
      </h2>
      {flags.length === 0 ? undefined : <Flags flags={flags} />}
      <FiguresTable
        title={`By rule${of}`}
        columns={BY_RULE}
        rows={rules.map(({ rule, approvers: count, ...rest }) => ({ ...rest, name: rule, more: `${count} people` }))}
      />
      <FiguresTable
        title={`By person${of}`}
        columns={BY_PERSON}
        rows={approvers.map(({ person, drills, ...rest }) => ({ ...rest, name: person, more: drillWords(drills) }))}
      />
      <FiguresTable title={`By agent${of}`} columns={BY_AGENT} rows={agents.map(({ agent, ...rest }) => ({ ...rest, name: agent }))} />
    </section>
  );
}

function Flags({ flags }: { readonly flags: Habits["flags"] }) {
  return (
    <div className="rounded border-2 border-ask bg-ask-tint px-3 py-2">
      <h3 className="font-semibold text-ask">Worth a look</h3>
      <ul className="list-disc pl-5">
        {flags.map(({ kind, rule, person, agent, words }) => (
          <li key={`${kind} ${rule ?? ""} ${person ?? ""} ${agent ?? ""}`}>
            {rule !== undefined && person === undefined ? (
              <>
                <Text className="font-mono">{rule}</Text>:{" "}
              </>
            ) : undefined}
            {agent === undefined ? undefined : (
              <>
                <Text className="font-mono">{agent}</Text>:{" "}
              </>
            )}
            <Words>{words}</Words>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Only where rows are rows: as a block each cell stands beside its own heading. */
const NUMBER = "@min-[38rem]:text-right";

const columns = (of: string, count: string): readonly Column<Row>[] => [
  {
    id: "name",
    head: of,
    sort: ({ name }) => name,
    cell: ({ name, more }) => (
      <>
        <Text className="break-all">{name}</Text>
        {more === undefined ? undefined : <span className="block text-soft">{more}</span>}
      </>
    ),
  },
  { id: "asked", head: count, className: NUMBER, sort: (row) => row.asked, cell: (row) => row.asked },
  {
    id: "yes",
    head: "yes",
    className: NUMBER,
    sort: ({ approved, asked }) => approved / asked,
    cell: ({ approved, asked }) => share(approved, asked),
  },
  { id: "no", head: "no", className: NUMBER, sort: ({ denied }) => denied, cell: ({ denied }) => denied },
  { id: "expired", head: "expired", className: NUMBER, sort: ({ expired }) => expired, cell: ({ expired }) => expired },
  {
    id: "median",
    head: "median",
    className: NUMBER,
    sort: ({ medianSeconds }) => medianSeconds ?? 0,
    cell: ({ medianSeconds }) => seconds(medianSeconds),
  },
  {
    id: "p90",
    head: "9 of 10 within",
    className: NUMBER,
    sort: ({ p90Seconds }) => p90Seconds ?? 0,
    cell: ({ p90Seconds }) => seconds(p90Seconds),
  },
  {
    id: "quick",
    head: "in under 5 s",
    className: NUMBER,
    sort: ({ quick }) => quick,
    cell: ({ quick, approved, denied }) => share(quick, approved + denied),
  },
  { id: "repeated", head: "seen before", className: NUMBER, sort: ({ repeated }) => repeated, cell: ({ repeated }) => repeated },
];

const BY_RULE = columns("rule", "asked");
const BY_PERSON = columns("person", "answered");
const BY_AGENT = columns("agent", "asked");

function FiguresTable(props: { readonly title: string; readonly rows: readonly Row[]; readonly columns: readonly Column<Row>[] }) {
  const { title, rows } = props;
  if (rows.length === 0) return undefined;
  return (
    <div>
      <h3 className="mb-1 font-semibold">
        <Text>{title}</Text>
      </h3>
      <DataTable label={title} rows={rows} columns={props.columns} rowId={({ name }) => name} height={TABLE_HEIGHT} />
    </div>
  );
}

function share(part: number, of: number): string {
  return of === 0 ? "-" : `${part} (${Math.round((100 * part) / of)} %)`;
}

function seconds(value: number | undefined): string {
  return value === undefined ? "-" : `${value} s`;
}

function drillWords({ approved, denied }: Habits["approvers"][number]["drills"]): string | undefined {
  const all = approved + denied;
  if (all === 0) return undefined;
  return approved === 0 ? `drills: said no to all of ${all}` : `drills: said yes to ${approved} of ${all}`;
}
