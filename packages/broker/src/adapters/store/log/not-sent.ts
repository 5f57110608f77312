import { canonicalize } from "@bailiwick/ledger";
import { z } from "zod";
import type { LogEntry } from "../../../domain/audit.ts";
import type { WireEntry } from "./entry.ts";

/** What an intent's body says of its call, carried over so that its end is found by the same queries. */
const about = z.object({
  agent: z.string().optional(),
  user: z.string().optional(),
  session: z.string().optional(),
  task: z.string().optional(),
  tool: z.string().optional(),
  action: z.string().optional(),
  broker: z.string().optional(),
});

/** Ends for intents whose confirmation was lost: their callers were refused, so nothing was sent. */
export function notSent(entries: readonly WireEntry[], at: Date): readonly WireEntry[] {
  return entries
    .filter((entry) => entry.kind === "intent" || entry.kind === "lookup")
    .map((entry) => endOf(entry.callId, entry.body, { at: at.toISOString(), status: "not_sent", code: "log_unavailable" }));
}

/** An `outcome` for a call, from the body of the record that began it. */
export function endOf(
  callId: string,
  body: string,
  end: { readonly at: string; readonly status: string; readonly code?: string },
): WireEntry {
  const known = about.safeParse(JSON.parse(body));
  const kind: LogEntry["kind"] = "outcome";
  return { kind, callId, body: canonicalize({ ...(known.success ? known.data : {}), ...end }) };
}
