import type { IncomingMessage, ServerResponse } from "node:http";
import { peerCertificate } from "../http/peer-certificate.ts";
import { peopleUrl } from "../rest/relying-party.ts";
import { agentToken, isAgentGrant } from "./agent-token.ts";
import { type Answer, asOAuthError, errorAnswer, send } from "./answer.ts";
import { introspect } from "./introspect.ts";
import { answerInteraction } from "./interaction.ts";
import { discoveryMetadata, resourceMetadata, serverMetadata } from "./metadata.ts";
import { OAuthError } from "./oauth-error.ts";
import type { OAuthPorts } from "./oauth-ports.ts";
import { createShell, type Shell } from "./shell.ts";
import { revoke } from "./revoke.ts";
import { readForm, type TokenForm } from "./token-form.ts";

/** The OAuth side of the broker: `/oauth/*` and the well-known documents. */
export interface OAuthServer {
  /** Whether a path is answered here. */
  owns(path: string): boolean;
  /** Answers one request. Never throws. */
  handle(req: IncomingMessage, res: ServerResponse): void;
}

/** Documents that anybody may read, from any page. */
const OPEN = { "access-control-allow-origin": "*", "cache-control": "public, max-age=300" };

type Forms = (form: TokenForm, req: IncomingMessage, res: ServerResponse) => Promise<Answer | undefined>;

export function createOAuthServer(ports: OAuthPorts): OAuthServer {
  const shell = createShell(ports);
  const documents = openDocuments(ports);
  const forms = formEndpoints(ports, shell);

  async function serve(req: IncomingMessage, res: ServerResponse, path: string): Promise<Answer | undefined> {
    const document = documents.get(path);
    if (document !== undefined) return req.method === "GET" ? { status: 200, body: await document(), headers: OPEN } : onlyTakes("GET");
    const form = forms.get(path);
    if (form !== undefined) return req.method === "POST" ? form(await readForm(req), req, res) : onlyTakes("POST");
    const elsewhere = path === AUTH ? wherePeopleAre(ports, req) : undefined;
    if (elsewhere !== undefined) return { status: 303, body: undefined, headers: { location: elsewhere } };
    if (path.startsWith(INTERACTION)) return answerInteraction(ports, shell, path.slice(INTERACTION.length), req, res);
    await shell.handle(req, res);
    return undefined;
  }

  return {
    owns: (path) =>
      documents.has(path) ||
      forms.has(path) ||
      path === REGISTER ||
      path === AUTH ||
      [`${AUTH}/`, INTERACTION].some((each) => path.startsWith(each)),
    handle(req, res) {
      const path = pathOf(req);
      serve(req, res, path)
        .catch((error: unknown) => errorAnswer(asOAuthError((fault) => ports.onFault(fault), error)))
        .then((answer) => {
          if (answer !== undefined && !res.headersSent) send(res, answer);
        })
        .catch((error: unknown) => {
          ports.onFault(error);
          res.destroy();
        });
    },
  };
}

const AUTH = "/oauth/auth";
const REGISTER = "/oauth/register";
const INTERACTION = "/oauth/interaction/";

function openDocuments(ports: OAuthPorts): ReadonlyMap<string, () => Promise<Readonly<Record<string, unknown>>>> {
  const { realm, signingKeys } = ports;
  return new Map<string, () => Promise<Readonly<Record<string, unknown>>>>([
    ["/.well-known/jwks.json", async () => ({ ...(await signingKeys.jwks()) })],
    ["/.well-known/oauth-authorization-server", async () => serverMetadata(realm)],
    ["/.well-known/openid-configuration", async () => discoveryMetadata(realm)],
    ["/.well-known/oauth-protected-resource", async () => resourceMetadata(realm)],
    ["/.well-known/oauth-protected-resource/mcp", async () => resourceMetadata(realm)],
  ]);
}

function formEndpoints(ports: OAuthPorts, shell: Shell): ReadonlyMap<string, Forms> {
  return new Map<string, Forms>([
    ["/oauth/token", (form, req, res) => token(ports, shell, form, req, res)],
    ["/oauth/introspect", async ({ fields }) => ({ status: 200, body: await introspect(ports, shell, fields) })],
    [
      "/oauth/revoke",
      async ({ fields }) => {
        await revoke(ports, shell, fields);
        return { status: 200, body: undefined };
      },
    ],
  ]);
}

const PERSON_GRANTS: readonly string[] = ["authorization_code", "refresh_token"];

/** Programs with a key are answered here; clients of people by oidc-provider, whose tokens are exchanged for ours before they leave. */
async function token(
  ports: OAuthPorts,
  shell: Shell,
  form: TokenForm,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<Answer | undefined> {
  const type = form.fields["grant_type"];
  if (type === undefined) throw new OAuthError("invalid_request", "`grant_type` is missing; send for example `client_credentials`");
  if (!isAgentGrant(type)) {
    if (!PERSON_GRANTS.includes(type))
      throw new OAuthError("unsupported_grant_type", "this grant is not offered here; see `/.well-known/oauth-authorization-server`");
    await shell.handle(req, res, form.text);
    return undefined;
  }
  const dpop = req.headers["dpop"];
  if (Array.isArray(dpop) || dpop?.includes(","))
    throw new OAuthError("invalid_dpop_proof", "the request has several `dpop` headers; send one proof");
  return { status: 200, body: await agentToken(ports, type, form.fields, { dpop, certificate: peerCertificate(req.socket) }) };
}

/** People's cookies are of one host; a browser that was sent to the address programs use goes there. Both are loopback names of this broker. */
function wherePeopleAre({ realm }: OAuthPorts, req: IncomingMessage): string | undefined {
  const people = new URL(peopleUrl(realm.issuer));
  const { host } = new URL(realm.issuer);
  return host !== people.host && req.headers.host === host ? `${people.origin}${req.url ?? "/"}` : undefined;
}

function onlyTakes(method: string): Answer {
  const { body } = errorAnswer(new OAuthError("invalid_request", `this address takes ${method} only`));
  return { status: 405, body, headers: { allow: method } };
}

function pathOf(req: IncomingMessage): string {
  const [path = "/"] = (req.url ?? "/").split("?", 1);
  return path;
}
