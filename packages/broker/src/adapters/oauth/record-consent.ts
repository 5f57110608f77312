import type { AgentConfig } from "@bailiwick/policy";
import type { Client } from "oidc-provider";
import type { SignedIn } from "../rest/signed-in.ts";
import type { OAuthPorts } from "./oauth-ports.ts";

export interface ConsentFacts {
  readonly person: SignedIn;
  readonly agent: AgentConfig;
  readonly client: Client;
  readonly scopes: readonly string[];
  readonly task: string;
  readonly redirectUri: string;
}

/** A person's yes to a client, durable before anything is given for it. @throws Fault `log_unavailable`. */
export async function recordConsent(ports: Pick<OAuthPorts, "log" | "now" | "newId">, facts: ConsentFacts): Promise<void> {
  const { person, agent, client, scopes, task, redirectUri } = facts;
  await ports.log.append(agent.tenant, {
    kind: "admin",
    callId: ports.newId("tok"),
    body: {
      at: ports.now().toISOString(),
      event: "oauth.consent",
      by: person.person.id,
      via: person.via,
      user: person.person.id,
      agent: agent.name,
      environment: agent.environment,
      client: client.clientId,
      clientName: client.clientName ?? "",
      redirectHost: new URL(redirectUri).host,
      scope: scopes,
      task,
    },
  });
}
