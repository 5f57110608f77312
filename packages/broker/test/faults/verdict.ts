import type { Store } from "../../src/adapters/store/index.ts";
import type { AuditLog, StoredRecord } from "../../src/domain/audit.ts";
import { verifyLog } from "../../src/insight/verify-log.ts";
import type { Seen, Step } from "./callers.ts";

/** What the log says of one tenant's calls after a fault, held against what the callers saw. */
export interface Verdict {
  /** Each a sentence about one call; empty when the log kept its promises. */
  readonly broken: readonly string[];
  readonly effects: number;
  readonly confirmed: number;
  /** How many calls the log says ended so. */
  readonly ends: Readonly<Record<End, number>>;
}

const ENDS = ["succeeded", "unknown", "not_sent"] as const;
export type End = (typeof ENDS)[number];

/** Records of one call, by what they are. */
interface Recorded {
  readonly intents: readonly StoredRecord[];
  readonly ends: readonly End[];
  readonly refusals: number;
}

/**
 * Judges a log after all brokers that wrote it are gone and the unknown outcomes were surfaced:
 * every effect has its intent, every confirmed record stands where the log said, every intent has one true end, and the log verifies.
 */
export async function judge(store: Pick<Store, "log" | "evidence">, tenant: string, seen: readonly Seen[]): Promise<Verdict> {
  const { log } = store;
  const records = await readWhole(log, tenant);
  const calls = byCall(records);
  const steps = Map.groupBy(seen, ({ callId }) => callId);
  const ends = [...calls.values()].flatMap((call) => call.ends);
  const broken = [
    ...records.flatMap((record, place) => (record.index === place ? [] : [`the record at place ${place} says it is ${record.index}`])),
    ...seen.flatMap((each) => lostRecord(each, records, calls)),
    ...[...calls].flatMap(([callId, call]) => untrueEnd(callId, call, new Set(steps.get(callId)?.map(({ step }) => step)))),
    ...seen.flatMap(({ step, callId }) => (step === "acted" && !calls.has(callId) ? [`${callId} had its effect without an intent`] : [])),
    ...(await unlisted(log, tenant, calls)),
  ];
  const verified = await verifyLog(store, tenant);
  if (!verified.ok || verified.records !== records.length) broken.push(`the log does not verify: ${JSON.stringify(verified)}`);
  return {
    broken,
    effects: count(seen, "acted"),
    confirmed: count(seen, "intended") + count(seen, "ended") + count(seen, "denied"),
    ends: {
      succeeded: ends.filter((end) => end === "succeeded").length,
      unknown: ends.filter((end) => end === "unknown").length,
      not_sent: ends.filter((end) => end === "not_sent").length,
    },
  };
}

async function readWhole(log: AuditLog, tenant: string): Promise<readonly StoredRecord[]> {
  const all: StoredRecord[] = [];
  for (;;) {
    const page = await log.read(tenant, all.length, 1_000);
    if (page.length === 0) return all;
    all.push(...page);
  }
}

function byCall(records: readonly StoredRecord[]): ReadonlyMap<string, Recorded> {
  const calls = Map.groupBy(
    records.filter(({ kind }) => kind !== "admin" && kind !== "key"),
    ({ callId }) => callId,
  );
  return new Map(
    [...calls].map(([callId, own]) => [
      callId,
      {
        intents: own.filter(({ kind }) => kind === "intent"),
        ends: own.filter(({ kind }) => kind === "outcome").map(endOf),
        refusals: own.filter(({ kind }) => kind === "refusal").length,
      },
    ]),
  );
}

function endOf(record: StoredRecord): End {
  const { status } = JSON.parse(record.text) as { readonly status?: unknown };
  const end = ENDS.find((each) => each === status);
  if (end === undefined) throw new Error(`${record.callId} ended as \`${String(status)}\`, which no caller and no store writes`);
  return end;
}

/** A record that was confirmed must be there, where the log said. */
function lostRecord(seen: Seen, records: readonly StoredRecord[], calls: ReadonlyMap<string, Recorded>): readonly string[] {
  if (seen.step === "denied")
    return calls.get(seen.callId)?.refusals === 1 ? [] : [`the refusal of ${seen.callId} was confirmed and is lost`];
  if (seen.step !== "intended" && seen.step !== "ended") return [];
  const kind = seen.step === "intended" ? "intent" : "outcome";
  const found = records[seen.index ?? -1];
  return found?.callId === seen.callId && found.kind === kind
    ? []
    : [`the ${kind} of ${seen.callId} was confirmed at ${seen.index} and is lost`];
}

/** Every intent ends once, and as what happened: who acted was never "not sent", who did not act never "succeeded". */
function untrueEnd(callId: string, call: Recorded, steps: ReadonlySet<Step>): readonly string[] {
  const broken: string[] = [];
  const [end] = call.ends;
  if (call.intents.length > 1) broken.push(`${callId} has ${call.intents.length} intents`);
  if (call.intents.length !== call.ends.length) broken.push(`${callId} has ${call.intents.length} intents and ${call.ends.length} ends`);
  if (steps.has("acted") && end === "not_sent") broken.push(`${callId} had its effect, and the log says that nothing was sent`);
  if (steps.has("acted") && call.intents.length === 0) broken.push(`${callId} had its effect without an intent`);
  if (!steps.has("acted") && end === "succeeded") broken.push(`${callId} had no effect, and the log says that it succeeded`);
  if (steps.has("ended") && end !== "succeeded") broken.push(`the outcome of ${callId} was confirmed, and the log says \`${end}\``);
  if (!steps.has("asked")) broken.push(`nobody asked for ${callId}`);
  return broken;
}

/** Who looks for unknown outcomes finds each of them. */
async function unlisted(log: AuditLog, tenant: string, calls: ReadonlyMap<string, Recorded>): Promise<readonly string[]> {
  const listed = new Set((await log.query(tenant, { status: "unknown", limit: 10_000 })).map(({ callId }) => callId));
  return [...calls].flatMap(([callId, { ends }]) =>
    ends.includes("unknown") === listed.has(callId)
      ? []
      : [`${callId} ended as \`${ends.join(", ")}\` and is ${listed.has(callId) ? "" : "not "}listed as unknown`],
  );
}

function count(seen: readonly Seen[], step: Step): number {
  return seen.filter((each) => each.step === step).length;
}
