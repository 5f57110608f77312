import { IncomingMessage, type ServerResponse } from "node:http";
import { type Client, type Grant, type Interaction, type InteractionResult, Provider, type Token } from "oidc-provider";
import { peopleUrl } from "../rest/relying-party.ts";
import type { OAuthPorts } from "./oauth-ports.ts";
import { personTokens } from "./person-tokens.ts";
import { answerFaults, plainErrors } from "./plain-errors.ts";
import { providerSettings } from "./provider-settings.ts";
import { registrations } from "./registrations.ts";

/** The protocol shell: oidc-provider for clients that act for a person. */
export interface Shell {
  /** Answers one request; `body` when it has been read already. */
  handle(req: IncomingMessage, res: ServerResponse, body?: string): Promise<void>;
  interaction(req: IncomingMessage, res: ServerResponse): Promise<Interaction>;
  finish(req: IncomingMessage, res: ServerResponse, result: InteractionResult): Promise<void>;
  newGrant(facts: { readonly accountId: string; readonly clientId: string }): Grant;
  client(id: string): Promise<Client | undefined>;
  refreshToken(value: string): Promise<Token | undefined>;
}

export function createShell(ports: OAuthPorts): Shell {
  const provider = new Provider(ports.realm.issuer, providerSettings(ports));
  // The headers it then trusts are set below, from the public URL, never from the request.
  provider.proxy = true;
  provider.use(answerFaults((error) => ports.onFault(error)));
  provider.use(registrations(ports));
  provider.use(personTokens(ports, async (id) => (await provider.Grant.find(id)) !== undefined));
  plainErrors(provider, (error) => ports.onFault(error));
  const callback = provider.callback();
  return {
    handle: (req, res, body) => callback(asPublic(ports, req, body), res),
    interaction: (req, res) => provider.interactionDetails(asPublic(ports, req), res),
    finish: (req, res, result) => provider.interactionFinished(asPublic(ports, req), res, result, { mergeWithLastSubmission: false }),
    newGrant: (facts) => new provider.Grant(facts),
    client: (id) => provider.Client.find(id),
    refreshToken: (value) => provider.RefreshToken.find(value),
  };
}

/**
 * The request as the provider shall see it. Its addresses come from the host header, so an attacker who chose that would choose what the
 * provider says of itself (and which audience it accepts): it is the public URL's, always.
 */
function asPublic({ realm }: OAuthPorts, req: IncomingMessage, body?: string): IncomingMessage {
  // A form is posted by a program; everything else is opened in a browser, where people are.
  const { host, protocol } = new URL(body === undefined ? peopleUrl(realm.issuer) : realm.issuer);
  const message = body === undefined ? req : withBody(req, body);
  const kept = Object.fromEntries(
    Object.entries(message.headers).filter(([name]) => name !== "forwarded" && !name.startsWith("x-forwarded-")),
  );
  message.headers = {
    ...kept,
    host,
    "x-forwarded-host": host,
    "x-forwarded-proto": protocol.slice(0, -1),
    "x-forwarded-for": req.socket.remoteAddress ?? "unknown",
  };
  return message;
}

/** A form that was read to find out who answers it, to be read again. */
function withBody({ socket, method, url, headers }: IncomingMessage, body: string): IncomingMessage {
  const again = new IncomingMessage(socket);
  again.method = method ?? "POST";
  again.url = url ?? "/";
  again.headers = { ...headers, "content-length": String(Buffer.byteLength(body)) };
  again.complete = true;
  again.push(body);
  again.push(null);
  return again;
}
