import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { decodeJwt, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { z } from "zod";

/** What the test asks of oidc-provider, which has no types of its own. */
interface Provider {
  callback(): RequestListener;
  interactionFinished(req: IncomingMessage, res: ServerResponse, result: object, options?: object): Promise<void>;
  readonly Grant: new (about: object) => { addOIDCScope(scope: string): void; save(): Promise<string> };
  on(event: string, listener: (...values: unknown[]) => void): void;
}
type ProviderConstructor = new (issuer: string, configuration: object) => Provider;

/** A real OpenID provider on a loopback port; whoever comes is signed in as `account` without being asked. */
export interface TestIdentityProvider {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Who signs in next. */
  setAccount(subject: string): void;
  /** The ID token that it handed out last. */
  lastIdToken(): string;
  /** The provider's own session in it. */
  lastSid(): string;
  /** A logout token as the provider's own code makes it; with `deliver` it has been sent to the broker as well. */
  logoutToken(about: { readonly sub: string; readonly sid: string }): Promise<string>;
  /** Anything, signed with the provider's key. */
  sign(claims: JWTPayload, header?: Readonly<Record<string, string>>): Promise<string>;
  /** Follows a redirect as a browser with its own cookies would, until it leaves for the broker. */
  visit(url: string): Promise<string>;
  /** Failures that the provider itself reported. */
  readonly faults: string[];
  close(): Promise<void>;
}

const clientSchema = z.custom<{ backchannelLogout(sub: string, sid: string): Promise<void> }>((value) => typeof value === "object");
const providerModule = z.object({ default: z.custom<ProviderConstructor>((value) => typeof value === "function") });
const CLIENT = { clientId: "bailiwick", clientSecret: "a-secret-of-the-client-that-is-long-enough" };

export async function startIdentityProvider(
  brokerUrl: string,
  { port = 0, deliver = false }: { readonly port?: number; readonly deliver?: boolean } = {},
): Promise<TestIdentityProvider> {
  let account = "subject-1";
  let listener: RequestListener = (_req, res) => void res.end();
  const server = createServer((req, res) => listener(req, res));
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the test's identity provider has no port");
  const issuer = `http://localhost:${address.port}`;
  const faults: string[] = [];
  const specifier = "oidc-provider";
  const { default: OidcProvider } = providerModule.parse(await import(specifier));
  const captured: string[] = [];
  let idToken = "";
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  const provider = new OidcProvider(issuer, {
    clients: [
      {
        client_id: CLIENT.clientId,
        client_secret: CLIENT.clientSecret,
        redirect_uris: [`${brokerUrl}/sso/return`],
        backchannel_logout_uri: `${brokerUrl}/sso/back-channel-logout`,
        backchannel_logout_session_required: true,
      },
    ],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: "k1", use: "sig", alg: "RS256" }] },
    cookies: { keys: ["a key of the test's cookies"] },
    features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true } },
    ttl: { Interaction: 600, Grant: 600, Session: 600, AccessToken: 600, IdToken: 600 },
    pkce: { required: () => true },
    interactions: { url: (_ctx: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    findAccount: (_ctx: unknown, sub: string) => ({
      accountId: sub,
      claims: () => ({ sub, email: "lena@acme.example", email_verified: true }),
    }),
    loadExistingGrant: async (ctx: { oidc: { session: { accountId: string }; client: { clientId: string } } }) => {
      const grant = new provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope("openid");
      await grant.save();
      return grant;
    },
    // The token of a logout goes out by HTTP; here it is kept as well, so that a test can send it again or change it.
    fetch: async (url: URL | string, options: RequestInit) => {
      if (options.body instanceof URLSearchParams || typeof options.body === "string") {
        captured.push(new URLSearchParams(options.body.toString()).get("logout_token") ?? "");
      }
      // Without the provider's own dispatcher, which refuses loopback addresses.
      const { method, headers, body } = options;
      return deliver ? fetch(url, { method, headers, body } as RequestInit) : new Response(null, { status: 200 });
    },
  });
  for (const event of ["server_error", "authorization.error", "grant.error", "backchannel.error"]) {
    provider.on(event, (...values) => faults.push(`${event}: ${values.map(String).join(" ")}`));
  }
  provider.on("grant.success", (context) => {
    idToken = z.object({ body: z.object({ id_token: z.string() }) }).parse(context).body.id_token;
  });
  const callback = provider.callback();
  listener = (req, res) => {
    if (!(req.url ?? "").startsWith("/interaction/")) return callback(req, res);
    return void provider.interactionFinished(req, res, { login: { accountId: account } }, { mergeWithLastSubmission: false });
  };
  return {
    issuer,
    ...CLIENT,
    faults,
    setAccount: (subject) => {
      account = subject;
    },
    lastIdToken: () => idToken,
    lastSid: () => z.object({ sid: z.string() }).parse(decodeJwt(idToken)).sid,
    logoutToken: async ({ sub, sid }) => {
      const client = clientSchema.parse(await findClient(provider, CLIENT.clientId));
      await client.backchannelLogout(sub, sid);
      return captured.at(-1) ?? "";
    },
    sign: async (claims, header = {}) =>
      new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "k1", typ: "logout+jwt", ...header }).sign(privateKey),
    visit: async (url) => follow(url, issuer),
    close: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function findClient(provider: Provider, id: string): Promise<unknown> {
  const { Client } = z
    .object({ Client: z.custom<{ find(id: string): Promise<unknown> }>() })
    .parse({ Client: Reflect.get(provider, "Client") });
  return Client.find(id);
}

async function follow(start: string, issuer: string): Promise<string> {
  const cookies = new Map<string, string>();
  let url = start;
  for (let hops = 0; hops < 10 && url.startsWith(issuer); hops += 1) {
    const cookie = Array.from(cookies, ([name, value]) => `${name}=${value}`).join("; ");
    const answer = await fetch(url, { redirect: "manual", headers: { cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [pair = ""] = line.split(";");
      cookies.set(pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1));
    }
    const next = answer.headers.get("location");
    if (next === null) throw new Error(`the identity provider answered ${answer.status}: ${(await answer.text()).slice(0, 400)}`);
    url = new URL(next, url).href;
  }
  return url;
}
