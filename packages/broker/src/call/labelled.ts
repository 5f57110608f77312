import { type Json, type JsonObject, soughtLabels } from "@bailiwick/policy";
import type { Session } from "../domain/session.ts";
import { isObject, readPath } from "./paths.ts";
import { plainText } from "./plain-text.ts";
import { structuredOf } from "./structured.ts";
import type { LimitedCall } from "./types.ts";

/** Values of labelled fields that runs were shown, in one spelling. In this process only, and only so many: a value that is forgotten is not found. */
export interface LabelledMemory {
  note(tenant: string, run: string, label: string, values: readonly string[]): void;
  seen(tenant: string, run: string, label: string): readonly string[];
}

/** Shorter values (`open`, `eu`) are words of any text. */
const MIN_CHARS = 6;
/** Longer ones are looked for sentence by sentence, since whoever passes them on passes on a part. */
const MAX_CHARS = 200;
const MIN_SENTENCE_CHARS = 20;

/** Remembers what the agent is shown of fields with labels that some rule looks for. */
export function noteLabelled(memory: LabelledMemory, { session, policy, action, views }: LimitedCall, shown: JsonObject): void {
  const { returns, sql } = action;
  const sought = soughtLabels(policy);
  if (sought.size === 0 || (returns === undefined && sql === undefined)) return;
  const records = readPath({ result: structuredOf(shown) ?? null }, returns?.at ?? "result");
  if (records === undefined) return;
  const types = returns === undefined ? [...(views?.values() ?? [])].map(({ type }) => type) : [returns.type];
  const showing = policy.tools.flatMap(({ actions }) => actions).filter((other) => types.some((type) => type === other.returns?.type));
  for (const label of sought) {
    const paths = showing.flatMap(({ labels }) => Object.entries(labels).flatMap(([path, names]) => (names.includes(label) ? [path] : [])));
    // What a query answers may be made of any field of its tables, so each of its texts may be the value.
    const places = sql !== undefined && paths.length > 0 ? [[]] : [...new Set(paths)].map((path) => path.split("."));
    const values = places.flatMap((steps) => textsAt(records, steps)).flatMap((text) => piecesOf(text));
    if (values.length > 0) memory.note(session.tenant, session.run, label, values);
  }
}

/** Whether a text holds a value with one of the labels that its run was shown. */
export function holdsLabelled(
  memory: LabelledMemory,
  { tenant, run }: Session,
  text: string,
  labels: readonly string[],
): string | undefined {
  const plain = plainText(text);
  return labels.find((label) => memory.seen(tenant, run, label).some((value) => plain.includes(value)));
}

/** Lists are looked through; everything inside the field belongs to it. */
function textsAt(value: Json, steps: readonly string[]): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((item: Json) => textsAt(item, steps));
  const [step, ...rest] = steps;
  if (step !== undefined) return isObject(value) && Object.hasOwn(value, step) ? textsAt(value[step] ?? null, rest) : [];
  if (isObject(value)) return Object.values(value).flatMap((inner) => textsAt(inner, []));
  return typeof value === "string" || typeof value === "number" ? [String(value)] : [];
}

function piecesOf(text: string): readonly string[] {
  const plain = plainText(text);
  if (plain.length <= MAX_CHARS) return plain.length < MIN_CHARS ? [] : [plain];
  return plain
    .split(/(?<=[.!?;]) /u)
    .flatMap((sentence) => (sentence.length > MAX_CHARS ? (sentence.match(/.{1,200}/gsu) ?? []) : [sentence]))
    .filter((sentence) => sentence.length >= MIN_SENTENCE_CHARS);
}
