import { piecesOf } from "../../ui/untrusted.tsx";

/** The last part of an agent's identity: `bailiwick://acme/prod/support/support-bot` is `support-bot`. */
export function agentName(agent: string): string {
  return agent.split("/").at(-1) ?? agent;
}

export function stakesTone(level: "low" | "medium" | "high"): "plain" | "ask" | "deny" {
  return level === "high" ? "deny" : level === "medium" ? "ask" : "plain";
}

/** A text without its hidden characters written out, for where only plain text can stand. */
export function plain(text: string): string {
  return piecesOf(text)
    .map((piece) => piece.text)
    .join("");
}

const STALE = {
  policy: "the policy changed",
  record: "the record changed",
  tool: "the tool changed",
  approvers: "who has to answer changed",
} as const;

/** Why a question had to be asked again. */
export function staleText(because: readonly (keyof typeof STALE)[]): string {
  return because.map((why) => STALE[why]).join(", ");
}

/** Digests are compared by eye in groups of four. */
export function grouped(digest: string): string {
  return digest.replace(/^sha256:/u, "").replaceAll(/(.{4})(?=.)/gu, "$1 ");
}
