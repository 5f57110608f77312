import { z } from "zod";
import type { StoredRecord } from "../domain/audit.ts";

/** A recorded body as people's interface reads it: every member may be absent, none is trusted to have the right type. */
const bodySchema = z.looseObject({
  agent: z.string().optional().catch(undefined),
  user: z.string().optional().catch(undefined),
  session: z.string().optional().catch(undefined),
  run: z.string().optional().catch(undefined),
  lineage: z.array(z.string()).optional().catch(undefined),
  task: z.string().optional().catch(undefined),
  environment: z.string().optional().catch(undefined),
  tool: z.string().optional().catch(undefined),
  action: z.string().optional().catch(undefined),
  scope: z.unknown().optional(),
  effect: z.string().optional().catch(undefined),
  verdict: z.string().optional().catch(undefined),
  status: z.string().optional().catch(undefined),
  code: z.string().optional().catch(undefined),
  message: z.string().optional().catch(undefined),
  approval: z.string().optional().catch(undefined),
  /** Of a call that takes another one back: that one. */
  undoes: z.string().optional().catch(undefined),
  /** Of a person's act: the call that is to take this one back. */
  undo: z.string().optional().catch(undefined),
  approvedBy: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .catch(undefined),
  event: z.string().optional().catch(undefined),
  by: z.string().optional().catch(undefined),
  durationMs: z.number().optional().catch(undefined),
  /** As the call path writes them: kind, id and place, flat. */
  rules: z
    .array(z.object({ kind: z.string(), id: z.string(), file: z.string(), line: z.int(), reason: z.string().default("") }))
    .optional()
    .catch(undefined),
});

type RecordBodyView = z.output<typeof bodySchema>;

/** A stored record with its canonical text parsed. */
export interface RecordView extends Omit<StoredRecord, "people"> {
  readonly body: RecordBodyView;
}

/** One call, put together from its records in order. */
export interface CallView {
  readonly callId: string;
  readonly tenant: string;
  readonly index: number;
  readonly at: string;
  readonly agent: string | undefined;
  readonly user: string | undefined;
  readonly session: string | undefined;
  readonly run: string | undefined;
  readonly task: string | undefined;
  readonly environment: string | undefined;
  readonly tool: string | undefined;
  readonly action: string | undefined;
  readonly effect: string | undefined;
  readonly verdict: string | undefined;
  readonly status: string;
  readonly code: string | undefined;
  readonly message: string | undefined;
  readonly approval: string | undefined;
  readonly approvers: string[] | undefined;
  readonly undoes: string | undefined;
  readonly durationMs: number | undefined;
  readonly rules: { kind: string; id: string; at: { file: string; line: number }; reason: string }[];
}

export function viewRecord(record: StoredRecord): RecordView {
  const { people, ...own } = record;
  return { ...own, body: bodySchema.parse(withNames(parseOrEmpty(record.text), people)) };
}

/**
 * Sums up a call's records (in the order of the log). The newest record that speaks of a member decides it,
 * except for who and what, which the first one says. Returns undefined when there are none that belong to a call.
 */
export function viewCall(records: readonly RecordView[]): CallView | undefined {
  const own = ownRecords(records);
  const [first] = own;
  const last = own.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const newestFirst = own.toReversed();
  const newest = <T>(pick: (body: RecordBodyView) => T | undefined): T | undefined => {
    for (const record of newestFirst) {
      const value = pick(record.body);
      if (value !== undefined) return value;
    }
    return undefined;
  };
  const approvedBy = newest((body) => body.approvedBy);
  return {
    callId: first.callId,
    tenant: first.tenant,
    index: first.index,
    at: first.at,
    agent: newest((body) => body.agent),
    user: newest((body) => body.user),
    session: newest((body) => body.session),
    run: newest((body) => body.run),
    task: newest((body) => body.task),
    environment: newest((body) => body.environment),
    tool: newest((body) => body.tool),
    action: newest((body) => body.action),
    effect: newest((body) => body.effect),
    verdict: newest((body) => body.verdict),
    status: statusOf(last),
    code: last.body.code,
    message: last.body.message,
    approval: newest((body) => body.approval),
    approvers: approvedBy === undefined ? undefined : [approvedBy].flat(),
    undoes: newest((body) => body.undoes),
    durationMs: last.body.durationMs,
    rules: (newest((body) => body.rules) ?? []).map(({ kind, id, file, line, reason }) => ({ kind, id, at: { file, line }, reason })),
  };
}

/**
 * The records a call is made of. A lookup is one only where nothing else begins the call: a read beside the call path. Lookups for a decision
 * are calls of the broker to another action.
 */
export function ownRecords(records: readonly RecordView[]): readonly RecordView[] {
  const decided = records.some(({ kind }) => kind === "intent" || kind === "refusal" || kind === "hold");
  return records.filter(({ kind }) => kind !== "admin" && kind !== "key" && (kind !== "lookup" || !decided));
}

/** How the call stands, as far as this record knows. */
export function statusOf({ kind, body }: RecordView): string {
  return body.status ?? statusOfKind(kind);
}

function statusOfKind(kind: RecordView["kind"]): string {
  switch (kind) {
    case "lookup":
    case "intent":
      return "running";
    case "hold":
      return "held";
    case "refusal":
      return "refused";
    case "outcome":
      return "done";
    case "key":
    case "admin":
      return kind;
  }
}

/** Names in the place of pseudonyms; who was erased stays a pseudonym. */
function withNames(value: unknown, people: StoredRecord["people"]): unknown {
  if (typeof value === "string") return people[value] ?? value;
  if (Array.isArray(value)) return value.map((each) => withNames(each, people));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withNames(member, people)]));
}

function parseOrEmpty(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
