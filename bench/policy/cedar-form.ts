import type { CedarValueJson, Context, EntityJson, TypeAndId } from "@cedar-policy/cedar-wasm/nodejs";
import type { Comparison, Rule } from "./rules.ts";
import { typeOf } from "./rules.ts";
import type { Agent, Question, Workload } from "./workload.ts";

/** A question as a Cedar host passes it: four parts and the entities they speak of. */
export interface CedarCall {
  readonly principal: TypeAndId;
  readonly action: TypeAndId;
  readonly resource: TypeAndId;
  readonly context: Context;
  readonly entities: EntityJson[];
}

/** Cedar texts of all policies by id. */
export function cedarPolicies(workload: Workload): Record<string, string> {
  return Object.fromEntries(workload.rules.map((rule) => [rule.id, cedarText(rule)]));
}

function cedarText(rule: Rule): string {
  const principal = rule.role === undefined ? "principal" : `principal in Role::"${rule.role}"`;
  const when = rule.when.map(cedarCondition).join(" && ");
  return `${rule.effect} (${principal}, action in Action::"${rule.scope}", resource is ${typeOf(rule.tool)}) when { ${when} };`;
}

function cedarCondition({ of, field, is, to }: Comparison): string {
  return `${of}.${field} ${is} ${"principal" in to ? `principal.${to.principal}` : JSON.stringify(to.value)}`;
}

/** Ten entities and ten values of context. */
export function cedarCall(question: Question): CedarCall {
  const { agent, record } = question;
  return {
    ...partsOf(question),
    context: { ...question.context },
    entities: [...agentEntities(agent), ...actionEntities(question), recordEntity(question), entity("Queue", record.queue)],
  };
}

/** Principal, action and resource of a question. */
export function partsOf({ agent, action, record }: Question): {
  readonly principal: TypeAndId;
  readonly action: TypeAndId;
  readonly resource: TypeAndId;
} {
  return { principal: uid("Agent", agent.id), action: uid("Action", action), resource: uid(record.type, record.id) };
}

/** What is known of an agent as soon as its session begins. */
export function agentEntities(agent: Agent): EntityJson[] {
  const parents = [...agent.roles.map((role) => uid("Role", role)), uid("Tenant", String(agent.attributes["tenant"]))];
  return [
    { uid: uid("Agent", agent.id), attrs: { ...agent.attributes, user: { __entity: uid("User", agent.user) } }, parents },
    ...agent.roles.map((role) => entity("Role", role)),
    entity("Tenant", String(agent.attributes["tenant"])),
    entity("User", agent.user, { mail: `${agent.user}@acme.example`, level: agent.attributes["level"] ?? 0 }),
  ];
}

/** The action with the scope it belongs to. */
export function actionEntities({ action, scope }: Question): EntityJson[] {
  return [{ uid: uid("Action", action), attrs: {}, parents: [uid("Action", scope)] }, entity("Action", scope)];
}

/** The record a call acts on. */
export function recordEntity({ record }: Question): EntityJson {
  return { uid: uid(record.type, record.id), attrs: { ...record.attributes }, parents: [uid("Queue", record.queue)] };
}

function entity(type: string, id: string, attrs: Record<string, CedarValueJson> = {}): EntityJson {
  return { uid: uid(type, id), attrs, parents: [] };
}

function uid(type: string, id: string): TypeAndId {
  return { type, id };
}
