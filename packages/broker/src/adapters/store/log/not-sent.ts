import { z } from "zod";
import { type WireEntry, wireMembers } from "./wire-entry.ts";

/** What an intent's leaf says of its call, carried over so that its end is found by the same queries and counts in the same sequences. */
const about = z.object({
  tenant: z.string().optional(),
  environment: z.string().optional(),
  workflow: z.string().optional(),
  agent: z.string().optional(),
  user: z.string().optional(),
  userProof: z.string().optional(),
  binding: z.string().optional(),
  client: z.string().optional(),
  lineage: z.array(z.string()).optional(),
  actors: z.array(z.string()).optional(),
  partner: z.string().optional(),
  session: z.string().optional(),
  run: z.string().optional(),
  task: z.string().optional(),
  tool: z.string().optional(),
  operation: z.string().optional(),
  action: z.string().optional(),
  effect: z.string().optional(),
  resource: z.object({ type: z.string(), tag: z.string() }).optional(),
  broker: z.string().optional(),
});

/** Ends for intents whose confirmation was lost: their callers were refused, so nothing was sent. */
export function notSent(entries: readonly WireEntry[], at: Date): readonly WireEntry[] {
  return entries
    .filter((entry) => entry.kind === "intent" || entry.kind === "lookup")
    .map((entry) => endOf(entry.callId, entry.leaf, { at: at.toISOString(), status: "not_sent", code: "log_unavailable" }));
}

/** An `outcome` for a call, from the leaf of the record that began it. */
export function endOf(
  callId: string,
  leaf: string,
  end: { readonly at: string; readonly status: string; readonly code?: string },
): WireEntry {
  const known = about.safeParse(JSON.parse(leaf));
  return wireMembers("outcome", callId, { ...(known.success ? known.data : {}), ...end });
}
