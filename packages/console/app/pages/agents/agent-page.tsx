import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import type { Schema } from "../../api/client.ts";
import { useMe } from "../../api/queries.ts";
import { useShortcuts } from "../../shell/keys.ts";
import { Button } from "../../ui/button.tsx";
import { Code } from "../../ui/code.tsx";
import { Page } from "../../ui/page.tsx";
import { Pairs } from "../../ui/pairs.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { Tabs } from "../../ui/tabs.tsx";
import { durationText, Time } from "../../ui/time.tsx";
import { Text } from "../../ui/untrusted.tsx";
import { Place } from "../policy/rules.tsx";
import { AgentCalls } from "./agent-calls.tsx";
import { nameFromPath, shortName } from "./agent-name.ts";
import { agentQuery, mayOperate } from "./agent-queries.ts";
import { AgentStatus } from "./agent-status.tsx";
import { Keys } from "./keys.tsx";
import { Rights } from "./rights.tsx";
import { Sessions } from "./sessions.tsx";
import { LiftDialog, StopDialog } from "./stop-dialog.tsx";

type Detail = Schema<"AgentDetail">;

/** One agent: who it is, what it may do, what it does now, and its kill switch. */
export function AgentPage() {
  const name = nameFromPath(useParams({ from: "/agents/$name" }).name);
  const { data, error, refetch } = useQuery(agentQuery(name));
  return (
    <Page title={shortName(name)} actions={data === undefined ? undefined : <Switch of={data} />}>
      <ProblemNote error={error} onRetry={() => void refetch()} />
      {data === undefined ? error === null ? <Skeleton /> : undefined : <Detail of={data} />}
    </Page>
  );
}

function Switch({ of }: { readonly of: Detail }) {
  const [open, setOpen] = useState<"stop" | "lift" | undefined>();
  const may = mayOperate(useMe());
  const own = of.stop?.kind === "agent" ? of.stop : undefined;
  const what = own === undefined ? "stop" : own.state === "suspended" ? "lift" : undefined;
  useShortcuts(may && what === "stop" ? [{ key: "s", does: "stop this agent", run: () => setOpen("stop") }] : []);
  if (!may) return <span className="text-soft">stopping an agent takes the role operator or owner</span>;
  return (
    <>
      {what === "stop" ? (
        <Button look="deny" onClick={() => setOpen("stop")} shortcut="s">
          Stop this agent…
        </Button>
      ) : undefined}
      {what === "lift" ? <Button onClick={() => setOpen("lift")}>Lift the stop…</Button> : undefined}
      {open === "stop" ? <StopDialog agent={of.name} onClose={() => setOpen(undefined)} /> : undefined}
      {open === "lift" ? <LiftDialog agent={of.name} onClose={() => setOpen(undefined)} /> : undefined}
    </>
  );
}

function Detail({ of }: { readonly of: Detail }) {
  const navigate = useNavigate();
  const { tab = "identity" } = useSearch({ from: "/agents/$name" });
  const may = mayOperate(useMe());
  const tabs = [
    { id: "identity", name: "Identity", content: <Identity of={of} mayChange={may} /> },
    { id: "rights", name: "Rights", content: <Rights agent={of.name} rights={of.rights} /> },
    {
      id: "sessions",
      name: `Sessions (${of.sessions.length})`,
      content: <Sessions agent={of.name} sessions={of.sessions} more={of.moreSessions} mayChange={may} />,
    },
    { id: "calls", name: "Calls", content: <AgentCalls agent={of.name} tenant={of.tenant} /> },
  ];
  const shown = tabs.some(({ id }) => id === tab) ? tab : "identity";
  return (
    <Tabs
      label="About this agent"
      tabs={tabs}
      value={shown}
      onChange={(id) => void navigate({ to: ".", search: (before: object) => ({ ...before, tab: id }), replace: true })}
    />
  );
}

function Identity({ of, mayChange }: { readonly of: Detail; readonly mayChange: boolean }) {
  return (
    <>
      <Pairs
        of={[
          ["name", <Code key="name">{of.name}</Code>],
          ["status", <AgentStatus key="status" of={of} />],
          ["stopped", of.stop === undefined ? undefined : <Stopped key="stop" of={of.stop} />],
          ["owner", <Text key="owner">{of.ownerName === undefined ? of.owner : `${of.ownerName} (${of.owner})`}</Text>],
          ["roles", <Text key="roles">{of.roles.join(", ") || "none"}</Text>],
          [
            "attributes",
            Object.keys(of.attributes).length === 0 ? undefined : <Code key="attributes">{JSON.stringify(of.attributes)}</Code>,
          ],
          ["signed in for", of.clients === undefined ? undefined : <Clients key="clients" of={of.clients} />],
          ["written in", <Place key="at" at={of.at} />],
        ]}
      />
      <ForATime of={of} />
      <Keys agent={of.name} keys={of.keys} mayChange={mayChange} />
    </>
  );
}

function Stopped({ of }: { readonly of: NonNullable<Detail["stop"]> }) {
  return (
    <>
      <Time at={of.at} /> by <Text>{of.by}</Text>, {of.state}: <Text>{of.reason}</Text>
    </>
  );
}

function Clients({ of }: { readonly of: NonNullable<Detail["clients"]> }) {
  return (
    <Text>{`people with the role ${of.people.join(" or ")}, through ${of.ids === undefined ? "any OAuth client" : of.ids.join(", ")}`}</Text>
  );
}

/** Rights it has for a time, and those it may ask for. */
function ForATime({ of: { eligible, elevations } }: { readonly of: Pick<Detail, "eligible" | "elevations"> }) {
  if (eligible.length === 0 && elevations.length === 0) return undefined;
  return (
    <section aria-label="Rights for a time">
      <h2 className="mt-4 mb-1">Rights for a time</h2>
      <ul className="grid gap-1">
        {elevations.map(({ id, role, scope, until }) => (
          <li key={id} className="rounded border border-ask bg-ask-tint px-2 py-1">
            has <Text className="font-semibold">{role}</Text>
            {scope.length === 0 ? "" : " for "}
            {scope.length === 0 ? undefined : <Code>{scope.join(" ")}</Code>}, ends <Time at={until} />
          </li>
        ))}
        {eligible.map(({ role, mostMs, reason, by, at }) => (
          <li key={`${role} ${at.line}`} className="rounded border border-line bg-card px-2 py-1">
            may ask for <Text className="font-medium">{role}</Text>, at most {durationText(mostMs)}, answered by{" "}
            <Text>{by.join(" or ")}</Text> <Place at={at} />
            <div className="text-soft">
              <Text>{reason}</Text>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
