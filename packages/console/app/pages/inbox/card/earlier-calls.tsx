import { useQuery } from "@tanstack/react-query";
import type { Approval } from "../../../api/approvals.ts";
import { answerOf, api, ApiProblem, type Schema } from "../../../api/client.ts";
import { AppLink } from "../../../ui/app-link.tsx";
import { Verdict } from "../../../ui/badge.tsx";
import { ProblemNote } from "../../../ui/problem.tsx";
import { Skeleton } from "../../../ui/skeleton.tsx";
import { Time } from "../../../ui/time.tsx";
import { Text } from "../../../ui/untrusted.tsx";
import { agentName } from "../words.ts";

type Step = Schema<"Timeline">["steps"][number];

/** Records that are looked through for the calls before this one. */
const LOOKED_AT = 60;
const SHOWN = 8;

/** What the run did before it came to this question. */
export function EarlierCalls({ approval }: { readonly approval: Approval }) {
  const { run, tenant, callId, createdAt } = approval;
  const { data, error } = useQuery({
    queryKey: ["runs", tenant, run],
    queryFn: async () =>
      answerOf(api.GET("/api/v1/runs/{run}/timeline", { params: { path: { run }, query: { tenant, limit: LOOKED_AT } } }))
        .catch((problem: unknown) => {
          if (problem instanceof ApiProblem && problem.status === 404) return undefined;
          throw problem;
        })
        .then((timeline) => timeline ?? null),
  });
  if (error !== null) return <ProblemNote error={error} />;
  if (data === undefined) return <Skeleton lines={3} />;
  const earlier = (data?.steps ?? []).filter((step) => step.callId !== callId && step.at < createdAt && isCall(step));
  if (earlier.length === 0 && data?.earlier === undefined) return <p className="text-soft">This is its first call.</p>;
  return (
    <>
      <ol className="grid gap-1">
        {earlier.slice(-SHOWN).map((step) => (
          <li key={step.index} className="flex flex-wrap gap-x-2">
            <Verdict of={step.verdict} />
            <AppLink href={`/calls/${encodeURIComponent(step.callId)}`}>
              <Text>{step.action ?? step.callId}</Text>
            </AppLink>
            <span className="text-soft">
              {step.code ?? step.status ?? step.kind}
              {step.depth === 0 ? "" : `, by ${agentName(step.agent ?? "a delegate")}`}, <Time at={step.at} />
            </span>
          </li>
        ))}
      </ol>
      <p>
        <AppLink href={`/runs/${encodeURIComponent(run)}`}>The whole run</AppLink>
      </p>
    </>
  );
}

function isCall({ kind }: Step): boolean {
  return kind === "call" || kind === "refusal" || kind === "hold";
}
