import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { answerOf, api } from "../../api/client.ts";
import { ProblemNote } from "../../ui/problem.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { Words } from "../../ui/words.tsx";
import { RuleLine } from "./rule-line.tsx";

/** Why the call came out as it did, and what would change it; judged by the policy in force now. */
export function CallExplanation({ callId }: { readonly callId: string }) {
  const { data, error, refetch } = useQuery({
    queryKey: ["calls", "explanation", callId],
    queryFn: async () => answerOf(api.GET("/api/v1/calls/{callId}/explanation", { params: { path: { callId } } })),
  });
  if (error !== null) return <ProblemNote error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Skeleton lines={3} label="Loading the explanation" />;
  const { summary, rules, unmatched, wouldChange, erased } = data;
  return (
    <div className="grid gap-2">
      <p>
        <Words>{summary}</Words>
      </p>
      {erased ? <p className="text-ask">What the decision was made from was erased; this is what the record still says.</p> : undefined}
      <Lines title="What would change it">
        {wouldChange.map((line) => (
          <li key={line}>
            <Words>{line}</Words>
          </li>
        ))}
      </Lines>
      <Lines title="Rules that decided">
        {rules.map((rule) => (
          <li key={`${rule.kind} ${rule.id}`}>
            <RuleLine rule={rule} />
          </li>
        ))}
      </Lines>
      <Lines title="Rules that did not match">
        {unmatched.map(({ rule, because }) => (
          <li key={`${rule.kind} ${rule.id} ${because}`}>
            <RuleLine rule={{ ...rule, reason: because }} />
          </li>
        ))}
      </Lines>
      <p className="text-soft">By the policy in force now, over the facts kept with the call.</p>
    </div>
  );
}

function Lines({ title, children }: { readonly title: string; readonly children: readonly ReactNode[] }) {
  if (children.length === 0) return undefined;
  return (
    <div>
      <h3 className="text-soft">{title}</h3>
      <ul className="list-disc pl-5">{children}</ul>
    </div>
  );
}
