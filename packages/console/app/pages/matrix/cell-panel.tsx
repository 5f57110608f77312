import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Schema } from "../../api/client.ts";
import { Verdict } from "../../ui/badge.tsx";
import { cls } from "../../ui/classes.ts";
import { Code } from "../../ui/code.tsx";
import { Pairs } from "../../ui/pairs.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { durationText, Time } from "../../ui/time.tsx";
import { Text } from "../../ui/untrusted.tsx";
import { Words } from "../../ui/words.tsx";
import { nameInPath, shortName } from "../agents/agent-name.ts";
import { Lines, Place, Rules } from "../policy/rules.tsx";
import { cellQuery } from "./matrix-queries.ts";
import { Ways } from "./ways.tsx";

/** A cell explains itself: what goes with it, the rules with their lines, and what would change it. */
export function CellPanel({ agent, action }: { readonly agent: string; readonly action: string }) {
  const { data, error, refetch } = useQuery(cellQuery(agent, action));
  if (error !== null) return <ProblemNote error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Skeleton label="Loading the cell" />;
  return (
    <div className="grid gap-3">
      <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
        <Verdict of={data.verdict} /> <span>{data.when}</span>
      </p>
      <Pairs
        of={[
          ["agent", <AgentLink key="agent" name={agent} />],
          ["action", <Code key="action">{data.action}</Code>],
          ["scope", <Code key="scope">{data.scope}</Code>],
          ["effect", data.effect],
          ["declared in", <Place key="at" at={data.at} />],
        ]}
      />
      {data.reason === undefined ? undefined : (
        <p>
          <span className="text-soft">because</span> <Words>{data.reason}</Words>
        </p>
      )}
      <Ways of={data.ways} />
      <Lines title="What would change it" of={data.wouldChange} />
      {data.rules.length === 0 ? undefined : (
        <section aria-label="Rules">
          <h3 className="mb-1 text-soft">Rules</h3>
          <Rules of={data.rules} label="Rules that determine the cell" />
        </section>
      )}
      <ForATime of={data.elevations} />
      <p>
        <Link to="/policy" search={{ view: "try", agent, action }}>
          Try a call
        </Link>
      </p>
    </div>
  );
}

function AgentLink({ name }: { readonly name: string }) {
  return (
    <Link to="/agents/$name" params={{ name: nameInPath(name) }} search={{ tab: "rights" }}>
      <Text>{shortName(name)}</Text>
    </Link>
  );
}

/** What one role more would make of the cell, and how it is had. */
function ForATime({ of }: { readonly of: Schema<"MatrixCell">["elevations"] }) {
  if (of.length === 0) return undefined;
  return (
    <section aria-label="Rights for a time" className="grid gap-2">
      <h3 className="text-soft">Rights for a time</h3>
      {of.map(({ eligible, active, verdict, when, ways }) => (
        <div
          key={`${eligible.role} ${eligible.at.line}`}
          className={cls("rounded border px-2 py-1.5", active.length === 0 ? "border-line" : "border-ask bg-ask-tint")}
        >
          <p>
            <Verdict of={verdict} /> {when} with the role <Text className="font-medium">{eligible.role}</Text> <Place at={eligible.at} />
          </p>
          {active.length === 0 ? (
            <p className="text-soft">
              may be asked for, at most {durationText(eligible.mostMs)}, answered by <Text>{eligible.by.join(" or ")}</Text>
            </p>
          ) : (
            active.map(({ id, until, task }) => (
              <p key={id} className="font-semibold text-ask">
                in force, ends <Time at={until} />
                {task === undefined ? "" : ", only for the task "}
                {task === undefined ? undefined : <Text>{task}</Text>}
              </p>
            ))
          )}
          <Ways of={ways} />
        </div>
      ))}
    </section>
  );
}
