import { useRouterState } from "@tanstack/react-router";
import { useEffect, useMemo, useRef } from "react";
import type { Schema } from "../../api/client.ts";
import { Badge } from "../../ui/badge.tsx";
import { cls } from "../../ui/classes.ts";
import { Text } from "../../ui/untrusted.tsx";
import { Words } from "../../ui/words.tsx";
import { type Token, tokensOf } from "./tokens.ts";

export type Finding = Schema<"Diagnostic">;

const LOOKS: Readonly<Record<Token["kind"], string>> = {
  plain: "",
  comment: "text-soft italic",
  key: "text-accent",
  string: "text-allow",
  word: "font-semibold",
  number: "text-ask",
};

/** One file with numbered lines. `#L12` in the address marks a line and brings it into view. */
export function FileView(props: {
  readonly path: string;
  readonly text: string;
  readonly state: string;
  readonly findings: readonly Finding[];
}) {
  const { path, text, state, findings } = props;
  const lines = useMemo(() => text.replace(/\n$/u, "").split("\n"), [text]);
  const byLine = useMemo(() => Map.groupBy(findings, ({ at }) => at.line), [findings]);
  const marked = useMarkedLine();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (marked !== undefined) box.current?.querySelector(`#L${marked}`)?.scrollIntoView({ block: "center" });
  }, [marked]);
  return (
    <section aria-label={path}>
      <h2 className="mb-1 flex flex-wrap items-center gap-2">
        <Text>{path}</Text> <Badge tone={state === "in force" ? "plain" : "deny"}>{state}</Badge>
      </h2>
      <div
        ref={box}
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable by keyboard (axe: scrollable-region-focusable)
        tabIndex={0}
        role="region"
        aria-label={`Lines of ${path}`}
        className="max-h-[calc(100dvh-14rem)] min-h-40 overflow-auto rounded border border-line bg-card py-1 font-mono text-[0.8125rem] leading-6"
      >
        {lines.map((line, at) => (
          <Line key={at + 1} number={at + 1} path={path} text={line} marked={marked === at + 1} findings={byLine.get(at + 1)} />
        ))}
      </div>
    </section>
  );
}

function Line(props: {
  readonly number: number;
  readonly path: string;
  readonly text: string;
  readonly marked: boolean;
  readonly findings: readonly Finding[] | undefined;
}) {
  const { number, path, text, marked, findings } = props;
  return (
    <>
      <div id={`L${number}`} aria-current={marked ? "true" : undefined} className={cls("flex", marked && "bg-chosen")}>
        <a
          href={`#L${number}`}
          className="block min-h-6 w-12 shrink-0 pr-3 text-right text-soft no-underline select-none hover:underline"
          aria-label={`line ${number}`}
        >
          {number}
        </a>
        <code className="min-w-0 pr-2 whitespace-pre-wrap">
          {tokensOf(path, text).map(({ kind, text: piece }, at) => (
            // oxlint-disable-next-line react/no-array-index-key -- the pieces of one line have no other name
            <Text key={at} className={LOOKS[kind]}>
              {piece}
            </Text>
          ))}
        </code>
      </div>
      {findings?.map((finding) => (
        <Note key={`${finding.code} ${finding.what}`} of={finding} />
      ))}
    </>
  );
}

/** What is wrong with the line above, why it matters, and what to write. */
function Note({ of: { severity, what, why, write } }: { readonly of: Finding }) {
  return (
    <div
      className={cls(
        "my-1 mr-2 ml-12 rounded border px-2 py-1 font-sans",
        severity === "error" ? "border-deny bg-deny-tint" : "border-ask bg-ask-tint",
      )}
    >
      <p className={cls("font-semibold", severity === "error" ? "text-deny" : "text-ask")}>
        {severity}: <Text>{what}</Text>
      </p>
      <p>
        <Words>{why}</Words>
      </p>
      <p>
        write <Text className="font-mono">{write}</Text>
      </p>
    </div>
  );
}

function useMarkedLine(): number | undefined {
  const hash = useRouterState({ select: ({ location }) => location.hash });
  const number = /^L([1-9]\d{0,6})$/u.exec(hash)?.[1];
  return number === undefined ? undefined : Number(number);
}
