import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { exportJWK, generateKeyPair, type JWK } from "jose";
import { z } from "zod";

/** What the tests ask of oidc-provider, which has no types of its own. */
interface Provider {
  callback(): RequestListener;
  interactionDetails(req: IncomingMessage, res: ServerResponse): Promise<{ readonly params: Readonly<Record<string, unknown>> }>;
  interactionFinished(req: IncomingMessage, res: ServerResponse, result: object, options?: object): Promise<void>;
  readonly Grant: {
    new (about: object): Grant;
    find(id: string): Promise<{ destroy(): Promise<void> } | undefined>;
  };
  on(event: string, listener: (...values: unknown[]) => void): void;
}
interface Grant {
  addResourceScope(resource: string, scope: string): void;
  addOIDCScope(scope: string): void;
  save(): Promise<string>;
}
const providerModule = z.object({
  default: z.custom<new (issuer: string, configuration: object) => Provider>((it) => typeof it === "function"),
});

/** A real oidc-provider as the authorization server of a tool, on a loopback port; people allow by a form. */
export interface TestAuthorizationServer {
  readonly issuer: string;
  /** Verifies its access tokens. */
  readonly jwks: { readonly keys: readonly JWK[] };
  /** Forms that its token endpoint took, newest last. */
  readonly forms: URLSearchParams[];
  readonly faults: string[];
  /** Ends everything that people allowed. */
  revokeGrants(): Promise<void>;
  close(): Promise<void>;
}

/** Clients that are registered beforehand. */
export const MACHINE = { id: "broker-acme", secret: "the-secret-of-the-machine-client-91" } as const;
export const SIGNING = { id: "broker-signs" } as const;
export const SCOPES = ["notes:read", "notes:write", "notes:admin"] as const;

export async function startAuthorizationServer(
  options: { readonly jwksUri?: string; readonly documents?: (url: string) => Promise<Response> } = {},
): Promise<TestAuthorizationServer> {
  let listener: RequestListener = (_req, res) => void res.end();
  const forms: URLSearchParams[] = [];
  const server = createServer((req, res) => listener(req, res));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the test's authorization server has no port");
  const issuer = `http://localhost:${address.port}`;
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const faults: string[] = [];
  const grants: string[] = [];
  const specifier = "oidc-provider";
  const { default: OidcProvider } = providerModule.parse(await import(specifier));
  const provider = new OidcProvider(issuer, {
    clients: [
      { client_id: MACHINE.id, client_secret: MACHINE.secret, grant_types: ["client_credentials"], redirect_uris: [], response_types: [] },
      ...(options.jwksUri === undefined
        ? []
        : [
            {
              client_id: SIGNING.id,
              token_endpoint_auth_method: "private_key_jwt",
              token_endpoint_auth_signing_alg: "ES256",
              jwks_uri: options.jwksUri,
              grant_types: ["client_credentials"],
              redirect_uris: [],
              response_types: [],
            },
          ]),
    ],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: "as-1", use: "sig", alg: "ES256" }] },
    cookies: { keys: ["a key of the test's cookies"] },
    scopes: ["offline_access"],
    clientDefaults: { id_token_signed_response_alg: "ES256" },
    clientAuthMethods: ["none", "client_secret_basic", "private_key_jwt"],
    pkce: { required: () => true },
    responseTypes: ["code"],
    rotateRefreshToken: () => true,
    issueRefreshToken: async () => true,
    ttl: { Interaction: 600, Grant: 600, Session: 600, AuthorizationCode: 60, RefreshToken: 600, ClientCredentials: 300 },
    interactions: { url: (_ctx: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    findAccount: (_ctx: unknown, sub: string) => ({ accountId: sub, claims: () => ({ sub }) }),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      registration: { enabled: true },
      ...(options.documents === undefined
        ? {}
        : { clientIdMetadataDocument: { enabled: true, ack: "draft-02", allowFetch: async () => true } }),
      resourceIndicators: {
        enabled: true,
        useGrantedResource: async () => true,
        getResourceServerInfo: async (_ctx: unknown, resource: string) => ({
          scope: SCOPES.join(" "),
          audience: resource,
          accessTokenFormat: "jwt",
          accessTokenTTL: 300,
          jwt: { sign: { alg: "ES256" } },
        }),
      },
    },
    // Without the provider's own dispatcher, which refuses loopback addresses.
    fetch: async (url: URL | string) => options.documents?.(String(url)) ?? fetch(url),
  });
  for (const event of ["server_error", "authorization.error", "grant.error", "registration_create.error"])
    provider.on(event, (...values) =>
      faults.push(
        `${event}: ${values.map((value) => (value instanceof Error ? `${value.message} ${String(Reflect.get(value, "error_description"))}` : "")).join(" ")}`,
      ),
    );
  const callback = provider.callback();

  async function consent(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { params } = await provider.interactionDetails(req, res);
    if (req.method !== "POST") {
      res.setHeader("content-type", "text/html");
      res.end(`<form method="post" action="${req.url ?? ""}"><button>Allow ${String(params["client_id"])}</button></form>`);
      return;
    }
    const grant = new provider.Grant({ accountId: "person-1", clientId: String(params["client_id"]) });
    const asked = String(params["scope"] ?? "");
    grant.addOIDCScope(asked);
    grant.addResourceScope(String(params["resource"]), asked);
    const grantId = await grant.save();
    grants.push(grantId);
    const result = { login: { accountId: "person-1" }, consent: { grantId } };
    await provider.interactionFinished(req, res, result, { mergeWithLastSubmission: false });
  }

  /** Read beside the provider, which takes a body that was parsed before. */
  async function token(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body = await text(req);
    forms.push(new URLSearchParams(body));
    Reflect.set(req, "body", body);
    callback(req, res);
  }

  listener = (req, res) => {
    if ((req.url ?? "").startsWith("/interaction/"))
      return void consent(req, res).catch((error: unknown) => res.destroy(error instanceof Error ? error : undefined));
    if (req.method === "POST" && req.url === "/token") return void token(req, res);
    return callback(req, res);
  };
  return {
    issuer,
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: "as-1", alg: "ES256" }] },
    forms,
    faults,
    revokeGrants: async () => {
      for (const id of grants.splice(0)) await (await provider.Grant.find(id))?.destroy();
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
