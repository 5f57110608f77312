import type { AgentConfig } from "@bailiwick/policy";
import type { Client } from "oidc-provider";
import { adminRecord } from "../../domain/admin-record.ts";
import type { SignedIn } from "../rest/signed-in.ts";
import type { OAuthPorts } from "./oauth-ports.ts";

type RecordPorts = Pick<OAuthPorts, "log" | "now" | "newId">;

export interface ConsentFacts {
  readonly person: SignedIn;
  readonly agent: AgentConfig;
  readonly client: Client;
  readonly scopes: readonly string[];
  readonly task: string;
  readonly redirectUri: string;
}

/** A person's yes to a client, durable before anything is given for it. @throws Fault `log_unavailable`. */
export async function recordConsent(ports: RecordPorts, facts: ConsentFacts): Promise<void> {
  const { person, agent, client, scopes, task, redirectUri } = facts;
  await ports.log.append(
    agent.tenant,
    adminRecord({
      at: ports.now(),
      event: "oauth.consent",
      by: { person: person.person.id },
      via: person.via,
      callId: ports.newId("tok"),
      user: person.person.id,
      task,
      body: { agent: agent.name, environment: agent.environment, client: client.clientId, scope: scopes },
      facts: wordsOf(client, redirectUri),
    }),
  );
}

/**
 * A person's no to a client, in the log of each tenant whose agents they could have chosen from. The client is told after it.
 * @throws Fault `log_unavailable`.
 */
export async function recordDenial(
  ports: RecordPorts,
  { person, client, redirectUri }: Pick<ConsentFacts, "person" | "client" | "redirectUri">,
  tenants: readonly string[],
): Promise<void> {
  for (const tenant of new Set(tenants)) {
    await ports.log.append(
      tenant,
      adminRecord({
        at: ports.now(),
        event: "oauth.consent_denied",
        by: { person: person.person.id },
        via: person.via,
        callId: ports.newId("tok"),
        user: person.person.id,
        body: { client: client.clientId },
        facts: wordsOf(client, redirectUri),
      }),
    );
  }
}

/** What the client says of itself. */
function wordsOf(client: Client, redirectUri: string): { readonly clientName: string; readonly redirectHost: string } {
  return { clientName: client.clientName ?? "", redirectHost: new URL(redirectUri).host };
}
