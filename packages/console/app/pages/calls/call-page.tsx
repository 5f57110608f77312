import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { answerOf, api, type Schema } from "../../api/client.ts";
import { Verdict } from "../../ui/badge.tsx";
import { Code } from "../../ui/code.tsx";
import { Page } from "../../ui/page.tsx";
import { Pairs } from "../../ui/pairs.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { Time } from "../../ui/time.tsx";
import { Text } from "../../ui/untrusted.tsx";
import { CallExplanation } from "./call-explanation.tsx";
import { CallFacts } from "./call-facts.tsx";
import { CallPath } from "./call-path.tsx";
import { CallRecords } from "./call-records.tsx";
import { UndoCall } from "../undo/undo-call.tsx";
import { Outcome } from "./outcome.tsx";

/** One call: its path, why it came out so, what it was about, and what proves it. */
export function CallPage() {
  const { id } = useParams({ from: "/calls/$id" });
  const path = useQuery({
    queryKey: ["calls", "path", id],
    queryFn: async () => answerOf(api.GET("/api/v1/calls/{callId}/path", { params: { path: { callId: id } } })),
  });
  const newest = Math.max(-1, ...(path.data?.steps.map(({ record }) => record ?? -1) ?? []));
  // Each look at a call's facts is a record in the log: there is one for each state of the call, however often the page hears of others.
  const detail = useQuery({
    queryKey: ["call-detail", id, newest],
    queryFn: async () => answerOf(api.GET("/api/v1/calls/{callId}", { params: { path: { callId: id } } })),
    enabled: path.data !== undefined,
    staleTime: "static",
    placeholderData: (before) => before,
  });
  const error = path.error ?? detail.error;
  const call = detail.data;
  return (
    <Page
      title="Call"
      actions={
        <div className="flex flex-wrap items-center gap-3">
          {call === undefined ? undefined : <UndoCall call={call} onUndone={() => void detail.refetch()} />}
          <Link to="/calls">All calls</Link>
        </div>
      }
    >
      <ProblemNote error={error} onRetry={() => void path.refetch()} />
      {call === undefined ? (
        error === null ? (
          <Skeleton lines={10} label="Loading the call" />
        ) : undefined
      ) : (
        <>
          <p className="mb-3 text-base font-semibold">
            <Text>{call.action ?? call.tool ?? "no action of the catalog"}</Text>
          </p>
          <div className="grid gap-4 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
            <div className="grid content-start gap-4">
              <Part title="Path">{path.data === undefined ? <Skeleton /> : <CallPath steps={path.data.steps} />}</Part>
              <Part title="Why">
                <CallExplanation callId={id} />
              </Part>
            </div>
            <div className="grid content-start gap-4">
              <Part title="Call">
                <Summary call={call} />
              </Part>
              <Part title="What it was about">
                <CallFacts call={call} />
              </Part>
              <Part title="Records and proof">
                <CallRecords call={call} />
              </Part>
            </div>
          </div>
        </>
      )}
    </Page>
  );
}

function Part({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section aria-label={title} className="min-w-0 rounded border border-line bg-card p-3">
      <h2 className="mb-2 text-base">{title}</h2>
      {children}
    </section>
  );
}

function Summary({ call }: { readonly call: Schema<"CallDetail"> }) {
  const { callId, at, tenant, environment, agent, user, session, run, approval, approvers, durationMs, undoes, undoneBy } = call;
  return (
    <Pairs
      of={[
        ["id", <Code key="id">{callId}</Code>],
        ["came", <Time key="at" at={at} />],
        [
          "outcome",
          <span key="outcome" className="flex flex-wrap gap-1.5">
            {call.verdict === undefined ? undefined : <Verdict of={call.verdict} />}
            <Outcome status={call.status} code={call.code} />
          </span>,
        ],
        ["took", durationMs === undefined ? undefined : `${durationMs} ms`],
        [
          "agent",
          agent === undefined ? undefined : (
            <Link key="agent" to="/calls" search={{ agent }}>
              <Text>{agent}</Text>
            </Link>
          ),
        ],
        ["for", user === undefined ? undefined : <Text key="user">{user}</Text>],
        ["tenant", <Text key="tenant">{environment === undefined ? tenant : `${tenant}, ${environment}`}</Text>],
        ["session", session === undefined ? undefined : <Code key="session">{session}</Code>],
        [
          "run",
          run === undefined ? undefined : (
            <Link key="run" to="/runs/$run" params={{ run }}>
              <Text>{run}</Text>
            </Link>
          ),
        ],
        [
          "approval",
          approval === undefined ? undefined : (
            <Link key="approval" to="/approvals/$id" params={{ id: approval }}>
              <Text>{approval}</Text>
            </Link>
          ),
        ],
        ["undoes", undoes === undefined ? undefined : <CallLink key="undoes" id={undoes} />],
        ["undone by", undoneBy === undefined ? undefined : <CallLink key="undone" id={undoneBy} />],
        ["approved by", approvers === undefined ? undefined : <Text key="by">{approvers.join(", ")}</Text>],
      ]}
    />
  );
}

function CallLink({ id }: { readonly id: string }) {
  return (
    <Link to="/calls/$id" params={{ id }}>
      <Text>{id}</Text>
    </Link>
  );
}
