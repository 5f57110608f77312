import type { AgentConfig } from "@bailiwick/policy";
import { errors } from "oidc-provider";
import { authenticateAgent } from "./client-assertion.ts";
import { OAuthError } from "./oauth-error.ts";
import { type OAuthPorts, tokenEndpoint } from "./oauth-ports.ts";
import type { Shell } from "./shell.ts";
import { sessionOf } from "./token-session.ts";
import type { Session } from "../../domain/session.ts";

/** Who asks about a token, or ends one. */
export type EndpointClient = { readonly kind: "agent"; readonly agent: AgentConfig } | { readonly kind: "client"; readonly id: string };

/**
 * An agent proves itself with its key (RFC 7523); a public client names itself, and holding the token is what shows that it is its own.
 * An id that is an address is looked up only when the token is this client's, since a look-up fetches what a stranger named.
 * @throws OAuthError `invalid_client`; Fault.
 */
export async function endpointClient(
  ports: OAuthPorts,
  shell: Shell,
  path: string,
  form: Readonly<Record<string, string>>,
): Promise<EndpointClient> {
  const { client_assertion: assertion, client_id: id } = form;
  if (assertion !== undefined) {
    const audiences = [`${ports.realm.issuer}${path}`, tokenEndpoint(ports.realm), ports.realm.issuer];
    const agent = await authenticateAgent(ports, assertion, audiences);
    if (id !== undefined && id !== agent.name)
      throw new OAuthError("invalid_client", "`client_id` is not the agent that signed the assertion");
    return { kind: "agent", agent };
  }
  if (id === undefined)
    throw new OAuthError("invalid_client", "say who asks: an agent sends a `client_assertion`, a client without a key its `client_id`");
  if (isAddress(id) && !(await isClientOf(ports, shell, id, form["token"]))) return { kind: "client", id };
  const client = await shell.client(id).catch((error: unknown) => {
    if (error instanceof errors.OIDCProviderError) return undefined;
    throw error;
  });
  if (client === undefined || client.clientAuthMethod !== "none")
    throw new OAuthError("invalid_client", "no client without a key is known here by this `client_id`");
  return { kind: "client", id: client.clientId };
}

function isAddress(id: string): boolean {
  return URL.parse(id)?.protocol === "https:";
}

async function isClientOf(ports: OAuthPorts, shell: Shell, id: string, token: string | undefined): Promise<boolean> {
  if (token === undefined) return false;
  const session = await sessionOf(ports, token);
  return (session === undefined ? (await shell.refreshToken(token))?.clientId : session.client) === id;
}

/** Whether a session is the asker's own: opened by this agent, or by this client for a person. */
export function isOwn(session: Session, client: EndpointClient): boolean {
  switch (client.kind) {
    case "agent":
      return session.agent === client.agent.name;
    case "client":
      return session.client === client.id;
  }
}
