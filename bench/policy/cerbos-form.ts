import type { Comparison, Rule } from "./rules.ts";
import { actionsIn, typeOf } from "./rules.ts";
import type { Question, Workload } from "./workload.ts";

/** A question as cerbos' HTTP API takes it. */
export interface CerbosCall {
  readonly principal: { readonly id: string; readonly roles: readonly string[]; readonly attr: Readonly<Record<string, unknown>> };
  readonly resources: readonly [
    {
      readonly actions: readonly [string];
      readonly resource: { readonly kind: string; readonly id: string; readonly attr: Readonly<Record<string, unknown>> };
    },
  ];
}

/** cerbos knows no context, so the arguments of a call are attributes of its resource. */
export function cerbosCall({ agent, action, record, context }: Question): CerbosCall {
  const resource = { kind: record.type, id: record.id, attr: { ...record.attributes, context } };
  return { principal: { id: agent.id, roles: agent.roles, attr: agent.attributes }, resources: [{ actions: [action], resource }] };
}

/** Policy files by name, one for each tool, in JSON, which is YAML too. */
export function cerbosFiles(workload: Workload): ReadonlyMap<string, string> {
  const byTool = Map.groupBy(workload.rules, (rule) => rule.tool);
  return new Map([...byTool].map(([tool, rules]) => [`tickets${tool}.yaml`, cerbosFile(tool, rules)]));
}

function cerbosFile(tool: number, rules: readonly Rule[]): string {
  const resourcePolicy = { resource: typeOf(tool), version: "default", rules: rules.map(cerbosRule) };
  return JSON.stringify({ apiVersion: "api.cerbos.dev/v1", resourcePolicy }, undefined, 1);
}

/**
 * cerbos decides role by role, and one role that permits outweighs another that forbids. So that a forbid stands as it does in Cedar,
 * it speaks to every role and asks for membership in its condition.
 */
function cerbosRule(rule: Rule): Readonly<Record<string, unknown>> {
  const forbid = rule.effect === "forbid";
  const member = forbid && rule.role !== undefined ? [`${JSON.stringify(rule.role)} in P.roles`] : [];
  return {
    name: rule.id,
    actions: actionsIn(rule.scope),
    effect: forbid ? "EFFECT_DENY" : "EFFECT_ALLOW",
    roles: [forbid || rule.role === undefined ? "*" : rule.role],
    condition: { match: { expr: [...member, ...rule.when.map(conditionOf)].join(" && ") } },
  };
}

function conditionOf({ of, field, is, to }: Comparison): string {
  const left = of === "resource" ? `R.attr.${field}` : `R.attr.context.${field}`;
  return `${left} ${is} ${"principal" in to ? `P.attr.${to.principal}` : JSON.stringify(to.value)}`;
}
