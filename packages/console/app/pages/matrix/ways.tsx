import { Verdict } from "../../ui/badge.tsx";
import type { Schema } from "../../api/client.ts";
import { Text } from "../../ui/untrusted.tsx";
import { Place } from "../policy/rules.tsx";

type Way = Schema<"MatrixCell">["ways"][number];

/** What a way consists of, under the words of `bailiwick matrix`. */
const PARTS = [
  ["if", "conditions"],
  ["rows", "rows"],
  ["fields", "fields"],
  ["limits", "limits"],
  ["approval", "approval"],
  ["hours", "hours"],
] as const;

/** The grants that can apply, any one of which suffices, each with what holds under it. */
export function Ways({ of }: { readonly of: readonly Way[] }) {
  return (
    <ul className="grid gap-2">
      {of.map((way) => (
        <li key={`${way.grant.id} ${way.grant.at.file} ${way.grant.at.line}`}>
          <p>
            {of.length > 1 ? <Verdict of={way.verdict} /> : undefined} <span className="text-soft">by</span>{" "}
            <Text className="font-medium">{way.grant.id}</Text> <Place at={way.grant.at} />
          </p>
          <dl className="grid grid-cols-[4.5rem_1fr] gap-x-3">
            {PARTS.flatMap(([label, part]) =>
              way[part].length === 0
                ? []
                : [
                    <dt key={`${label} term`} className="text-soft">
                      {label}
                    </dt>,
                    <dd key={label} className="min-w-0">
                      <Text>{way[part].join(label === "if" || label === "rows" ? " and " : "; ")}</Text>
                    </dd>,
                  ],
            )}
          </dl>
        </li>
      ))}
    </ul>
  );
}
