import type { AgentConfig, PersonConfig, Policy } from "@bailiwick/policy";
import { type ClientIdentity, mayActAs } from "../../domain/consent.ts";

/** The agents a person may choose from. */
export function agentsFor(policy: Policy, person: PersonConfig, client: ClientIdentity): readonly AgentConfig[] {
  return policy.agents.filter((agent) => mayActAs(person, agent, client));
}
