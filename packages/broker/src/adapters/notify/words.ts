import type { News } from "../../domain/notification.ts";
import type { Entry, Message } from "./channel.ts";

/** Of words that are not ours, in one message. */
const MAX_UNTRUSTED_CHARS = 2_000;
const MAX_TITLE_CHARS = 180;

/** One line: what happened, or how many things did. */
export function titleOf({ entries, purpose }: Message): string {
  const [first, ...more] = entries;
  if (first === undefined) return "a test of the broker's notifications";
  if (more.length > 0) return `${entries.length} notices of the broker`;
  return shortened(`${leadOf(first, purpose)}: ${first.notice.sentence}`, MAX_TITLE_CHARS);
}

function leadOf({ what, notice }: Entry, purpose: Message["purpose"]): string {
  if (purpose === "reminder") return "still to answer";
  const words: Readonly<Record<News, string>> = {
    pending: "to answer",
    answered: "one more answer is needed",
    approved: "approved",
    denied: "denied",
    escalated: "nobody has answered yet, now you are asked",
    expired: notice.kind === "elevation" && notice.state !== "pending" ? "ended" : "expired",
    cancelled: "cancelled",
    revoked: "revoked",
  };
  return words[what];
}

/** What the broker says of one thing, line by line. */
export function factsOf({ notice }: Entry): readonly (readonly [name: string, value: string])[] {
  return [
    ["agent", notice.agent],
    ["environment", `${notice.tenant}/${notice.environment}`],
    ...(notice.why.length === 0 ? [] : [["held by", notice.why.join(", ")] as const]),
    [notice.open ? "expires" : "state", notice.open ? minuteOf(notice.expiresAt) : notice.state],
    ["fingerprint", `${notice.fingerprint} (the page shows the same)`],
  ];
}

/** Words of others: whose, and what. Empty unless the route asks for them. */
export function untrustedOf({ notice }: Entry, details: Message["details"]): readonly (readonly [name: string, value: string])[] {
  if (details === "short") return [];
  const { reason, args, user } = notice.untrusted;
  return [
    ...(user === undefined ? [] : [["for the user", harmless(user)] as const]),
    ...(args === undefined ? [] : [["arguments, as the agent gave them", harmless(JSON.stringify(args, null, 1))] as const]),
    ...(reason === undefined ? [] : [["the agent's own words, not checked by anybody", harmless(reason)] as const]),
  ];
}

/** The whole message as plain text. */
export function textOf(message: Message): string {
  if (message.entries.length === 0)
    return `This is a test that somebody asked for. Nothing waits for an answer because of it.\n\nWhat waits: ${message.inbox}\n`;
  const parts = message.entries.map((entry) => {
    const facts = factsOf(entry).map(([name, value]) => `${name}: ${value}`);
    const others = untrustedOf(entry, message.details).map(([name, value]) => `${name}:\n${quoted(value)}`);
    const open = entry.notice.open ? "read and answer it here, after signing in" : "see it here";
    return [`${leadOf(entry, message.purpose)}: ${entry.notice.sentence}`, "", ...facts, "", ...others, `${open}: ${entry.link}`].join(
      "\n",
    );
  });
  return `${parts.join("\n\n---\n\n")}\n`;
}

/**
 * Text of others as it may be shown: nothing in it turns into a link, reorders what is around it or hides. Attacks: text that looks as if
 * the broker had said it, links a reader or a mail scanner follows.
 */
export function harmless(text: string): string {
  const visible = text.replaceAll(/[^\P{C}\n]|[\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ""}}`);
  return shortened(visible.replaceAll("://", "[:]//").replaceAll(/\bwww\./giu, "www[.]"), MAX_UNTRUSTED_CHARS);
}

function quoted(text: string): string {
  return text
    .split("\n")
    .map((line) => `> ${line}`)
    .join("\n");
}

function minuteOf(at: Date): string {
  return `${at.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

function shortened(text: string, max: number): string {
  return text.length <= max
    ? text
    : `${text
        .slice(0, max - 1)
        .toWellFormed()
        .replace(/\uFFFD$/u, "")}…`;
}
