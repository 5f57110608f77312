import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, useSyncExternalStore } from "react";
import { useShortcuts } from "../../shell/keys.ts";
import { useTenant } from "../../shell/tenant.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Empty } from "../../ui/empty.tsx";
import { Select, TextField } from "../../ui/field.tsx";
import { Page } from "../../ui/page.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { CellPanel } from "./cell-panel.tsx";
import { type MatrixFilter, type MatrixTable, partOf } from "./filter.ts";
import { Grid } from "./grid.tsx";
import { Legend } from "./mark.tsx";
import { matrixQuery } from "./matrix-queries.ts";
import { NarrowList } from "./narrow-list.tsx";

/** Who may do what, and why. */
export function MatrixPage() {
  const { data, error, refetch } = useQuery(matrixQuery(useTenant()));
  return (
    <Page title="Matrix">
      <ProblemNote error={error} onRetry={() => void refetch()} />
      {data === undefined ? error === null ? <Skeleton lines={8} /> : undefined : <Table of={data} />}
    </Page>
  );
}

function Table({ of }: { readonly of: MatrixTable }) {
  const { find, tool, effect, verdict, agent, action } = useSearch({ from: "/matrix" });
  const change = useChange();
  const part = useMemo(() => partOf(of, { find, tool, effect, verdict }), [of, find, tool, effect, verdict]);
  const narrow = useNarrow();
  const opened = agent === undefined || action === undefined ? undefined : { agent, action };
  const onOpen = (toAgent: string, toAction: string): void => change({ agent: toAgent, action: toAction });
  const close = (): void => change({ agent: undefined, action: undefined });
  if (of.rows.length === 0 || of.actions.length === 0)
    return (
      <Empty title={of.rows.length === 0 ? "No agent is in the policy." : "The catalog has no action."} command="bailiwick matrix">
        The command shows the same table from the policy folder, without a broker.
      </Empty>
    );
  return (
    <>
      <Filters of={of} filter={{ find, tool, effect, verdict }} onChange={change} />
      <Legend />
      <p role="status" className="mb-2 text-soft">
        {part.rows.length} of {of.rows.length} agents, {part.columns.length} of {of.actions.length} actions
      </p>
      {part.rows.length === 0 || part.columns.length === 0 ? (
        <Empty title="Nothing fits these filters.">Take one away.</Empty>
      ) : narrow ? (
        <NarrowList {...part} onOpen={onOpen} />
      ) : (
        <div className="flex items-start gap-3">
          <div className="min-w-0 grow">
            <Grid {...part} opened={opened} onOpen={onOpen} />
          </div>
          {opened === undefined ? undefined : <Side key={`${opened.agent} ${opened.action}`} {...opened} onClose={close} />}
        </div>
      )}
      {narrow && opened !== undefined ? (
        <Dialog title="What goes with it" onClose={close}>
          <CellPanel {...opened} />
        </Dialog>
      ) : undefined}
    </>
  );
}

/** The grid keeps the focus: who wants to read on in the panel is one Tab away from it. */
function Side({ agent, action, onClose }: { readonly agent: string; readonly action: string; readonly onClose: () => void }) {
  useShortcuts([{ key: "Escape", does: "close the cell", run: onClose }]);
  return (
    <aside
      aria-label="What goes with the cell"
      className="max-h-[calc(100dvh-15rem)] w-80 shrink-0 overflow-auto rounded border border-line bg-card p-3 lg:w-96"
    >
      <div className="mb-2 flex items-center justify-between">
        <h2>What goes with it</h2>
        <Button look="quiet" onClick={onClose} aria-label="Close">
          <span aria-hidden="true">✕</span>
        </Button>
      </div>
      <CellPanel agent={agent} action={action} />
    </aside>
  );
}

type Changed = Partial<Readonly<Record<"find" | "tool" | "effect" | "verdict" | "agent" | "action", string | undefined>>>;

/** Changes the address, so that what is looked at can be sent to somebody. */
function useChange(): (changed: Changed) => void {
  const navigate = useNavigate({ from: "/matrix" });
  return (changed) => void navigate({ search: (before: object) => ({ ...before, ...changed }), replace: true });
}

function Filters({
  of,
  filter,
  onChange,
}: {
  readonly of: MatrixTable;
  readonly filter: MatrixFilter;
  readonly onChange: (changed: Changed) => void;
}) {
  const tools = [...new Set(of.actions.map(({ operation }) => operation.tool))];
  const effects = [...new Set(of.actions.map(({ effect }) => effect))];
  const or = (value: string): string | undefined => (value === "" ? undefined : value);
  return (
    <div className="mb-2 flex flex-wrap items-end gap-x-3 gap-y-2">
      <TextField
        label="Agent"
        type="search"
        placeholder="part of a name"
        value={filter.find ?? ""}
        onChange={(event) => onChange({ find: or(event.target.value) })}
        className="w-48"
      />
      <Choice label="Tool" all="all tools" values={tools} value={filter.tool} onChange={(tool) => onChange({ tool })} />
      <Choice label="Effect" all="all effects" values={effects} value={filter.effect} onChange={(effect) => onChange({ effect })} />
      <Choice
        label="Verdict"
        all="any"
        values={["allow", "ask", "deny"]}
        value={filter.verdict}
        onChange={(verdict) => onChange({ verdict })}
      />
    </div>
  );
}

function Choice(props: {
  readonly label: string;
  readonly all: string;
  readonly values: readonly string[];
  /** What is shown for a value that is no word by itself. */
  readonly words?: Readonly<Record<string, string>>;
  readonly value: string | undefined;
  readonly onChange: (value: string | undefined) => void;
}) {
  const { label, all, values, words = {}, value, onChange } = props;
  return (
    <Select
      label={label}
      value={value ?? ""}
      onChange={(event) => onChange(event.target.value === "" ? undefined : event.target.value)}
      className="w-32"
    >
      <option value="">{all}</option>
      {values.map((each) => (
        <option key={each} value={each}>
          {words[each] ?? each}
        </option>
      ))}
    </Select>
  );
}

const NARROW = matchMedia("(width < 48rem)");

function useNarrow(): boolean {
  return useSyncExternalStore(
    (listener) => {
      NARROW.addEventListener("change", listener);
      return () => NARROW.removeEventListener("change", listener);
    },
    () => NARROW.matches,
  );
}
