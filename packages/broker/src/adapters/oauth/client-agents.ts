import type { AgentConfig, PersonConfig, Policy } from "@bailiwick/policy";
import type { Client } from "oidc-provider";

/** Holding this role makes a person read-only, whatever else they hold. */
const READ_ONLY_ROLE = "auditor";

type ClientIdentity = Pick<Client, "clientId" | "clientIdMetadataDocument">;

/** Whether a person may let an OAuth client act as an agent: only where the agent's `clients` says so. */
export function mayActAs(person: PersonConfig, agent: AgentConfig, client: ClientIdentity): boolean {
  const { clients } = agent;
  if (clients === undefined || !person.tenants.includes(agent.tenant) || person.roles.includes(READ_ONLY_ROLE)) return false;
  return person.roles.some((role) => clients.people.includes(role)) && isNamed(client, clients.ids);
}

/** The agents a person may choose from. */
export function agentsFor(policy: Policy, person: PersonConfig, client: ClientIdentity): readonly AgentConfig[] {
  return policy.agents.filter((agent) => mayActAs(person, agent, client));
}

/** A client that registered itself chose its own name, so only metadata documents, which lie at an address, can be named. */
function isNamed({ clientId, clientIdMetadataDocument }: ClientIdentity, ids: readonly string[] | undefined): boolean {
  if (ids === undefined) return true;
  if (clientIdMetadataDocument !== true) return false;
  return ids.includes(clientId) || ids.includes(URL.parse(clientId)?.host ?? "");
}
