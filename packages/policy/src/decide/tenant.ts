import type { AgentConfig, Policy, ResourceFacts } from "../types.ts";
import type { No } from "./answer.ts";
import { BUILTIN } from "./builtin-rules.ts";

/** Field that names the tenant of a record type; undefined when records of that type belong to no tenant. */
export function tenantFieldOf(policy: Policy, type: string): string | undefined {
  const tool = policy.tools.find((candidate) => Object.hasOwn(candidate.tenantField, type));
  return tool?.tenantField[type];
}

/** Whether the record is certainly of this tenant; one that does not say is not. */
export function belongsTo(policy: Policy, tenant: string, record: Pick<ResourceFacts, "type" | "attributes">): boolean {
  const field = tenantFieldOf(policy, record.type);
  return field === undefined || (Object.hasOwn(record.attributes, field) && record.attributes[field] === tenant);
}

export function foreignRecord(policy: Policy, agent: AgentConfig, record: ResourceFacts | undefined): No | undefined {
  if (record === undefined || belongsTo(policy, agent.tenant, record)) return undefined;
  return {
    code: "cross_tenant",
    message: `the ${record.type} is not a record of \`${agent.tenant}\`; name one of this tenant`,
    rules: [BUILTIN.tenantIsolation],
    next: [{ kind: "ask_owner", owner: agent.owner, text: `which ${record.type} of \`${agent.tenant}\` is meant` }],
  };
}
