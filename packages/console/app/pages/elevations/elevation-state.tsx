import type { ReactNode } from "react";
import { Badge } from "../../ui/badge.tsx";
import { Time } from "../../ui/time.tsx";
import type { Elevation } from "./elevation-queries.ts";

const STATES = {
  pending: { tone: "ask", says: "waits for an answer" },
  active: { tone: "allow", says: "in force" },
  denied: { tone: "deny", says: "denied" },
  expired: { tone: "plain", says: "over" },
  revoked: { tone: "plain", says: "taken back" },
  cancelled: { tone: "plain", says: "cancelled" },
} as const;

/** Where it stands, and until when that is so. */
export function ElevationState({ of: { state, eligible, given, askEndsAt } }: { readonly of: Elevation }): ReactNode {
  const { tone, says } = STATES[state];
  if (state === "active" && !eligible) return <Badge tone="deny">the policy no longer lets the agent have it: it counts for nothing</Badge>;
  return (
    <>
      <Badge tone={tone}>{says}</Badge>
      {state === "pending" ? (
        <span className="text-soft">
          {" "}
          it can be answered for a time that ends <Time at={askEndsAt} />
        </span>
      ) : undefined}
      {state === "active" && given !== undefined ? (
        <span className="text-soft">
          {" "}
          ends <Time at={given.until} />
        </span>
      ) : undefined}
    </>
  );
}
