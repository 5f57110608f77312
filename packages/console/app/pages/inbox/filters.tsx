import { useNavigate } from "@tanstack/react-router";
import { Button } from "../../ui/button.tsx";
import type { Approval, InboxFilter } from "../../api/approvals.ts";
import { agentName, plain } from "./words.ts";

/** Narrows the inbox to one agent or one rule, among those that are in the list. The tenant is chosen at the top. */
export function Filters({ approvals, filter }: { readonly approvals: readonly Approval[]; readonly filter: InboxFilter }) {
  const navigate = useNavigate();
  const set = (change: { agent?: string | undefined; rule?: string | undefined }): void =>
    void navigate({ to: "/", search: (before: object) => ({ ...before, ...change }) });
  const agents = unique(approvals.map(({ agent }) => agent).concat(filter.agent ?? []));
  const rules = unique(approvals.flatMap((approval) => approval.rules.map(({ id }) => id)).concat(filter.rule ?? []));
  return (
    <div className="flex flex-wrap items-center gap-2">
      <Choice label="Agent" value={filter.agent} options={agents} text={agentName} onChange={(agent) => set({ agent })} />
      <Choice label="Rule" value={filter.rule} options={rules} text={(rule) => rule} onChange={(rule) => set({ rule })} />
      {filter.agent === undefined && filter.rule === undefined ? undefined : (
        <Button look="quiet" onClick={() => set({ agent: undefined, rule: undefined })}>
          Show all
        </Button>
      )}
    </div>
  );
}

function Choice({
  label,
  value,
  options,
  text,
  onChange,
}: {
  readonly label: string;
  readonly value: string | undefined;
  readonly options: readonly string[];
  readonly text: (option: string) => string;
  readonly onChange: (value: string | undefined) => void;
}) {
  return (
    <label className="flex items-center gap-1">
      <span className="text-soft">{label}</span>
      <select
        className="min-h-7 max-w-36 rounded border border-edge bg-card px-1"
        value={value ?? ""}
        onChange={(event) => onChange(event.target.value === "" ? undefined : event.target.value)}
      >
        <option value="">all</option>
        {options.map((option) => (
          <option key={option} value={option}>
            {plain(text(option))}
          </option>
        ))}
      </select>
    </label>
  );
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)].toSorted();
}
