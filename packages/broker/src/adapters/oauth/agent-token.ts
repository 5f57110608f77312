import type { AgentConfig } from "@bailiwick/policy";
import { authenticatePartner, claimsPartner } from "../federation/partner-client.ts";
import { authenticateAgent } from "./client-assertion.ts";
import { CLIENT_CREDENTIALS, clientCredentials } from "./grants/client-credentials.ts";
import { type FederatedClient, JWT_BEARER, jwtBearer } from "./grants/jwt-bearer.ts";
import { TOKEN_EXCHANGE, tokenExchange } from "./grants/token-exchange.ts";
import { issueSession, type SessionWish } from "./issue-session.ts";
import { OAuthError } from "./oauth-error.ts";
import { type OAuthPorts, tokenEndpoint } from "./oauth-ports.ts";
import { senderBinding, type ShownProof } from "./sender-binding.ts";
import { tokenAnswer } from "./token-answer.ts";

const ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token";
const CLIENT_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** Grants of clients with a key in our own registry or a partner's; all others are of people's clients. */
export const AGENT_GRANTS = [CLIENT_CREDENTIALS, TOKEN_EXCHANGE, JWT_BEARER] as const;
export type AgentGrant = (typeof AGENT_GRANTS)[number];

export function isAgentGrant(type: string | undefined): type is AgentGrant {
  return AGENT_GRANTS.some((each) => each === type);
}

/**
 * A token for a program that proves itself with a key: who it is, how its session is bound, what the grant gives, then the session.
 * @throws OAuthError, Refusal `proof_invalid`, `proof_replayed`, Fault.
 */
export async function agentToken(
  ports: OAuthPorts,
  type: AgentGrant,
  form: Readonly<Record<string, string>>,
  shown: ShownProof,
): Promise<Readonly<Record<string, unknown>>> {
  const { audience } = ports.realm;
  if (type !== TOKEN_EXCHANGE && form["resource"] !== undefined && form["resource"] !== audience)
    throw new OAuthError("invalid_target", `\`resource\` must be \`${audience}\`; tokens of this broker serve nothing else`);
  const client = await authenticateClient(ports, type, form);
  const { binding, spend } = senderBinding(ports, shown, form);
  const wish = await wishOf(ports, type, client, { binding, form });
  await spend();
  await requireNoStop(ports, wish.agent);
  const session = await issueSession(ports, wish);
  const answer = await tokenAnswer(ports, session, form["authorization_details"] !== undefined);
  // RFC 8693 section 2.2.1.
  return type === TOKEN_EXCHANGE ? { ...answer, issued_token_type: ACCESS_TOKEN_TYPE } : answer;
}

async function wishOf(
  ports: OAuthPorts,
  type: AgentGrant,
  client: FederatedClient | undefined,
  request: { readonly binding: SessionWish["binding"]; readonly form: Readonly<Record<string, string>> },
): Promise<SessionWish> {
  switch (type) {
    case "client_credentials":
      return clientCredentials(ports, { agent: agentIn(client), ...request });
    case TOKEN_EXCHANGE:
      return tokenExchange(exchangePorts(ports), { agent: agentIn(client), ...request });
    case JWT_BEARER:
      return jwtBearer(ports.federation, { client, ...request });
  }
}

function exchangePorts(ports: OAuthPorts): Parameters<typeof tokenExchange>[0] {
  const { now, policy, sessions, dpop, sessionKeys: keys, token, entities, realm } = ports;
  return {
    now: () => now(),
    policy: () => policy(),
    sessions,
    dpop,
    keys,
    token,
    spendDelegation: (id, expiresAt) => entities.putNew({ kind: "ReplayDetection", id: `delegation ${id}`, payload: {}, expiresAt }),
    audience: realm.audience,
    tokenEndpoint: tokenEndpoint(realm),
  };
}

/** An agent, a partner, or (with an assertion of its own) nobody. @throws OAuthError `invalid_client`. */
async function authenticateClient(
  ports: OAuthPorts,
  type: AgentGrant,
  form: Readonly<Record<string, string>>,
): Promise<FederatedClient | undefined> {
  const assertion = form["client_assertion"];
  if (assertion === undefined) {
    if (type === JWT_BEARER && form["client_assertion_type"] === undefined) return undefined;
    throw new OAuthError("invalid_client", "the request carries no `client_assertion`; sign one with the agent's key (RFC 7523)");
  }
  if (form["client_assertion_type"] !== CLIENT_ASSERTION_TYPE)
    throw new OAuthError("invalid_request", `\`client_assertion_type\` must be \`${CLIENT_ASSERTION_TYPE}\``);
  const partner = type === JWT_BEARER ? claimsPartner(ports.federation, assertion) : undefined;
  const client: FederatedClient =
    partner === undefined
      ? { kind: "agent", agent: await authenticateAgent(ports, assertion, [tokenEndpoint(ports.realm), ports.realm.issuer]) }
      : { kind: "partner", partner: await authenticatePartner(ports.federation, partner, assertion) };
  const name = client.kind === "agent" ? client.agent.name : client.partner.issuer;
  if (form["client_id"] !== undefined && form["client_id"] !== name)
    throw new OAuthError("invalid_client", "`client_id` is not who signed the client assertion; leave it out or send that name");
  return client;
}

function agentIn(client: FederatedClient | undefined): AgentConfig {
  if (client?.kind === "agent") return client.agent;
  throw new OAuthError("unauthorized_client", "this grant is for agents with a registered key; a partner sends `jwt-bearer`");
}

/** Asked before the session is recorded; the store asks again as it writes. */
export async function requireNoStop({ stops }: Pick<OAuthPorts, "stops">, agent: AgentConfig): Promise<void> {
  const stop = await stops.over(agent);
  if (stop === undefined) return;
  const what = stop.kind === "everything" ? "every agent" : `the ${stop.kind} \`${stop.name}\``;
  throw new OAuthError("unauthorized_client", `${what} is ${stop.state} (${stop.reason}); ask ${agent.owner}, who owns this agent`);
}
