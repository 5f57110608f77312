import {
  approvalWords,
  type Decision,
  matrix,
  MAX_RECORDS_PER_CALL,
  type MatrixWay,
  type Policy,
  present,
  type RuleRef,
} from "@bailiwick/policy";
import type { Supposed } from "./suppose.ts";

const WINDOWS: ReadonlyMap<number, string> = new Map([
  [60_000, "per minute"],
  [3_600_000, "per hour"],
  [86_400_000, "per day"],
]);

/** What goes with a call that is not refused, a sentence each: which records and fields, how often, who answers, what the agent would see. */
export function whatHolds(policy: Policy, supposed: Supposed, decision: Decision): readonly string[] {
  if (decision.verdict === "deny") return [];
  const { approve, limits, maxRecords } = decision;
  const ways = waysOf(policy, supposed).filter(({ grant }) => decision.grants.includes(grant.id));
  const each = (label: string, of: (way: MatrixWay) => readonly string[]): readonly string[] =>
    [...new Set(ways.map((way) => of(way).join("; ")))].filter((text) => text !== "").map((text) => `${label}${text}`);
  return [
    ...(approve === undefined ? [] : [`approval ${approvalWords(approve)}: ${approve.rules.map((rule) => ruleText(rule)).join("; ")}`]),
    ...each("rows: ", (way) => way.rows),
    ...each("fields: ", (way) => way.fields),
    ...limits.map(
      ({ unit, max, windowMs, rule }) =>
        `at most ${unit === "cost" ? `a cost of ${max}` : `${max} ${unit}`} ${WINDOWS.get(windowMs) ?? `in ${windowMs} ms`}: ${ruleText(rule)}`,
    ),
    ...(maxRecords < MAX_RECORDS_PER_CALL ? [`at most ${maxRecords} records a call`] : []),
    ...each("hours: ", (way) => way.hours),
    ...shown(policy, supposed, decision),
  ];
}

/** `grant read-own-region, roles/support.yaml:7`. */
export function ruleText({ kind, id, at }: Pick<RuleRef, "id" | "at"> & { readonly kind: string }): string {
  return `${kind} ${id}, ${at.file}:${at.line}`;
}

function waysOf(policy: Policy, { agent, action }: Supposed): readonly MatrixWay[] {
  const [row] = matrix(policy, { agents: [agent.name], tools: [action.operation.tool] }).rows;
  return row?.cells.find(({ operation }) => operation === action.operation)?.ways ?? [];
}

/** The record as the agent would see it in a result. */
function shown(policy: Policy, { action, request }: Supposed, decision: Decision): readonly string[] {
  const { resource } = request;
  if (typeof resource !== "object" || action.returns?.type !== resource.type) return [];
  const { visible, record } = present(policy, request, decision, resource.attributes, resource.type);
  return [visible ? `the agent sees ${JSON.stringify(record)}` : "the agent does not see the record"];
}
