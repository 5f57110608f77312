import { Link } from "@tanstack/react-router";
import type { Schema } from "../../api/client.ts";
import { Text } from "../../ui/untrusted.tsx";
import { Words } from "../../ui/words.tsx";

/** A place in a file of the policy folder, as a link to that line. Rules that hold without being written stand in the documentation. */
export function Place({ at }: { readonly at: { readonly file: string; readonly line: number } }) {
  const text = `${at.file}:${at.line}`;
  if (/^(?:docs|defaults)\//u.test(at.file)) return <span className="font-mono text-[0.8125rem] text-soft">{text}</span>;
  return (
    <Link to="/policy" search={{ file: at.file }} hash={`L${at.line}`} className="font-mono text-[0.8125rem]">
      {text}
    </Link>
  );
}

/** Rules with what each says and where it stands. */
export function Rules({ of, label }: { readonly of: readonly Schema<"Rule">[]; readonly label: string }) {
  return (
    <ul aria-label={label} className="grid gap-1.5">
      {of.map((rule) => (
        <li key={`${rule.kind} ${rule.id} ${rule.at.file} ${rule.at.line}`}>
          <span className="text-soft">{rule.kind}</span> <Text className="font-medium">{rule.id}</Text> <Place at={rule.at} />
          <div className="text-soft">
            <Text>{rule.reason}</Text>
          </div>
        </li>
      ))}
    </ul>
  );
}

/** Sentences, one a line; nothing when there are none. */
export function Lines({ title, of }: { readonly title: string; readonly of: readonly string[] }) {
  if (of.length === 0) return undefined;
  return (
    <section aria-label={title} className="mt-3">
      <h3 className="text-soft">{title}</h3>
      <ul className="list-disc pl-5">
        {of.map((line) => (
          <li key={line}>
            <Words>{line}</Words>
          </li>
        ))}
      </ul>
    </section>
  );
}
