import { Link } from "@tanstack/react-router";
import type { Schema } from "../../api/client.ts";
import { Verdict } from "../../ui/badge.tsx";
import { CodeBlock } from "../../ui/code.tsx";
import { Text } from "../../ui/untrusted.tsx";
import { Lines, Rules } from "./rules.tsx";

/** The verdict on a call that nobody made, and why. */
export function Tried({ of }: { readonly of: Schema<"TriedCall"> }) {
  const action = `${of.operation.tool}.${of.operation.kind === "tool" ? "" : `${of.operation.kind}.`}${of.operation.name}`;
  return (
    <section aria-label="The verdict" className="rounded border border-line bg-card p-3">
      <h2 className="sr-only">The verdict</h2>
      <p className="flex flex-wrap items-center gap-2">
        <Verdict of={of.verdict} />
        <Text>{of.scope}</Text> <span className="text-soft">{of.effect}</span>
      </p>
      <p className="mt-2">
        <Text>{of.summary}</Text>
      </p>
      {of.record === "unknown" ? (
        <p className="mt-1 text-soft">
          {of.verdict === "deny" ? "No record would change the verdict." : "No record is given: the verdict is for one within the rows."}
        </p>
      ) : undefined}
      {of.elevations.length === 0 ? undefined : (
        <p className="mt-1 text-ask">Without rights for a time it would be refused, or demand more.</p>
      )}
      <Lines title="What holds for it" of={of.holds} />
      <Lines title="What would change it" of={of.wouldChange} />
      {of.rules.length === 0 ? undefined : (
        <div className="mt-3">
          <h3 className="text-soft">Rules that decided</h3>
          <Rules of={of.rules} label="Rules that decided" />
        </div>
      )}
      {of.unmatched.length === 0 ? undefined : (
        <div className="mt-3">
          <h3 className="text-soft">Rules that did not match</h3>
          <Rules of={of.unmatched.map(({ rule, because }) => ({ ...rule, reason: because }))} label="Rules that did not match" />
        </div>
      )}
      <details className="mt-3">
        <summary className="w-fit">The arguments as they were decided</summary>
        <CodeBlock label="Arguments">{JSON.stringify(of.args, undefined, 2)}</CodeBlock>
      </details>
      <p className="mt-2">
        <Link to="/matrix" search={{ agent: of.agent, action }}>
          See the cell in the matrix
        </Link>
      </p>
    </section>
  );
}
