import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { AppLink } from "../../ui/app-link.tsx";
import { Button } from "../../ui/button.tsx";
import { Code } from "../../ui/code.tsx";
import { Page } from "../../ui/page.tsx";
import { Pairs } from "../../ui/pairs.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { Time } from "../../ui/time.tsx";
import { Text, Untrusted } from "../../ui/untrusted.tsx";
import { Words } from "../../ui/words.tsx";
import { AnswerForm } from "./answer-form.tsx";
import { type Elevation, elevationQuery } from "./elevation-queries.ts";
import { ElevationState } from "./elevation-state.tsx";
import { RevokeDialog } from "./revoke-dialog.tsx";

/** One right for a time: what would be given, why, to whose answer, and the calls that stood on it. */
export function ElevationPage(): ReactNode {
  const { id } = useParams({ from: "/elevations/$id" });
  const { data, error, refetch } = useQuery(elevationQuery(id));
  const [revoking, setRevoking] = useState(false);
  return (
    <Page
      title="Elevation"
      actions={
        <span className="flex flex-wrap gap-2">
          {data?.mayRevoke === true ? (
            <Button look="deny" onClick={() => setRevoking(true)}>
              Take it back
            </Button>
          ) : undefined}
          <Link to="/elevations" search className="inline-flex min-h-7 items-center underline underline-offset-2">
            All of them
          </Link>
        </span>
      }
    >
      <ProblemNote error={error} onRetry={() => void refetch()} />
      {data === undefined && error === null ? <Skeleton /> : undefined}
      {data === undefined ? undefined : (
        <div className="grid max-w-3xl gap-4">
          <p className="text-base font-semibold">
            <Words>{data.sentence}</Words>
          </p>
          <p>
            <ElevationState of={data} />
          </p>
          <Reason of={data} />
          <Facts of={data} uses={data.uses} />
          <Answers of={data} />
          {data.state === "pending" && data.mayAnswer ? <AnswerForm key={data.answers.length} of={data} /> : undefined}
          {data.state === "pending" && data.mayNotBecause !== undefined ? (
            <p className="text-soft">
              <Words>{data.mayNotBecause}</Words>.
            </p>
          ) : undefined}
        </div>
      )}
      {revoking && data !== undefined ? <RevokeDialog of={data} onClose={() => setRevoking(false)} /> : undefined}
    </Page>
  );
}

function Reason({ of: { reason, askedBy } }: { readonly of: Elevation }): ReactNode {
  if (askedBy.kind === "agent") return <Untrusted label="The agent's reason">{reason}</Untrusted>;
  return (
    <p>
      <Text className="font-semibold">{askedBy.name}</Text> asks: <Text>{reason}</Text>
    </p>
  );
}

function Facts({ of, uses }: { readonly of: Elevation; readonly uses: Uses }): ReactNode {
  const { id, agent, role, scope, roleScopes, task, minutes, askedBy, approvers, quorum, stepUp, createdAt, given, revoked } = of;
  return (
    <Pairs
      of={[
        ["agent", <Code key="agent">{agent}</Code>],
        ["for user", askedBy.user === undefined ? undefined : <Text key="user">{askedBy.user}</Text>],
        ["task", task === undefined ? "every session of the agent" : <Text key="task">{task}</Text>],
        ["role", <Code key="role">{role}</Code>],
        ["asked for", scope.length === 0 ? `all of it: ${roleScopes.join(" ")}` : scope.join(" ")],
        ["for", `${minutes} minutes`],
        ["asked", <Time key="asked" at={createdAt} />],
        ["answered by", `${approvers.join(" or ") || "nobody"}${stepUp ? ", with a passkey" : ""}`],
        ["yeses", quorum.groups.map(({ by, count, yes }) => `${yes.length} of ${count} of ${by.join(" or ")}`).join("; ")],
        ["given", given === undefined ? undefined : given.scope.join(" ") || "all of the role"],
        ["until", given === undefined ? undefined : <Time key="until" at={given.until} />],
        ["taken back", revoked === undefined ? undefined : <Text key="revoked">{`by ${revoked.by}: ${revoked.reason}`}</Text>],
        [
          "used by",
          given === undefined ? undefined : (
            <span key="uses">
              {uses.calls}
              {uses.more ? " or more" : ""} calls{" "}
              {uses.calls === 0 ? undefined : <AppLink href={`/calls?rule=${encodeURIComponent(id)}`}>show them</AppLink>}
            </span>
          ),
        ],
      ]}
    />
  );
}

interface Uses {
  readonly calls: number;
  readonly more: boolean;
}

function Answers({ of: { answers } }: { readonly of: Elevation }): ReactNode {
  if (answers.length === 0) return undefined;
  return (
    <ul aria-label="Answers" className="grid gap-1">
      {answers.map(({ by, at, verdict, scope, minutes, reason, signed }) => (
        <li key={`${by} ${at}`}>
          <Text className="font-semibold">{by}</Text> said {verdict === "approve" ? "yes" : "no"} <Time at={at} />
          {verdict === "approve" ? ` to ${scope.join(" ") || "all of the role"} for ${minutes} minutes` : ""}
          {signed ? ", signed with a passkey" : ""}
          {reason === undefined ? "" : ": "}
          {reason === undefined ? undefined : <Text>{reason}</Text>}
        </li>
      ))}
    </ul>
  );
}
