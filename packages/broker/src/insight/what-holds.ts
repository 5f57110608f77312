import {
  approvalWords,
  type Decision,
  limitDemandWords,
  matrix,
  MAX_RECORDS_PER_CALL,
  type MatrixWay,
  type Policy,
  present,
  type RuleRef,
} from "@bailiwick/policy";
import type { Supposed } from "./suppose.ts";

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
    ...limits.map((demand) => `at most ${limitDemandWords(demand)}: ${ruleText(demand.rule)}`),
    ...(maxRecords < MAX_RECORDS_PER_CALL ? [`at most ${maxRecords} records a call`] : []),
    ...(decision.asksOver === undefined
      ? []
      : [
          `a result of more than ${decision.asksOver.records} records only with people's yes: ${decision.asksOver.rules.map((rule) => ruleText(rule)).join("; ")}`,
        ]),
    ...each("hours: ", (way) => way.hours),
    ...each("texts: ", (way) => way.content),
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
