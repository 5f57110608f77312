import type { CallQuery, LogEntry } from "../../src/domain/audit.ts";

/** A record as the searches' model has it: what was appended, and where it came to lie. */
export interface ModelRecord {
  readonly index: number;
  readonly kind: LogEntry["kind"];
  readonly callId: string;
  readonly at: Date;
  readonly agent?: string | undefined;
  readonly user?: string | undefined;
  readonly session?: string | undefined;
  readonly run?: string | undefined;
  readonly task?: string | undefined;
  readonly tool?: string | undefined;
  readonly action?: string | undefined;
  readonly resource?: { readonly type: string; readonly id: string } | undefined;
  readonly verdict?: string | undefined;
  readonly approver?: string | undefined;
  readonly rules?: readonly string[] | undefined;
  readonly status?: string | undefined;
  readonly code?: string | undefined;
}

type Filter = Omit<CallQuery, "limit" | "before">;

const DECIDES = ["intent", "refusal", "hold"];
const OWN = [...DECIDES, "outcome"];
const WHO = ["agent", "user", "session", "run", "task", "tool", "action"] as const;

/** Which calls a filter chooses and by which record, newest first: the port's words, applied to every record. */
export function naiveCalls(records: readonly ModelRecord[], filter: Filter): readonly { callId: string; index: number }[] {
  const { status, code } = filter;
  const chosen =
    code !== undefined || (status !== undefined && status !== "succeeded") ? ending(records, filter) : beginning(records, filter);
  return chosen.map(({ callId, index }) => ({ callId, index })).toSorted((a, b) => b.index - a.index);
}

/** What somebody who follows the log is told of. */
export function naiveEnded(records: readonly ModelRecord[], filter: Filter): readonly { callId: string; index: number }[] {
  return records
    .filter(
      (record) =>
        ["outcome", "refusal", "hold"].includes(record.kind) &&
        endsSo(record, filter) &&
        who(record, filter) &&
        decided(records, record, filter),
    )
    .map(({ callId, index }) => ({ callId, index }));
}

function beginning(records: readonly ModelRecord[], filter: Filter): readonly ModelRecord[] {
  const kinds = begins(filter);
  const holds = (record: ModelRecord): boolean =>
    kinds.includes(record.kind) &&
    who(record, filter) &&
    (filter.verdict === undefined || record.verdict === filter.verdict) &&
    (filter.approver === undefined || record.approver === filter.approver) &&
    (filter.rule === undefined || record.rules?.includes(filter.rule) === true);
  return records.filter((record) => {
    const call = records.filter(({ callId }) => callId === record.callId);
    const alike = call.filter((other) => (other.kind === "lookup") === (record.kind === "lookup"));
    return (
      holds(record) &&
      (record.kind !== "lookup" || !call.some(({ kind }) => DECIDES.includes(kind))) &&
      (record.kind !== "admin" || call.some(({ kind }) => kind !== "admin")) &&
      !alike.some((other) => other.index < record.index && holds(other)) &&
      (filter.status === undefined || call.findLast(({ kind }) => OWN.includes(kind))?.status === filter.status)
    );
  });
}

function ending(records: readonly ModelRecord[], filter: Filter): readonly ModelRecord[] {
  return records.filter((record) => {
    const later = records.filter(({ callId, index }) => callId === record.callId && index > record.index);
    const last = filter.status === "running" ? [...OWN, "lookup"] : OWN;
    return (
      endsSo(record, filter) && who(record, filter) && decided(records, record, filter) && !later.some(({ kind }) => last.includes(kind))
    );
  });
}

function endsSo({ kind, status, code }: ModelRecord, filter: Filter): boolean {
  if (filter.code !== undefined && code !== filter.code) return false;
  switch (filter.status) {
    case undefined:
      return filter.code === undefined || kind === "outcome" || kind === "refusal";
    case "refused":
      return kind === "refusal";
    case "held":
      return kind === "hold";
    case "running":
      return kind === "intent" || kind === "lookup";
    default:
      return kind === "outcome" && status === filter.status;
  }
}

function decided(records: readonly ModelRecord[], record: ModelRecord, filter: Filter): boolean {
  const begun = records.filter(({ callId, kind }) => callId === record.callId && begins(filter).includes(kind));
  const says = <T>(wanted: string | undefined, pick: (record: ModelRecord) => T | undefined, holds: (value: T) => boolean): boolean => {
    const own = pick(record);
    return wanted === undefined || (own === undefined ? begun.some((other) => holdsOf(pick(other), holds)) : holds(own));
  };
  return (
    says(
      filter.verdict,
      ({ verdict }) => verdict,
      (verdict) => verdict === filter.verdict,
    ) &&
    says(
      filter.approver,
      ({ approver }) => approver,
      (approver) => approver === filter.approver,
    ) &&
    says(
      filter.rule,
      ({ rules }) => rules,
      (rules) => rules.includes(filter.rule ?? ""),
    )
  );
}

function holdsOf<T>(value: T | undefined, holds: (value: T) => boolean): boolean {
  return value !== undefined && holds(value);
}

function who(record: ModelRecord, filter: Filter): boolean {
  const { resource } = filter;
  return (
    WHO.every((name) => filter[name] === undefined || record[name] === filter[name]) &&
    (resource === undefined || (record.resource?.type === resource.type && record.resource.id === resource.id)) &&
    (filter.from === undefined || record.at >= filter.from) &&
    (filter.to === undefined || record.at < filter.to)
  );
}

function begins({ approver }: Filter): readonly string[] {
  return [...DECIDES, "lookup", ...(approver === undefined ? [] : ["admin"])];
}
