import type { JsonObject } from "@bailiwick/policy";
import type { Classified } from "./classify.ts";
import { type ExportedRecord, nameBehind, numberOf, objectOf, objectsOf, oneLine, personOf, textOf, textsOf } from "./exported-record.ts";

type Column = (record: ExportedRecord, classified: Classified) => string | number | undefined;

/** Columns in their order. INVARIANT: new ones are added at the end; receivers read by position. */
const COLUMNS: Readonly<Record<string, Column>> = {
  id: ({ id }) => id,
  tenant: ({ tenant }) => tenant,
  index: ({ index }) => index,
  at: ({ at }) => at,
  kind: ({ kind }) => kind,
  event: (_, { event }) => event,
  disposition: (_, { disposition }) => disposition,
  severity: (_, { severity }) => severity,
  call: ({ callId }) => callId,
  environment: leafText("environment"),
  workflow: leafText("workflow"),
  agent: leafText("agent"),
  user: (record) => personOf(record, "user"),
  by: (record) => personOf(record, "by"),
  person: (record) => personOf(record, "person"),
  session: leafText("session"),
  run: leafText("run"),
  task: leafText("task"),
  tool: leafText("tool"),
  operation: leafText("operation"),
  action: leafText("action"),
  effect: leafText("effect"),
  resource_type: ({ leaf }) => textOf(objectOf(leaf, "resource") ?? {}, "type"),
  resource_tag: ({ leaf }) => textOf(objectOf(leaf, "resource") ?? {}, "tag"),
  verdict: leafText("verdict"),
  status: leafText("status"),
  code: leafText("code"),
  rules: ({ leaf }) => objectsOf(leaf, "rules").map(rulePlace).join("; "),
  policy_version: leafText("policyVersion"),
  approval: leafText("approval"),
  approved_by: (record) => approvers(record).join("; "),
  credential: ({ leaf }) => credential(objectOf(leaf, "credential")),
  records: leafNumber("records"),
  rows_removed: leafNumber("rowsRemoved"),
  cost: leafNumber("cost"),
  duration_ms: leafNumber("durationMs"),
  trace: leafText("traceparent"),
  summary: (_, { summary }) => summary,
};

/** RFC 4180: the names of the columns. */
export const CSV_HEADER = Object.keys(COLUMNS).join(",");

/** A record of RFC 4180 without its line break. */
export function csvRow(record: ExportedRecord, classified: Classified): string {
  return Object.values(COLUMNS)
    .map((column) => csvField(String(column(record, classified) ?? "")))
    .join(",");
}

/**
 * A field of RFC 4180 section 2 that stays text in a spreadsheet: what would be run as a formula gets an apostrophe in front, and so does what
 * begins with apostrophes before such a sign, so that taking one away gives the field back. Line breaks and other control characters are shown
 * as visible ones.
 */
export function csvField(text: string): string {
  const line = oneLine(text);
  const safe = FORMULA.test(line) ? `'${line}` : line;
  return /[",]/u.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Signs that start a formula, the wide ones of East Asian input included. A tab or line break before one is visible by now. */
const FORMULA = /^'*[=+\-@＝＋－＠]/u;

function leafText(member: string): Column {
  return ({ leaf }) => textOf(leaf, member);
}

function leafNumber(member: string): Column {
  return ({ leaf }) => numberOf(leaf, member);
}

function rulePlace(rule: JsonObject): string {
  return `${textOf(rule, "kind") ?? "rule"} ${textOf(rule, "id") ?? "?"} ${textOf(rule, "file") ?? "?"}:${numberOf(rule, "line") ?? 0}`;
}

function approvers(record: ExportedRecord): readonly string[] {
  const one = textOf(record.leaf, "approvedBy") ?? textOf(record.leaf, "approver");
  return (one === undefined ? textsOf(record.leaf, "approvedBy") : [one]).map((name) => nameBehind(record, name) ?? name);
}

function credential(found: JsonObject | undefined): string | undefined {
  if (found === undefined) return undefined;
  return `${textOf(found, "name") ?? "?"} ${numberOf(found, "version") ?? textOf(found, "version") ?? "?"}`;
}
