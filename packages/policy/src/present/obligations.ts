import { findAction } from "../decide/find-action.ts";
import { MAX_RECORDS_PER_CALL } from "../decide/demands.ts";
import { boundsRows } from "../decide/session-rows.ts";
import { tenantFieldOf } from "../decide/tenant.ts";
import type { Decision, DecisionRequest, Policy } from "../types.ts";
import { viewerOf } from "./viewer.ts";

/**
 * What has to be done with a call that may pass: ask a person, draw from counters, bound the records of a result, show only some of them,
 * hide fields, mask fields; `hours`: a rule lets it pass at this time only.
 */
export type Obligation = "approve" | "limit" | "records" | "filter" | "hide" | "mask" | "hours";

const ALL: readonly Obligation[] = ["approve", "limit", "records", "filter", "hide", "mask", "hours"];

/** The obligations of a decision, in a fixed order; none when it denies. `request` must be the very request that was decided. */
export function obligationsOf(policy: Policy, request: DecisionRequest, decision: Decision): readonly Obligation[] {
  if (decision.verdict === "deny") return [];
  const demanded = new Set<Obligation>(shownUnder(policy, request, decision));
  if (decision.approve !== undefined) demanded.add("approve");
  if (decision.limits.length > 0) demanded.add("limit");
  if (decision.maxRecords < MAX_RECORDS_PER_CALL) demanded.add("records");
  return ALL.filter((each) => demanded.has(each));
}

/** What the caller's rules and those of each of its delegators do to what is shown, and when. */
function shownUnder(policy: Policy, request: DecisionRequest, decision: Decision): readonly Obligation[] {
  const { delegator } = decision;
  const above = delegator === undefined ? [] : shownUnder(policy, delegator.request, delegator.decision);
  const type = findAction(policy, request.operation)?.returns?.type;
  // Most calls of this kind are under no gate; what their rules say in full is then not needed, and costs as much as half a decision.
  if (type === undefined && decision.rules.every(({ kind }) => kind !== "gate")) return above;
  const viewer = viewerOf(policy, request, decision);
  if (viewer === undefined) return [...above, "filter"];
  const { grants, gates, denies } = viewer;
  const hours: readonly Obligation[] = gates.some((gate) => gate.hours !== undefined) ? ["hours"] : [];
  if (type === undefined) return [...hours, ...above];
  const fields = [...grants.map(({ rule }) => rule), ...gates].map((rule) => rule.fields);
  const filtered =
    denies.length > 0 ||
    grants.some(({ rows }) => rows !== undefined) ||
    tenantFieldOf(policy, type) !== undefined ||
    boundsRows(request.caller.rows, type);
  return [
    ...hours,
    ...above,
    ...(filtered ? (["filter"] as const) : []),
    ...(fields.some(({ hide }) => hide.length > 0) ? (["hide"] as const) : []),
    ...(fields.some(({ mask }) => mask.size > 0) ? (["mask"] as const) : []),
  ];
}
