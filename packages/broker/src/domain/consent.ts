import type { AgentConfig, PersonConfig, Policy } from "@bailiwick/policy";
import { chainOf } from "./ended.ts";
import type { Session } from "./session.ts";

/** Holding this role makes a person read-only, whatever else they hold. */
const READ_ONLY_ROLE = "auditor";

/** An OAuth client by its id; one that is a metadata document has the document's address as its id. */
export interface ClientIdentity {
  readonly clientId: string;
  readonly clientIdMetadataDocument?: boolean | undefined;
}

/** Whether a person may let an OAuth client act as an agent: only where the agent's `clients` says so. Pure. */
export function mayActAs(person: PersonConfig, agent: AgentConfig, client: ClientIdentity): boolean {
  const { clients } = agent;
  if (clients === undefined || !person.tenants.includes(agent.tenant) || person.roles.includes(READ_ONLY_ROLE)) return false;
  return person.roles.some((role) => clients.people.includes(role)) && isNamed(client, clients.ids);
}

/** A client that registered itself chose its own name, so only metadata documents, which lie at an address, can be named. */
function isNamed({ clientId, clientIdMetadataDocument }: ClientIdentity, ids: readonly string[] | undefined): boolean {
  if (ids === undefined) return true;
  if (clientIdMetadataDocument !== true) return false;
  return ids.includes(clientId) || ids.includes(URL.parse(clientId)?.host ?? "");
}

/**
 * Whether the policy would still let the person open what they opened: of a session, and of all it was delegated from, that a person gave to
 * a client. A person who was removed or lost the role has ended them; nobody has to find them. True for every other session. Pure.
 */
export function consentStillHolds(policy: Pick<Policy, "agents" | "people">, session: Session): boolean {
  return chainOf(session).every((each) => each.grant !== "authorization_code" || isStillAllowed(policy, each));
}

function isStillAllowed({ agents, people }: Pick<Policy, "agents" | "people">, session: Session): boolean {
  const agent = agents.find(({ name }) => name === session.agent);
  const person = people.find(({ id }) => id === session.user);
  if (agent === undefined || person === undefined || session.client === undefined) return false;
  const clientIdMetadataDocument = URL.parse(session.client)?.protocol === "https:";
  return mayActAs(person, agent, { clientId: session.client, clientIdMetadataDocument });
}
