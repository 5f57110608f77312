import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { answerOf, api, type Schema } from "../../api/client.ts";
import { useTenant } from "../../shell/tenant.ts";
import { Verdict } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { Page } from "../../ui/page.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { durationText, Time } from "../../ui/time.tsx";
import { Text } from "../../ui/untrusted.tsx";
import { Outcome } from "../calls/outcome.tsx";
import { UndoRun } from "../undo/undo-run.tsx";
import { ProveRun } from "./prove.tsx";

type Step = Schema<"Timeline">["steps"][number];

/** What happened in one execution of an agent's job, in order; delegates stand further in. */
export function RunPage() {
  const { run } = useParams({ from: "/runs/$run" });
  const tenant = useTenant();
  const timeline = useInfiniteQuery({
    queryKey: ["runs", run, tenant ?? null],
    queryFn: async ({ pageParam }) =>
      answerOf(
        api.GET("/api/v1/runs/{run}/timeline", {
          params: {
            path: { run },
            query: { ...(tenant === undefined ? {} : { tenant }), ...(pageParam === undefined ? {} : { before: pageParam }) },
          },
        }),
      ),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: ({ earlier }) => earlier,
  });
  const pages = timeline.data?.pages ?? [];
  // A step that began before a page's end may be in two pages.
  const steps = [...new Map(pages.flatMap((page) => page.steps).map((step) => [step.index, step])).values()].toSorted(
    (a, b) => a.index - b.index,
  );
  const own = pages[0]?.tenant;
  return (
    <Page
      title="Run"
      actions={
        <div className="flex flex-wrap items-center gap-3">
          {own === undefined ? undefined : <UndoRun run={run} tenant={own} agent={steps.find(({ depth }) => depth === 0)?.agent} />}
          <Link to="/calls" search={{ run }}>
            Its calls
          </Link>
        </div>
      }
    >
      <p className="mb-2 text-soft">
        <Text>{run}</Text>
        {own === undefined ? undefined : (
          <>
            , tenant <Text>{own}</Text>
          </>
        )}
      </p>
      <ProblemNote error={timeline.error} onRetry={() => void timeline.refetch()} />
      {timeline.isPending ? <Skeleton lines={8} label="Loading the run" /> : undefined}
      {timeline.hasNextPage ? (
        <p className="mb-2">
          <Button onClick={() => void timeline.fetchNextPage()} disabled={timeline.isFetching}>
            Show what came before
          </Button>
        </p>
      ) : undefined}
      {steps.length === 0 ? undefined : <Steps steps={steps} />}
      {own === undefined ? undefined : <ProveRun run={run} tenant={own} />}
    </Page>
  );
}

function Steps({ steps }: { readonly steps: readonly Step[] }) {
  return (
    <ol aria-label="Steps of the run" className="mb-4 rounded border border-line bg-card">
      {steps.map((step, at) => (
        <li
          key={step.index}
          className="grid gap-x-3 border-t border-line px-2 py-1.5 first:border-0 sm:grid-cols-[8.5rem_minmax(0,1fr)_auto]"
        >
          <span className="whitespace-nowrap text-soft">
            <Time at={step.at} /> {since(step, steps[at - 1])}
          </span>
          <span className="min-w-0" style={{ paddingInlineStart: `${Math.min(step.depth, 6)}rem` }}>
            {step.depth > 0 ? <span className="sr-only">{`delegated ${step.depth} deep: `}</span> : undefined}
            <Text className="font-medium">{step.agent?.split("/").at(-1) ?? step.by ?? "-"}</Text> <What step={step} />
          </span>
          <span className="flex flex-wrap gap-1.5">
            {step.verdict === undefined ? undefined : <Verdict of={step.verdict} />}
            {step.status === undefined ? undefined : <Outcome status={step.status} code={step.code} />}
            {step.durationMs === undefined ? undefined : <span className="text-soft">{step.durationMs} ms</span>}
          </span>
        </li>
      ))}
    </ol>
  );
}

function since(step: Step, before: Step | undefined): string {
  if (before === undefined) return "";
  const ms = new Date(step.at).getTime() - new Date(before.at).getTime();
  return ms < 1_000 ? `+${ms} ms` : `+${durationText(ms)}`;
}

function What({ step }: { readonly step: Step }) {
  switch (step.kind) {
    case "session":
    case "event":
      return <Text>{`${step.event ?? "event"}${step.by === undefined || step.by === step.agent ? "" : ` by ${step.by}`}`}</Text>;
    case "answer":
      return (
        <>
          <Text>{`${step.event ?? "answer"} by ${step.by ?? "a person"}`}</Text>{" "}
          {step.approval === undefined ? undefined : (
            <Link to="/approvals/$id" params={{ id: step.approval }}>
              approval
            </Link>
          )}
        </>
      );
    case "lookup":
      return <Text className="text-soft">{`looks up: ${step.action ?? "a record"}`}</Text>;
    case "call":
    case "hold":
    case "refusal":
      return (
        <Link to="/calls/$id" params={{ id: step.callId }}>
          <Text>{step.action ?? "a call"}</Text>
        </Link>
      );
  }
}
