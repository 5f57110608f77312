import type { Schema } from "../../api/client.ts";
import { CodeBlock } from "../../ui/code.tsx";
import { Pairs } from "../../ui/pairs.tsx";
import { Text, Untrusted } from "../../ui/untrusted.tsx";

type Facts = Readonly<Record<string, unknown>>;

/** What people and agents said, as far as it was not erased: arguments, the record, the stated reason. None of it is trusted. */
export function CallFacts({ call }: { readonly call: Schema<"CallDetail"> }) {
  const { facts, records } = call;
  if (facts === undefined)
    return records.some(({ body }) => "facts" in body) ? (
      <p>
        <strong>Erased.</strong> Arguments, names and reasons of this call can no longer be read by anybody. Its records stand, and so does
        their proof.
      </p>
    ) : (
      <p className="text-soft">Nothing was kept beside the records of this call.</p>
    );
  const { args, resource, after, statedReason, asked, peer, task } = facts;
  return (
    <div className="grid gap-3">
      {typeof statedReason === "string" ? <Untrusted label="The agent's reason">{statedReason}</Untrusted> : undefined}
      {asked === undefined ? undefined : <Value label="Asked for (untrusted)" of={asked} />}
      {args === undefined ? undefined : <Value label="Arguments (untrusted)" of={args} />}
      {resource === undefined ? undefined : <Value label="Record before the call" of={resource} />}
      {after === undefined ? undefined : <Value label="Record as the call left it" of={after} />}
      <Pairs
        of={[
          ["task", typeof task === "string" ? <Text key="task">{task}</Text> : undefined],
          ["from", typeof peer === "string" ? <Text key="peer">{peer}</Text> : undefined],
        ]}
      />
      <Others facts={facts} />
    </div>
  );
}

const SHOWN = new Set(["args", "resource", "after", "statedReason", "asked", "peer", "task", "user"]);

/** Everything else that was kept: what the session was for, the counters, the lookup. */
function Others({ facts }: { readonly facts: Facts }) {
  const others = Object.fromEntries(Object.entries(facts).filter(([name]) => !SHOWN.has(name)));
  if (Object.keys(others).length === 0) return undefined;
  return (
    <details>
      <summary className="min-h-6 text-soft">Everything else that was kept</summary>
      <CodeBlock label="Other facts">{JSON.stringify(others, undefined, 2)}</CodeBlock>
    </details>
  );
}

function Value({ label, of }: { readonly label: string; readonly of: unknown }) {
  return (
    <div>
      <h3 className="text-soft">{label}</h3>
      <CodeBlock label={label}>{JSON.stringify(of, undefined, 2)}</CodeBlock>
    </div>
  );
}
