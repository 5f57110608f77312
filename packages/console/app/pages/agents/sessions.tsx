import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { answerOf, api, type Schema } from "../../api/client.ts";
import { Badge } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { Code } from "../../ui/code.tsx";
import { Empty } from "../../ui/empty.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { Time } from "../../ui/time.tsx";
import { say } from "../../ui/toast.tsx";
import { Text } from "../../ui/untrusted.tsx";
import { Confirm } from "./confirm.tsx";
import { shortName } from "./agent-name.ts";
import { type Branch, treesOf } from "./session-tree.ts";

/** Live sessions of an agent with those above and below, each with its end. */
export function Sessions(props: {
  readonly agent: string;
  readonly sessions: readonly Schema<"Session">[];
  readonly more: boolean;
  readonly mayChange: boolean;
}) {
  const { agent, sessions, more, mayChange } = props;
  if (sessions.length === 0)
    return (
      <Empty title="No live session." command={`bailiwick sessions list --all`}>
        One appears when the agent gets a token. Sessions that ended are in the list of the command.
      </Empty>
    );
  return (
    <>
      {more ? (
        <p className="mb-2 text-ask">The tenant has more live sessions than are looked at; some of this agent may be missing.</p>
      ) : undefined}
      <Branches of={treesOf(sessions)} agent={agent} mayChange={mayChange} label="Live sessions" />
    </>
  );
}

function Branches(props: { readonly of: readonly Branch[]; readonly agent: string; readonly mayChange: boolean; readonly label?: string }) {
  const { of, agent, mayChange, label } = props;
  return (
    <ul aria-label={label} className="grid gap-2">
      {of.map(({ session, below }) => (
        <li key={session.id}>
          <SessionCard of={session} own={session.agent === agent} mayChange={mayChange} below={countBelow(below)} />
          {below.length === 0 ? undefined : (
            <div className="mt-2 ml-2 border-l-2 border-line pl-2 sm:ml-4 sm:pl-4">
              <p className="mb-1 text-soft">delegated from it</p>
              <Branches of={below} agent={agent} mayChange={mayChange} />
            </div>
          )}
        </li>
      ))}
    </ul>
  );
}

function countBelow(branches: readonly Branch[]): number {
  return branches.reduce((sum, { below }) => sum + 1 + countBelow(below), 0);
}

function SessionCard(props: {
  readonly of: Schema<"Session">;
  readonly own: boolean;
  readonly mayChange: boolean;
  readonly below: number;
}) {
  const { of, own, mayChange, below } = props;
  return (
    <article aria-label={`Session ${of.id}`} className="rounded border border-line bg-card px-3 py-2">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <Code>{of.id}</Code>
        {own ? undefined : <Badge>{shortName(of.agent)}</Badge>}
        <Badge>{of.binding}</Badge>
        <span className="text-soft">
          ends <Time at={of.expiresAt} />
        </span>
        {mayChange ? <Revoke id={of.id} below={below} /> : undefined}
      </div>
      <p>
        for <Text className="font-medium">{of.user}</Text> <span className="text-soft">({of.userProof})</span>, task{" "}
        <Text className="font-medium">{of.task}</Text>, run{" "}
        <Link to="/runs/$run" params={{ run: of.run }}>
          <Code>{of.run}</Code>
        </Link>
      </p>
      <p className="text-soft">
        may use at most <Code>{of.scope.join(" ") || "nothing"}</Code>
      </p>
    </article>
  );
}

function Revoke({ id, below }: { readonly id: string; readonly below: number }) {
  const [asked, setAsked] = useState(false);
  const queries = useQueryClient();
  const revoke = useMutation({
    mutationFn: async () => answerOf(api.POST("/api/v1/sessions/{id}/revoke", { params: { path: { id } }, body: {} })),
    onSuccess: async ({ ended }) => {
      say(ended.length > 1 ? `Ended it and ${ended.length - 1} delegated from it.` : "Ended it. Its next call is refused.");
      await queries.invalidateQueries({ queryKey: ["agents"] });
    },
  });
  return (
    <span className="ml-auto">
      {asked ? (
        <Confirm
          question={below === 0 ? "End it?" : `End it and ${below} delegated from it?`}
          keep="Keep it"
          change="End it"
          busy={revoke.isPending}
          onKeep={() => setAsked(false)}
          onChange={() => revoke.mutate()}
        />
      ) : (
        <Button onClick={() => setAsked(true)} aria-label={`End the session ${id}`}>
          End…
        </Button>
      )}
      <ProblemNote error={revoke.error} />
    </span>
  );
}
