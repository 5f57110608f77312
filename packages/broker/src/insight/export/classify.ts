import { type ExportedRecord, numberOf, objectOf, personOf, textOf } from "./exported-record.ts";

export type Severity = "informational" | "low" | "medium" | "high" | "critical";

/**
 * What the broker did about it. `allowed`, `modified` (part of the result was masked or removed), `failed` (the tool said no), `withheld` (the
 * result was not shown) and `unknown` (nobody knows how it ended) were sent; `denied`, `held`, `not_sent` were not. `observed`: a look-up of the
 * broker's own. `done`: an act of people or of the broker itself.
 */
export type Disposition = "allowed" | "modified" | "observed" | "held" | "denied" | "failed" | "not_sent" | "withheld" | "unknown" | "done";

/** What a record says, in the words all formats share. */
export interface Classified {
  /** `call.intent`, `session.create`, `log_key.introduce`. */
  readonly event: string;
  readonly disposition: Disposition;
  readonly severity: Severity;
  /** One sentence. */
  readonly summary: string;
  /** Set when somebody should look at it now. */
  readonly alert: string | undefined;
}

export function classify(record: ExportedRecord): Classified {
  const event = eventOf(record);
  const disposition = dispositionOf(record, event);
  const alarm = alarmOf(event, disposition);
  return {
    event,
    disposition,
    severity: alarm?.severity ?? severityOf(record, event, disposition),
    summary: alarm === undefined ? summaryOf(record, event, disposition) : `${alarm.title}: ${summaryOf(record, event, disposition)}`,
    alert: alarm?.title,
  };
}

function eventOf({ kind, leaf }: ExportedRecord): string {
  if (kind === "admin") return textOf(leaf, "event") ?? "admin";
  if (kind === "key") return `log_key.${textOf(objectOf(leaf, "logKey") ?? {}, "change") ?? "change"}`;
  return `call.${kind}`;
}

function dispositionOf({ kind, leaf }: ExportedRecord, event: string): Disposition {
  switch (kind) {
    case "lookup":
      return "observed";
    case "intent":
      return "allowed";
    case "refusal":
      return "denied";
    case "hold":
      return "held";
    case "outcome":
      return outcomeDisposition(textOf(leaf, "status"), leaf);
    case "admin":
      return DENIED_EVENT.test(event) ? "denied" : FAILED_EVENT.test(event) ? "failed" : "done";
    case "key":
      return "done";
  }
}

const DENIED_EVENT = /_denied$|_refused$/u;
const FAILED_EVENT = /_failed$|_too_late$/u;

function outcomeDisposition(status: string | undefined, leaf: ExportedRecord["leaf"]): Disposition {
  if (status === "succeeded") {
    const touched = ["hidden", "masked", "rowsRemoved"].some((member) => countOf(leaf, member) > 0);
    return touched ? "modified" : "allowed";
  }
  if (status === "failed" || status === "not_sent" || status === "withheld") return status;
  // A status nobody knows is not taken for a success.
  return "unknown";
}

function countOf(leaf: ExportedRecord["leaf"], member: string): number {
  const value = leaf[member];
  return Array.isArray(value) ? value.length : (numberOf(leaf, member) ?? 0);
}

interface Alarm {
  readonly event: RegExp;
  readonly title: string;
  readonly severity: Severity;
}

/** Events that are a finding by themselves. */
const ALARMS: readonly Alarm[] = [
  { event: /^(?:token|assertion)\.replay$/u, title: "an assertion was used a second time", severity: "high" },
  { event: /^person\.passkey_suspect$/u, title: "a passkey may have been copied", severity: "high" },
  { event: /^agent\.shared_key$/u, title: "one key was offered for two agents", severity: "high" },
  { event: /^log\.was_unavailable$/u, title: "the audit log could not be written", severity: "critical" },
  {
    event: /^(?:anchor|witness|log)\.conflict$/u,
    title: "the log and a second place hold different histories",
    severity: "critical",
  },
];

function alarmOf(event: string, disposition: Disposition): Omit<Alarm, "event"> | undefined {
  if (disposition === "unknown") return { title: "a call was sent and nobody knows how it ended", severity: "high" };
  return ALARMS.find((alarm) => alarm.event.test(event));
}

/** Refusals that honest software does not meet. */
const SUSPECT_CODE = /^(?:proof_|wrong_tenant$|permit_invalid$|session_revoked$|agent_stopped$|origin_refused$)/u;
/** Acts that change who may do what at once. */
const WEIGHTY_EVENT = /^(?:stop|hold|policy|signing_key|log_key|sign_in)\.|^log\.(?:retire|rotate_key)$|\.erase$/u;

function severityOf({ leaf }: ExportedRecord, event: string, disposition: Disposition): Severity {
  switch (disposition) {
    case "denied":
      return WEIGHTY_EVENT.test(event) || SUSPECT_CODE.test(textOf(leaf, "code") ?? "") ? "medium" : "low";
    case "withheld":
      return "medium";
    case "failed":
    case "not_sent":
      return "low";
    case "unknown":
      return "high";
    case "done":
      return WEIGHTY_EVENT.test(event) ? "medium" : "informational";
    case "allowed":
    case "modified":
    case "observed":
    case "held":
      return "informational";
  }
}

function summaryOf(record: ExportedRecord, event: string, disposition: Disposition): string {
  const { leaf, kind } = record;
  const what = `\`${textOf(leaf, "action") ?? textOf(leaf, "operation") ?? textOf(leaf, "tool") ?? "a request"}\``;
  const agent = textOf(leaf, "agent");
  const who = agent === undefined ? "an unknown agent" : `\`${agent}\``;
  const code = textOf(leaf, "code");
  const why = code === undefined ? "" : ` (\`${code}\`)`;
  switch (disposition) {
    case "allowed":
      return kind === "intent" ? `${who} may call ${what}` : `${who} called ${what}`;
    case "modified":
      return `${who} called ${what}, and part of the result was removed or masked`;
    case "observed":
      return `the broker looked something up to decide ${what} of ${who}`;
    case "held":
      return `${what} of ${who} waits for a person's answer`;
    case "denied":
      return kind === "admin" ? acted(record, event, "denied") : `${what} was refused to ${who}${why}`;
    case "failed":
      return kind === "admin" ? acted(record, event, "failed") : `${who} called ${what}, and the tool failed${why}`;
    case "not_sent":
      return `${what} of ${who} was allowed, but not sent${why}`;
    case "withheld":
      return `${who} called ${what}, and the result was withheld${why}`;
    case "unknown":
      return `${who} called ${what}`;
    case "done":
      return acted(record, event, "done");
  }
}

function acted(record: ExportedRecord, event: string, how: "done" | "failed" | "denied"): string {
  const by = `\`${personOf(record, "by") ?? "broker"}\``;
  if (how === "done") return `\`${event}\` was done by ${by}`;
  return how === "failed" ? `\`${event}\`, asked for by ${by}, failed` : `\`${event}\` of ${by}: nothing was given`;
}
