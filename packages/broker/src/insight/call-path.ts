import { z } from "zod";
import { ownRecords, type RecordView, viewCall } from "./record-view.ts";
import { saysOf } from "./call-path-words.ts";

/** The steps of a call's path in order, each with what it does: the names and words of the table in `ARCHITECTURE.md`. */
export const STEPS = [
  ["authenticate", "verifies the token and the proof that it is the sender's own"],
  ["session", "loads the session and those it was delegated from: live, not stopped, still in the policy"],
  ["identify", "which reviewed action, with which arguments, under which digest"],
  ["decide", "asks the policy; loads the record when a rule needs it"],
  ["limit", "what the call will draw from its counters and budgets"],
  ["approve", "makes the `Permit`, after people's yes when policy asks"],
  [
    "intend",
    "one transaction: sessions still live, nobody stopped, proof spent, yes used, elevations in force, counters drawn, intent durable",
  ],
  ["inject", "opens the credential for this one call"],
  ["execute", "takes the permit back, sends the request once"],
  ["filter", "rows, fields, masks; personal data and secrets in texts; our own credentials"],
  ["record", "the outcome"],
] as const;

export type StepName = (typeof STEPS)[number][0];
export type StepState = "passed" | "stopped" | "waiting" | "running" | "unknown" | "skipped" | "not_reached";

export interface PathStep {
  readonly step: StepName;
  readonly does: string;
  readonly state: StepState;
  readonly says: string | undefined;
  readonly at: string | undefined;
  readonly record: number | undefined;
  readonly rules: { kind: string; id: string; at: { file: string; line: number }; reason: string }[];
}

const list = z.array(z.string()).optional().catch(undefined);
const text = z.string().optional().catch(undefined);
const number = z.number().optional().catch(undefined);
/** Members of a record's body that only the path tells. */
const toldSchema = z.object({
  binding: text,
  operation: text,
  method: text,
  policyVersion: text,
  approvers: list,
  expiresAt: text,
  limits: number,
  /** Of an answer: what became of its approval. */
  state: text,
  /** Of an intent: it took one use of a yes to several calls. */
  bounded: z.boolean().optional().catch(undefined),
  elevations: list,
  credential: z.object({ name: z.string(), version: z.number().nullish() }).optional().catch(undefined),
  upstreamMs: number,
  waitedMs: number,
  records: number,
  rowsRemoved: number,
  hidden: list,
  masked: list,
});

/** A record of the call with everything that is told of it. */
export interface Told extends RecordView {
  readonly told: z.output<typeof toldSchema>;
}

/** What is known of a call, by what its records are. */
export interface PathFacts {
  /** The record that decided it: the intent, else the refusal or hold; of a read beside the path the lookup. */
  readonly decided: Told;
  readonly hold: Told | undefined;
  readonly intent: Told | undefined;
  readonly outcome: Told | undefined;
  readonly lookups: readonly Told[];
  /** The newest answer of a person. */
  readonly answer: Told | undefined;
  /** The code that stopped it before its effect. */
  readonly code: string | undefined;
}

/** Where each code stops a call; another one stops where the record ends. */
const STOPS: Readonly<Partial<Record<StepName, readonly string[]>>> = {
  authenticate: ["unauthenticated", "token_expired", "proof_invalid"],
  session: ["session_revoked", "agent_stopped", "wrong_tenant"],
  identify: ["tool_unknown", "tool_unreviewed", "argument_invalid", "malformed_request", "method_unknown"],
  limit: ["records_exceeded"],
  approve: ["approval_denied", "approval_expired", "approval_used", "approval_stale", "approval_unknown"],
  intend: ["rate_limited", "too_many_at_once", "call_repeated", "budget_spent", "log_unavailable", "proof_replayed", "elevation_ended"],
  inject: ["credential_unavailable", "tool_unavailable"],
  execute: ["permit_invalid", "policy_changed"],
};

/** The path of a call from its records in the order of the log, the answers of people among them. Undefined when it has none of its own. */
export function callPath(records: readonly RecordView[]): readonly PathStep[] | undefined {
  const call = viewCall(records);
  const facts = factsOf(records);
  if (call === undefined || facts === undefined) return undefined;
  const end = endOf(facts);
  return STEPS.map(([step, does], place) => {
    const state = stateOf(step, place, facts, end);
    const source = state === "not_reached" ? undefined : sourceOf(step, facts);
    return {
      step,
      does,
      state,
      says: state === "not_reached" ? undefined : saysOf(step, state, facts),
      at: source?.at,
      record: source?.index,
      rules: step === "decide" && state !== "not_reached" ? call.rules : [],
    };
  });
}

function factsOf(records: readonly RecordView[]): PathFacts | undefined {
  const told = records.map((record): Told => ({ ...record, told: toldSchema.parse(record.body) }));
  const own = new Set(ownRecords(records).map(({ index }) => index));
  const last = (kind: RecordView["kind"]): Told | undefined => told.findLast((record) => record.kind === kind && own.has(record.index));
  const [hold, intent, outcome, refusal] = [last("hold"), last("intent"), last("outcome"), last("refusal")];
  const decided = intent ?? refusal ?? hold ?? last("lookup") ?? outcome;
  if (decided === undefined) return undefined;
  const stopped = outcome?.body.status === "not_sent" ? outcome : refusal;
  return {
    decided,
    hold,
    intent,
    outcome,
    lookups: told.filter(({ kind, index }) => kind === "lookup" && !own.has(index)),
    answer: told.findLast(({ kind, body }) => kind === "admin" && isAnswer(body.event)),
    code: stopped === undefined ? undefined : (stopped.body.code ?? "refused"),
  };
}

function isAnswer(event: string | undefined): boolean {
  return event === "approval.approve" || event === "approval.deny" || event === "approval.stop";
}

interface End {
  readonly place: number;
  readonly state: StepState;
}

/** The last step the call reached, and how it stands there. */
function endOf({ decided, hold, intent, outcome, code }: PathFacts): End {
  if (code !== undefined) return { place: placeOf(stepOfCode(code, decided, intent)), state: "stopped" };
  if (outcome !== undefined) return { place: STEPS.length - 1, state: "passed" };
  if (intent !== undefined || hold === undefined) return { place: placeOf("execute"), state: "running" };
  return { place: placeOf("approve"), state: "waiting" };
}

function stepOfCode(code: string, decided: Told, intent: Told | undefined): StepName {
  const named = STEPS.find(([step]) => STOPS[step]?.includes(code) === true)?.[0];
  // A lookup finds the tool or its credential away before the policy has decided: then there is no intent.
  if (named === "inject" || named === "execute")
    return intent === undefined ? (decided.body.action === undefined ? "identify" : "decide") : named;
  return named ?? (intent !== undefined ? "execute" : decided.body.action === undefined ? "identify" : "decide");
}

function placeOf(step: StepName): number {
  return STEPS.findIndex(([name]) => name === step);
}

function stateOf(step: StepName, place: number, facts: PathFacts, end: End): StepState {
  const { answer, hold, intent, outcome, decided } = facts;
  if (place > end.place) return "not_reached";
  if (step === "approve" && end.state === "waiting" && answer !== undefined) return stateOfAnswer(answer);
  if (place === end.place && end.state !== "passed") return end.state;
  if (step === "execute" && outcome?.body.status === "unknown") return "unknown";
  if (step === "approve" && decided.body.approval === undefined && hold === undefined) return "skipped";
  if (step === "limit" && !((intent?.told.limits ?? 0) > 0)) return "skipped";
  if (step === "inject" && (outcome ?? intent)?.told.credential === undefined) return "skipped";
  if (step === "filter" && (outcome?.body.status === "unknown" || outcome?.told.records === undefined)) return "skipped";
  return "passed";
}

/** A yes may be one of several that are needed. */
function stateOfAnswer({ body, told }: Told): StepState {
  if (body.event !== "approval.approve") return "stopped";
  return told.state === "pending" ? "waiting" : "passed";
}

/** The record that tells of a step. */
function sourceOf(step: StepName, { decided, hold, intent, outcome, answer, lookups }: PathFacts): Told | undefined {
  switch (step) {
    case "authenticate":
    case "session":
    case "identify":
      return lookups[0] ?? hold ?? decided;
    case "decide":
      return hold ?? decided;
    case "limit":
      return intent ?? decided;
    case "approve":
      return answer ?? hold ?? decided;
    case "intend":
      return intent ?? decided;
    case "inject":
    case "execute":
      return outcome ?? intent ?? decided;
    case "filter":
    case "record":
      return outcome;
  }
}
