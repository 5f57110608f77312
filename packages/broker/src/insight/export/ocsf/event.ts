import type { Json, JsonObject } from "@bailiwick/policy";
import type { Classified, Disposition, Severity } from "../classify.ts";
import { type ExportedRecord, numberOf, objectsOf, present, textOf } from "../exported-record.ts";
import type { ExportSource } from "../source.ts";

export type OcsfVersion = "1.6.0" | "1.8.0" | "1.9.0";

/** What every class needs to write a record. */
export interface OcsfInput {
  readonly record: ExportedRecord;
  readonly classified: Classified;
  readonly version: OcsfVersion;
  readonly source: ExportSource;
}

/** A class of the schema and what is particular to it. */
export interface OcsfClass {
  readonly classUid: number;
  readonly activityId: number;
  /** The source's own word for an activity the class has no number for. */
  readonly activityName?: string | undefined;
  readonly profiles: readonly string[];
  readonly members: JsonObject;
  /** Members of the leaf that the class has said already. */
  readonly mapped: readonly string[];
}

const SEVERITY_ID: Readonly<Record<Severity, number>> = { informational: 1, low: 2, medium: 3, high: 4, critical: 5 };

/** Members that `metadata` and the base event hold, and the commitments, which say nothing without the log. */
const MAPPED = ["v", "kind", "call", "at", "event", "tenant", "facts"];

/** The event: what the base event of the schema asks for, then what the class adds. */
export function ocsfEvent({ record, classified, version, source }: OcsfInput, its: OcsfClass): JsonObject {
  const { leaf, id, tenant, index, callId, at } = record;
  const unmapped = Object.fromEntries(Object.entries(leaf).filter(([name]) => !MAPPED.includes(name) && !its.mapped.includes(name)));
  return present({
    metadata: present({
      version,
      product: { name: "Bailiwick", vendor_name: "Bailiwick", version: source.version },
      uid: id,
      sequence: index,
      tenant_uid: tenant,
      correlation_uid: callId === "" ? undefined : callId,
      event_code: classified.event,
      log_name: "audit",
      original_time: at,
      profiles: its.profiles.length === 0 ? undefined : its.profiles,
    }),
    time: Date.parse(at),
    category_uid: Math.floor(its.classUid / 1000),
    class_uid: its.classUid,
    activity_id: its.activityId,
    activity_name: its.activityName,
    type_uid: its.classUid * 100 + its.activityId,
    severity_id: SEVERITY_ID[classified.severity],
    message: classified.summary,
    ...its.members,
    unmapped: Object.keys(unmapped).length === 0 ? undefined : unmapped,
  });
}

/** How it ended, for classes whose `status_id` is success or failure. */
export function statusMembers({ record: { leaf }, classified: { disposition } }: OcsfInput): JsonObject {
  const [id, word] = statusOf(disposition);
  return present({
    status_id: id,
    status: word,
    status_code: textOf(leaf, "code") ?? textOf(leaf, "status"),
    duration: wholeNumber(numberOf(leaf, "durationMs")),
  });
}

/** Members that `statusMembers` says. */
export const STATUS_MAPPED = ["code", "status", "durationMs"];

function statusOf(disposition: Disposition): readonly [number, string | undefined] {
  switch (disposition) {
    case "allowed":
    case "modified":
    case "observed":
    case "done":
      return [1, undefined];
    case "denied":
    case "failed":
    case "not_sent":
    case "withheld":
      return [2, undefined];
    case "held":
      return [99, "Held"];
    case "unknown":
      return [0, undefined];
  }
}

/** The profile `security_control`: what the broker did, and the rules that made it do so. */
export function controlMembers({ record: { leaf }, classified: { disposition, alert } }: OcsfInput): JsonObject {
  const [action, dispositionId] = controlOf(disposition, leaf);
  const version = textOf(leaf, "policyVersion");
  const rules = objectsOf(leaf, "rules");
  const decision = textOf(leaf, "verdict");
  return present({
    action_id: action,
    action: action === 99 ? disposition : undefined,
    disposition_id: dispositionId,
    is_alert: alert !== undefined,
    policy: version === undefined ? undefined : { name: "policy folder", uid: version, version, is_applied: true },
    authorizations: rules.length === 0 ? undefined : rules.map((rule) => present({ decision, policy: rulePolicy(rule) })),
  });
}

/** Members that `controlMembers` says. */
export const CONTROL_MAPPED = ["verdict", "rules", "policyVersion"];

/** `action_id` (1 allowed, 2 denied, 3 observed, 4 modified, 99 other) and `disposition_id`. */
function controlOf(disposition: Disposition, leaf: JsonObject): readonly [number, number] {
  switch (disposition) {
    case "allowed":
    case "failed":
      return [1, leaf["approval"] === undefined ? 1 : 8];
    case "modified":
      return [4, 1];
    case "observed":
      return [3, 17];
    case "held":
      return [99, 14];
    case "denied":
      return [2, UNAUTHORIZED.test(textOf(leaf, "code") ?? "") ? 26 : 2];
    case "not_sent":
      return [2, 27];
    case "withheld":
      return [4, 2];
    case "unknown":
      return [1, 27];
    case "done":
      return [1, 1];
  }
}

/** Refusals for who somebody is, not for what they wanted. */
const UNAUTHORIZED = /^(?:unauthenticated|token_expired|session_revoked|proof_\w+)$/u;

function rulePolicy(rule: JsonObject): JsonObject {
  const file = textOf(rule, "file");
  const line = numberOf(rule, "line");
  return present({
    name: textOf(rule, "id") ?? "?",
    type: textOf(rule, "kind"),
    uid: file === undefined ? undefined : `${file}:${line ?? 0}`,
  });
}

/** The schema's `long_t` has no fractions. What is too large for a whole number was no duration. */
function wholeNumber(value: number | undefined): Json | undefined {
  const whole = Math.round(value ?? Number.NaN);
  return Number.isSafeInteger(whole) ? whole : undefined;
}
