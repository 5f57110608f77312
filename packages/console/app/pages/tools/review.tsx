import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { answerOf, api, type Schema } from "../../api/client.ts";
import { useMe } from "../../api/queries.ts";
import { Button } from "../../ui/button.tsx";
import { Code, CodeBlock, Command } from "../../ui/code.tsx";
import { Diff } from "../../ui/diff.tsx";
import { Pairs } from "../../ui/pairs.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { Text, Untrusted } from "../../ui/untrusted.tsx";
import { Words } from "../../ui/words.tsx";
import { Place } from "../policy/rules.tsx";
import { ToolMark } from "./tool-mark.tsx";
import { reviewQuery } from "./tool-queries.ts";

type ToolReview = Schema<"ToolReview">;

export interface ReviewProps {
  readonly tool: string;
  readonly kind: "tool" | "resource" | "prompt";
  readonly name: string;
  readonly tenant: string | undefined;
}

/** What a reviewer needs to see of one operation, and what one who agrees writes. */
export function Review({ tool, kind, name, tenant }: ReviewProps) {
  const { data, error, refetch } = useQuery(reviewQuery(tool, kind, name, tenant));
  if (error !== null) return <ProblemNote error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Skeleton label="Loading the review" />;
  return (
    <div className="grid gap-4">
      <h2>
        <Text>{name}</Text>
      </h2>
      <Pairs
        of={[
          ["state", <ToolMark key="state" of={data.state} />],
          ["why", data.why === undefined ? undefined : <Words key="why">{data.why}</Words>],
          ["tenant", <Text key="tenant">{data.tenant}</Text>],
          ["reviewed", data.reviewed === undefined ? undefined : <Code key="reviewed">{data.reviewed}</Code>],
          ["offered", data.offered === undefined ? undefined : <Code key="offered">{data.offered.fingerprint}</Code>],
          ["declared in", data.declared === undefined ? undefined : <Place key="at" at={data.declared.at} />],
        ]}
      />
      <Differences of={data} />
      {data.write === undefined ? undefined : <Write of={data.write} />}
      {data.offered === undefined ? <Connect tool={tool} tenant={data.tenant} /> : <Offered of={data.offered.entry} />}
      {data.declared === undefined ? undefined : (
        <section aria-label="Declared in the catalog">
          <h3 className="mb-1 text-soft">Declared in the catalog</h3>
          <CodeBlock label="The catalog's entry">{jsonOf(withoutPlace(data.declared))}</CodeBlock>
        </section>
      )}
    </div>
  );
}

function withoutPlace({ scope, effect, description, args, labels }: NonNullable<ToolReview["declared"]>): object {
  return { is: scope, effect, description, args, labels };
}

const COMPARED = {
  entry: { title: "What changed since the review", label: "Changes since the review", same: "Nothing that a reviewer signs for changed." },
  arguments: {
    title: "Arguments: what the catalog declares against what the tool offers now",
    label: "Arguments",
    same: "The arguments are the same.",
  },
} as const;

function Differences({ of }: { readonly of: ToolReview }) {
  if (of.compared === undefined) return undefined;
  const { title, label, same } = COMPARED[of.compared];
  return (
    <section aria-label={title}>
      <h3 className="mb-1 text-soft">{title}</h3>
      {of.differences.length === 0 ? <p>{same}</p> : <Diff label={label} changes={of.differences} />}
      {of.compared === "arguments" && of.state === "quarantined" ? (
        <p className="mt-1 max-w-prose text-soft">
          This broker has not seen the entry that was reviewed, only its fingerprint: a changed description is no difference here. Read the
          whole text below.
        </p>
      ) : undefined}
    </section>
  );
}

/** A review is a change of the policy folder: it is made where the folder's history is kept, not here. */
function Write({ of: { file, line, text, command } }: { readonly of: NonNullable<ToolReview["write"]> }) {
  return (
    <section aria-label="To accept it">
      <h3 className="mb-1 text-soft">
        To accept it, write {line === undefined ? "in " : "at the action in "}
        {line === undefined ? <Code>{file}</Code> : <Place at={{ file, line }} />}
      </h3>
      <CodeBlock label="What to write">{text}</CodeBlock>
      <p className="mt-1 text-soft">
        or <Command>{command}</Command>, then read what it wrote and run <Command>bailiwick check</Command>
      </p>
    </section>
  );
}

function Offered({ of }: { readonly of: Readonly<Record<string, unknown>> }) {
  const { description } = of;
  return (
    <section aria-label="Offered now" className="grid gap-2">
      <h3 className="text-soft">Offered now, in the tool&apos;s own words</h3>
      {typeof description === "string" ? <Untrusted label="The tool says">{description}</Untrusted> : undefined}
      <CodeBlock label="The whole entry (untrusted)">{jsonOf(of)}</CodeBlock>
    </section>
  );
}

/** Connecting takes the tool's credential and starts it where it is a program, so a person asks for it. */
function Connect({ tool, tenant }: { readonly tool: string; readonly tenant: string }) {
  const me = useMe();
  const queries = useQueryClient();
  const connect = useMutation({
    mutationFn: async () => answerOf(api.GET("/api/v1/tools/{tool}/offered", { params: { path: { tool }, query: { tenant } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["tools"] }),
  });
  const may = me !== undefined && !me.roles.includes("auditor") && me.roles.some((role) => ["author", "operator", "owner"].includes(role));
  return (
    <section aria-label="Not seen">
      <p className="mb-1">This broker has not seen the tool offer it.</p>
      {may ? (
        <Button onClick={() => connect.mutate()} disabled={connect.isPending}>
          {connect.isPending ? "Connecting…" : "Connect and look"}
        </Button>
      ) : (
        <p className="text-soft">Looking takes the role author, operator or owner.</p>
      )}
      <ProblemNote error={connect.error} />
    </section>
  );
}

function jsonOf(value: unknown): string {
  return JSON.stringify(value, undefined, 2);
}
