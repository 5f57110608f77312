import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import type { Schema } from "../../api/client.ts";
import { useTenant } from "../../shell/tenant.ts";
import { Empty } from "../../ui/empty.tsx";
import { Select } from "../../ui/field.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { shortName } from "../agents/agent-name.ts";
import { type Catalog, catalogQuery } from "./policy-queries.ts";
import { TryFacts } from "./try-facts.tsx";
import { Tried } from "./tried.tsx";

/** Decides a call that nobody makes. Nothing is recorded and no tool is asked. */
export function TryCall() {
  const { data, error, refetch } = useQuery(catalogQuery(useTenant()));
  if (error !== null) return <ProblemNote error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Skeleton />;
  if (data.agents.length === 0 || data.actions.length === 0)
    return (
      <Empty
        title={data.agents.length === 0 ? "No agent is in the policy." : "The catalog has no action."}
        command="bailiwick why <agent> <action>"
      >
        The command does the same from the policy folder, without a broker.
      </Empty>
    );
  return <Form catalog={data} />;
}

function Form({ catalog }: { readonly catalog: Catalog }) {
  const [decided, setDecided] = useState<{ readonly about: string; readonly verdict: Schema<"TriedCall"> } | undefined>();
  const search = useSearch({ from: "/policy" });
  const navigate = useNavigate({ from: "/policy" });
  const agent = catalog.agents.find(({ name }) => name === search.agent) ?? catalog.agents[0];
  const action = catalog.actions.find((each) => each.action === search.action) ?? catalog.actions[0];
  const choose = (chosen: { agent?: string; action?: string }): void => {
    void navigate({ search: (before: object) => ({ ...before, view: "try", ...chosen }), replace: true });
  };
  const about = `${agent?.name ?? ""} ${action?.action ?? ""}`;
  const shown = decided?.about === about ? decided.verdict : undefined;
  return (
    <div className="flex items-start gap-6 max-lg:flex-col">
      <p role="status" className="sr-only">
        {shown === undefined ? "" : `decided: ${shown.verdict}`}
      </p>
      <div className="grid w-full min-w-0 gap-3 lg:w-96 lg:shrink-0">
        <Select label="Agent" value={agent?.name} onChange={({ target }) => choose({ agent: target.value })}>
          {catalog.agents.map(({ name }) => (
            <option key={name} value={name}>
              {shortName(name)}
            </option>
          ))}
        </Select>
        <Select
          label="Action"
          value={action?.action}
          onChange={({ target }) => choose({ action: target.value })}
          hint={action?.description}
        >
          {[...Map.groupBy(catalog.actions, ({ operation }) => operation.tool)].map(([tool, actions]) => (
            <optgroup key={tool} label={tool}>
              {actions.map((each) => (
                <option key={each.action} value={each.action}>
                  {each.operation.name} ({each.effect})
                </option>
              ))}
            </optgroup>
          ))}
        </Select>
        {agent === undefined || action === undefined ? undefined : (
          <TryFacts key={about} agent={agent} action={action} onDecided={(verdict) => setDecided({ about, verdict })} />
        )}
      </div>
      <div className="w-full min-w-0 grow">
        {shown === undefined ? (
          <p className="text-soft max-lg:hidden">The verdict appears here, with the rules that decided.</p>
        ) : (
          <Tried of={shown} />
        )}
      </div>
    </div>
  );
}
