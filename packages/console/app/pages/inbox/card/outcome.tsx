import { useQuery } from "@tanstack/react-query";
import type { Approval } from "../../../api/approvals.ts";
import { answerOf, api } from "../../../api/client.ts";
import { Badge } from "../../../ui/badge.tsx";
import { Button } from "../../../ui/button.tsx";
import { ProblemNote } from "../../../ui/problem.tsx";
import { Time } from "../../../ui/time.tsx";
import { Text } from "../../../ui/untrusted.tsx";

const WORDS = {
  pending: "It waits for a person.",
  approved: "Approved: the agent may make this call.",
  used: "Approved, and the call was made.",
  denied: "Denied: the agent was told, and nothing was sent.",
  expired: "Nobody answered in time. The agent may ask again.",
  cancelled: "Withdrawn: the question no longer stands.",
} as const;

/** What became of a question that is over, who answered, and the receipts of what was signed. */
export function Outcome({ approval }: { readonly approval: Approval }) {
  const { state, answers } = approval;
  const tone = state === "approved" || state === "used" ? "allow" : state === "denied" ? "deny" : "plain";
  return (
    <section aria-label="Outcome" className="grid gap-1.5 rounded border border-line bg-card px-3 py-2">
      <p>
        <Badge tone={tone}>{state}</Badge> {WORDS[state]}
      </p>
      <ul className="grid gap-1">
        {answers.map((answer) => (
          <li key={`${answer.by} ${answer.at}`}>
            <AnswerLine answer={answer} />
          </li>
        ))}
      </ul>
      {answers.some(({ signed }) => signed) ? <Receipts id={approval.id} /> : undefined}
    </section>
  );
}

/** Who said what, when, and why. */
export function AnswerLine({ answer }: { readonly answer: Approval["answers"][number] }) {
  const { verdict, by, onDutyFor, at, args, bounds, signed, reason } = answer;
  return (
    <>
      <Text>{by}</Text> {verdict === "approve" ? "said yes" : "said no"}
      {onDutyFor === undefined ? "" : ` on duty for ${onDutyFor}`} <Time at={at} />
      {args === undefined ? "" : ", with other arguments"}
      {bounds === undefined ? "" : `, to at most ${bounds.uses} calls`}
      {signed ? ", signed with a passkey" : ""}
      {reason === undefined ? undefined : (
        <>
          : <Text>{reason}</Text>
        </>
      )}
    </>
  );
}

function Receipts({ id }: { readonly id: string }) {
  const { data, error } = useQuery({
    queryKey: ["approvals", "receipts", id],
    queryFn: async () => answerOf(api.GET("/api/v1/approvals/{id}/receipts", { params: { path: { id } } })),
  });
  return (
    <>
      <ProblemNote error={error} />
      {data === undefined || data.receipts.length === 0 ? undefined : (
        <p>
          <Button onClick={() => download(`${id}.receipts.json`, JSON.stringify(data.receipts, undefined, 2))}>
            Download the receipts
          </Button>{" "}
          <span className="text-soft">They verify without this broker.</span>
        </p>
      )}
    </>
  );
}

function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
