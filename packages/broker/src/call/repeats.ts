import { digest } from "@bailiwick/ledger";
import type { Session } from "../domain/session.ts";
import { Refusal, type RefusalCode } from "./refusal.ts";
import type { CallPorts } from "./ports.ts";
import type { IdentifiedCall, IncomingCall } from "./types.ts";

/** What one broker remembers of calls that are made again and again. It may forget: then a loop is noticed later. */
export interface RepeatMemory {
  /** Whether it was asked for this key within the window before now; from now on it was. */
  seenBefore(key: string, now: Date, windowMs: number): boolean;
  /** Counts one more refusal of this call in this run; returns how many there were without a pause of `pauseMs`. */
  refused(run: string, call: string, now: Date, pauseMs: number): number;
  /** The same without counting one. */
  refusals(run: string, call: string, now: Date, pauseMs: number): number;
  /** Whether anything was refused in the run; what is asked of most runs. */
  hasRefusals(run: string): boolean;
  /** How many records a call would have shown. */
  noteLarge(key: string, records: number): void;
  largeBefore(key: string): number | undefined;
}

/** After so many identical refusals without a pause the next ones are not decided any more. */
export const MAX_IDENTICAL_REFUSALS = 20;
/** A pause after which the count begins anew. */
const PAUSE_MS = 10 * 60_000;

/** Refusals that the very same call would get again, whenever it comes. Others say themselves when to come again. */
const LASTING: ReadonlySet<RefusalCode> = new Set<RefusalCode>([
  "tool_unknown",
  "tool_unreviewed",
  "no_grant",
  "denied_by_rule",
  "outside_ceiling",
  "outside_session_scope",
  "outside_delegation",
  "row_not_permitted",
  "field_not_permitted",
  "cross_tenant",
  "records_exceeded",
  "argument_invalid",
  "statement_refused",
  "content_refused",
  "approval_denied",
  "budget_spent",
]);

type Ports = Pick<CallPorts, "repeats" | "policy" | "now">;

/**
 * Stops an agent that makes a refused call over and over. Counted on this broker, by agent, run and policy version.
 * @throws Refusal `call_repeated`, without deciding the call once more.
 */
export function requireNotStuck(ports: Ports, session: Session, incoming: IncomingCall): void {
  const run = runKey(session);
  if (!ports.repeats.hasRefusals(run)) return;
  const times = ports.repeats.refusals(run, callKey(ports, incoming), ports.now(), PAUSE_MS);
  if (times < MAX_IDENTICAL_REFUSALS) return;
  throw new Refusal(
    "call_repeated",
    `this very call was refused ${MAX_IDENTICAL_REFUSALS} times in this run and would be again; do something else, or ask the agent's owner to look at this run`,
    { next: [{ kind: "retry_after", ms: PAUSE_MS }] },
  );
}

/** Notes a refusal that is answered. Returns true at the one after which the call is not decided any more: somebody should look at the run. */
export function noteRefused(ports: Ports, session: Session, incoming: IncomingCall, code: RefusalCode): boolean {
  const { repeats } = ports;
  const run = runKey(session);
  if (code === "call_repeated") {
    // One that is stuck stays so until it pauses. A call that succeeded too often is another matter.
    if (!repeats.hasRefusals(run) || repeats.refusals(run, callKey(ports, incoming), ports.now(), PAUSE_MS) < MAX_IDENTICAL_REFUSALS)
      return false;
  } else if (!LASTING.has(code)) return false;
  return repeats.refused(run, callKey(ports, incoming), ports.now(), PAUSE_MS) === MAX_IDENTICAL_REFUSALS;
}

function runKey({ tenant, agent, run }: Session): string {
  return [tenant, agent, run].join("|");
}

/** Arguments are the agent's own and not checked yet; of what is no JSON the name alone is compared. */
function callKey({ policy }: Ports, { kind, name, args }: IncomingCall): string {
  try {
    return digest([policy().version, kind, name, args ?? null]);
  } catch {
    return `${kind} ${name}`;
  }
}

/** Remembers that a result was too large to be shown unasked: the same call is then decided as one of so many records. */
export function noteLarge(
  { repeats }: Pick<CallPorts, "repeats">,
  call: Pick<IdentifiedCall, "argsDigest">,
  session: Session,
  records: number,
): void {
  repeats.noteLarge(`${runKey(session)}|${call.argsDigest}`, records);
}

export function expectedRecords(
  { repeats }: Pick<CallPorts, "repeats">,
  call: Pick<IdentifiedCall, "argsDigest">,
  session: Session,
): { readonly expected?: number } {
  const records = repeats.largeBefore(`${runKey(session)}|${call.argsDigest}`);
  return records === undefined ? {} : { expected: records };
}
