import type { ReactNode } from "react";
import { cls } from "./classes.ts";

const VERDICTS = {
  allow: { shape: "●", look: "text-allow bg-allow-tint" },
  ask: { shape: "▲", look: "text-ask bg-ask-tint" },
  deny: { shape: "■", look: "text-deny bg-deny-tint" },
} as const;

/** allow, ask or deny, by word and shape and only then by colour. Any other word is shown as it is. */
export function Verdict({ of }: { readonly of: string | undefined }) {
  if (of === "allow" || of === "ask" || of === "deny") {
    const { shape, look } = VERDICTS[of];
    return (
      <span className={cls("rounded px-1.5 py-px font-semibold whitespace-nowrap", look)}>
        <span aria-hidden="true">{shape}</span> {of}
      </span>
    );
  }
  return <Badge>{of ?? "none"}</Badge>;
}

const TONES = {
  plain: "border-line text-soft",
  allow: "border-allow text-allow",
  ask: "border-ask text-ask",
  deny: "border-deny text-deny",
} as const;

/** A word about something: a state, a level. Its colour only repeats what the word says. */
export function Badge({ tone = "plain", children }: { readonly tone?: keyof typeof TONES; readonly children: ReactNode }) {
  return <span className={cls("rounded border px-1.5 py-px whitespace-nowrap", TONES[tone])}>{children}</span>;
}
