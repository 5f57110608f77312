import { newEnforcer, newModelFromString } from "casbin";
import type { InProcess } from "./contender.ts";
import type { Comparison, Rule } from "./rules.ts";
import { actionsIn, typeOf } from "./rules.ts";
import type { Workload } from "./workload.ts";

/** Roles and scopes as groupings, conditions as text that the matcher evaluates; the cheapest comparison stands first. */
const MODEL = `
[request_definition]
r = sub, act, obj, ctx
[policy_definition]
p = role, scope, type, rule, eft
[role_definition]
g = _, _
g2 = _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = r.obj.type == p.type && g2(r.act, p.scope) && g(r.sub.id, p.role) && eval(p.rule)
`;
const EVERYBODY = "everybody";

/** casbin in memory: RBAC with ABAC conditions, called by its faster, synchronous function. */
export async function casbin(workload: Workload): Promise<InProcess> {
  const inputs = workload.questions.map(
    ({ agent, action, record, context }) =>
      [{ id: agent.id, ...agent.attributes }, action, { type: record.type, ...record.attributes }, context] as const,
  );
  const scopes = [...new Set(workload.rules.map((rule) => rule.scope))];
  const started = performance.now();
  const enforcer = await newEnforcer(newModelFromString(MODEL));
  await enforcer.addPolicies(workload.rules.map(policyOf));
  await enforcer.addGroupingPolicies(workload.agents.flatMap(({ id, roles }) => [...roles, EVERYBODY].map((role) => [id, role])));
  await enforcer.addNamedGroupingPolicies(
    "g2",
    scopes.flatMap((scope) => actionsIn(scope).map((action) => [action, scope])),
  );
  return {
    kind: "in process",
    name: "casbin, ABAC matcher",
    loadMs: performance.now() - started,
    batch: 1,
    decide: (question) => enforcer.enforceSync(...(inputs[question] ?? [])),
  };
}

function policyOf(rule: Rule): string[] {
  const effect = rule.effect === "permit" ? "allow" : "deny";
  return [rule.role ?? EVERYBODY, rule.scope, typeOf(rule.tool), rule.when.map(conditionOf).join(" && "), effect];
}

function conditionOf({ of, field, is, to }: Comparison): string {
  const left = of === "resource" ? `r.obj.${field}` : `r.ctx.${field}`;
  return `${left} ${is} ${"principal" in to ? `r.sub.${to.principal}` : JSON.stringify(to.value)}`;
}
