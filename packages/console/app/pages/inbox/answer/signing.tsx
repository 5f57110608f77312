import { Code } from "../../../ui/code.tsx";
import { valueText } from "../../../ui/diff.tsx";
import { Pairs } from "../../../ui/pairs.tsx";
import { Time } from "../../../ui/time.tsx";
import { grouped } from "../words.ts";
import type { ToSign } from "./use-answer.ts";

/** In the order and the words in which they are read; whatever else the document holds comes after them. */
const NAMES: readonly (readonly [member: string, words: string])[] = [
  ["verdict", "you say"],
  ["agent", "to agent"],
  ["operation", "operation"],
  ["args", "with"],
  ["bounds", "within"],
  ["record", "of record"],
  ["fingerprint", "tool fingerprint"],
  ["user", "for user"],
  ["task", "in task"],
  ["person", "signed by"],
  ["origin", "here"],
];
const SAID = new Set([...NAMES.map(([member]) => member), "expiresAt", "type"]);

/** What the passkey signs, in words, with the fingerprint that the signature is over (Web Authentication's challenge: SHA-256 of the document). */
export function Signing({ toSign: { document, options } }: { readonly toSign: ToSign }) {
  const { challenge } = options;
  const { expiresAt } = document;
  const rest = Object.keys(document).filter((member) => !SAID.has(member));
  return (
    <div className="grid gap-2 rounded border border-line bg-paper px-3 py-2">
      <Pairs
        of={[
          ...NAMES.filter(([member]) => document[member] !== undefined).map(
            ([member, words]) =>
              [
                words,
                <Code key={member} className="whitespace-pre-wrap">
                  {valueText(document[member])}
                </Code>,
              ] as const,
          ),
          ["fingerprint", <Code key="fingerprint">{typeof challenge === "string" ? grouped(challenge) : "missing"}</Code>],
          ["sign", typeof expiresAt === "string" ? <Time key="until" at={expiresAt} /> : undefined],
        ]}
      />
      <details>
        <summary className="text-soft">Everything else that is signed</summary>
        <Pairs of={rest.map((member) => [member, <Code key={member}>{valueText(document[member])}</Code>])} />
      </details>
    </div>
  );
}
