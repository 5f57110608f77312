import { Badge } from "../../ui/badge.tsx";

const TONES: Readonly<Record<string, "allow" | "ask" | "deny" | "plain">> = {
  succeeded: "allow",
  held: "ask",
  running: "plain",
  refused: "deny",
  failed: "deny",
  unknown: "ask",
  withheld: "ask",
  not_sent: "deny",
};

/** How a call stands, and the code when it was stopped. */
export function Outcome({ status, code }: { readonly status: string; readonly code?: string | undefined }) {
  return <Badge tone={TONES[status] ?? "plain"}>{code === undefined ? words(status) : `${words(status)}: ${code}`}</Badge>;
}

function words(status: string): string {
  return status.replaceAll("_", " ");
}
