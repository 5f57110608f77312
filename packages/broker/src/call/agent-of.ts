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

const callers = new WeakMap<Session, Caller>();

/** A session as policy sees it. The same object each time, since policy compiles a caller once and knows it by identity. */
export function callerOf(session: Session): Caller {
  const known = callers.get(session);
  if (known !== undefined) return known;
  const { agent, tenant, environment, workflow, user, id, task, data, scope, rows, delegator, elevations } = session;
  const caller: Caller = {
    agent,
    tenant,
    environment,
    workflow,
    user,
    session: id,
    task,
    data,
    scope,
    rows,
    ...(elevations === undefined ? {} : { elevations }),
    ...(delegator === undefined ? {} : { delegator: callerOf(delegator) }),
  };
  callers.set(session, caller);
  return caller;
}
