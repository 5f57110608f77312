import type { AgentConfig, Caller, Policy } from "@bailiwick/policy";
import type { Session } from "../domain/session.ts";

const indexes = new WeakMap<Policy, ReadonlyMap<string, AgentConfig>>();

/** The agent of that name in this policy version, or undefined. */
export function agentOf(policy: Policy, name: string): AgentConfig | undefined {
  let index = indexes.get(policy);
  if (index === undefined) {
    index = new Map(policy.agents.map((agent) => [agent.name, agent]));
    indexes.set(policy, index);
  }
  return index.get(name);
}

/** A session as policy sees it. */
export function callerOf(session: Session): Caller {
  return {
    agent: session.agent,
    tenant: session.tenant,
    environment: session.environment,
    workflow: session.workflow,
    user: session.user,
    session: session.id,
    task: session.task,
    data: session.data,
    scope: session.scope,
  };
}
