import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Schema } from "../../api/client.ts";
import { Button } from "../../ui/button.tsx";
import { Code, CodeBlock } from "../../ui/code.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { Text } from "../../ui/untrusted.tsx";
import { Words } from "../../ui/words.tsx";
import { proposalsQuery } from "./duty-queries.ts";

type Proposal = Schema<"HabitProposal">;

/** Changes of the policy that people can paste. Nothing applies them. */
export function Proposals({ tenant, days }: { readonly tenant: string | undefined; readonly days: number }) {
  const { data, error, refetch } = useQuery(proposalsQuery(tenant, days));
  return (
    <section aria-label="Proposed changes" className="grid gap-3">
      <h2 className="text-base">Proposed changes of the policy</h2>
      <p className="max-w-prose text-soft">
        Made of what people answered, and tried on past questions. They are text to read, check and paste; nothing applies them.
      </p>
      <ProblemNote error={error} onRetry={() => void refetch()} />
      {data === undefined && error === null ? <Skeleton lines={3} /> : undefined}
      {data?.length === 0 ? <p>Nothing: no rule was always approved or often denied in {days} days.</p> : undefined}
      {data?.map((proposal) => (
        <ProposalCard key={`${proposal.tenant} ${proposal.rule}`} proposal={proposal} />
      ))}
    </section>
  );
}

function ProposalCard({ proposal }: { readonly proposal: Proposal }) {
  const { rule, because, open, file, line, how, yaml, replayed, failingTests } = proposal;
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(yaml);
    setCopied(true);
  };
  return (
    <article className="grid gap-2 rounded border border-line bg-card px-3 py-2">
      <h3 className="font-semibold">
        <Code>{rule}</Code>
      </h3>
      <p>
        <Words>{because}</Words>.
      </p>
      <p>
        Of past questions it would have decided <strong>{replayed.spared}</strong> by itself; people would still have been asked{" "}
        <strong>{replayed.still}</strong>
        {replayed.unknown === 0 ? "" : `, and of ${replayed.unknown} it is not known any more`}.
      </p>
      {open.length === 0 ? undefined : (
        <p>
          It leaves open: <Text>{open.join(", ")}</Text>.
        </p>
      )}
      {failingTests.length === 0 ? undefined : (
        <p className="text-deny">
          Tests of the folder that fail with it: <Text>{failingTests.join(", ")}</Text>.
        </p>
      )}
      <div className="flex flex-wrap items-center justify-between gap-2">
        <p>
          <Code>{`${file}:${line}`}</Code>, {how}:
        </p>
        <Button onClick={() => void copy().catch(() => setCopied(false))} aria-label={`Copy the change of ${rule}`}>
          {copied ? "Copied" : "Copy"}
        </Button>
      </div>
      <CodeBlock label={`The change of ${rule}`}>{yaml}</CodeBlock>
    </article>
  );
}
