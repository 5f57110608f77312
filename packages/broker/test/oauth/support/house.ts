import { generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { formatDiagnostic, load, type Policy } from "@bailiwick/policy";
import { calculateJwkThumbprint, exportJWK, SignJWT } from "jose";
import { createPartnerKeys } from "../../../src/adapters/federation/partner-keys.ts";
import { createOAuthServer } from "../../../src/adapters/oauth/oauth-server.ts";
import type { OAuthPorts } from "../../../src/adapters/oauth/oauth-ports.ts";
import { openSigningKeys, type SigningKeys } from "../../../src/adapters/oauth/signing-keys.ts";
import { createTokenVerifier } from "../../../src/adapters/oauth/token-verifier.ts";
import { createGuardedFetch } from "../../../src/adapters/outbound/guarded-fetch.ts";
import { peopleOrigins, peopleUrl } from "../../../src/adapters/rest/relying-party.ts";
import { secretHash } from "../../../src/adapters/rest/signed-in.ts";
import { createDpopVerifier } from "../../../src/adapters/sender-proof/dpop.ts";
import { createReplaySet } from "../../../src/adapters/sender-proof/replay-set.ts";
import { sessionKeys } from "../../../src/adapters/sender-proof/session-key.ts";
import { PROOF_WINDOW_MS } from "../../../src/adapters/sender-proof/verify-sender.ts";
import { PERSON_COOKIE, PERSON_TOKEN_PREFIX } from "../../../src/rest-contract/names.ts";
import { companyFiles } from "../../people-support/company.ts";
import { openRestHouse, type RestHouse } from "../../people-support/rest.ts";

export const AGENT = "bailiwick://acme/prod/support/support-bot";
export const DEV_AGENT = "bailiwick://acme/dev/support/support-bot";
export const JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** The company, in which support leads may let any OAuth client act as the support agent. */
export const openCompany: Policy = companyWith("clients: { people: [support-lead] }");

/** The company with lines added to its agent's file. */
export function companyWith(lines: string): Policy {
  const result = load(
    companyFiles.map((file) => (file.path === "agents/support.yaml" ? { ...file, text: `${file.text}${lines}\n` } : file)),
  );
  if (result.ok) return result.policy;
  throw new Error(result.diagnostics.map(formatDiagnostic).join("\n"));
}

export interface AssertionOptions {
  readonly name?: string;
  readonly iss?: string;
  readonly audience?: string | string[];
  readonly aheadSeconds?: number;
  readonly issuedAheadSeconds?: number;
  readonly jti?: string;
  readonly key?: KeyObject;
  readonly kid?: string;
}

/** The OAuth server and the people's interface on one real port, over a real store. */
export interface OAuthHouse {
  readonly url: string;
  /** Where a browser of a person is. */
  readonly peopleUrl: string;
  readonly endpoint: string;
  readonly rest: RestHouse;
  readonly store: RestHouse["store"];
  readonly signingKeys: SigningKeys;
  readonly ports: OAuthPorts;
  readonly faults: unknown[];
  policy: Policy;
  /** Answers this path from now on. */
  mount(path: string, handler: RequestListener): void;
  /** Registers a fresh key for an agent and returns its private half; the first one also signs by default. */
  register(agent?: string): Promise<KeyObject>;
  assertion(options?: AssertionOptions): Promise<string>;
  /** A complete client_credentials form. */
  form(more?: Record<string, string>, options?: AssertionOptions): Promise<Record<string, string>>;
  post(path: string, fields: Record<string, string> | string, headers?: Record<string, string>): Promise<Response>;
  token(fields: Record<string, string> | string, headers?: Record<string, string>): Promise<Response>;
  /** The cookie of a person who is signed in. */
  cookieOf(person: string): Promise<string>;
  close(): Promise<void>;
}

export async function openOAuthHouse(overrides: (ports: OAuthPorts) => Partial<OAuthPorts> = () => ({})): Promise<OAuthHouse> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the test server has no port");
  const url = `http://127.0.0.1:${address.port}`;
  const faults: unknown[] = [];
  const house = { policy: openCompany };
  const rest = await openRestHouse({ publicUrl: url, origins: peopleOrigins(url), policy: () => house.policy });
  const { store } = rest;
  const signingKeys = await openSigningKeys({ store: store.signingKeys, rootKey: Buffer.alloc(32, 1), now: () => new Date() });
  const realm = { issuer: url, audience: `${url}/mcp` };
  const endpoint = `${url}/oauth/token`;
  const fetchGuarded = createGuardedFetch();
  const base: OAuthPorts = {
    realm,
    signingKeys,
    now: () => new Date(),
    newId: (prefix) => `${prefix}_${randomBytes(16).toString("base64url")}`,
    policy: () => house.policy,
    sessions: store.sessions,
    agentKeys: store.agentKeys,
    stops: store.stops,
    entities: store.oauth,
    people: store.people,
    attempt: store.signIn.attempt,
    origins: peopleOrigins(url),
    log: store.log,
    dpop: createDpopVerifier(),
    proofs: createReplaySet(PROOF_WINDOW_MS),
    sessionKeys: sessionKeys(Buffer.alloc(32, 2)),
    token: createTokenVerifier({ ...realm, key: (kid) => signingKeys.publicKey(kid) }),
    secret: Buffer.alloc(32, 3),
    fetch: fetchGuarded,
    federation: {
      now: () => new Date(),
      policy: () => house.policy,
      sessions: store.sessions,
      keys: createPartnerKeys(fetchGuarded, () => performance.now()),
      realm,
      tokenEndpoint: endpoint,
      useAssertion: async () => true,
      onReplay: async () => undefined,
      onFault: (error) => faults.push(error),
    },
    onFault: (error) => faults.push(error),
  };
  const ports = { ...base, ...overrides(base) };
  const oauth = createOAuthServer(ports);
  const mounts = new Map<string, RequestListener>();
  const people = getRequestListener((request) => rest.app.fetch(request));
  server.on("request", (req, res) => {
    const path = (req.url ?? "/").split("?")[0] ?? "/";
    const mounted = mounts.get(path);
    if (mounted !== undefined) mounted(req, res);
    else if (oauth.owns(path)) oauth.handle(req, res);
    else void people(req, res);
  });
  let agentKey: KeyObject | undefined;

  async function register(agent = AGENT): Promise<KeyObject> {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const jwk = await exportJWK(publicKey);
    const publicJwk = { kty: "EC", crv: "P-256", x: jwk.x ?? "", y: jwk.y ?? "" };
    const tenant = new URL(agent).host;
    const thumbprint = await calculateJwkThumbprint(publicJwk);
    await store.agentKeys.add({ agent, tenant, thumbprint, publicJwk, status: "active", addedAt: new Date() });
    agentKey ??= privateKey;
    return privateKey;
  }

  async function assertion(options: AssertionOptions = {}): Promise<string> {
    const key = options.key ?? agentKey ?? (await register());
    const name = options.name ?? AGENT;
    const now = Math.floor(Date.now() / 1000);
    const jwt = new SignJWT({})
      .setProtectedHeader({ alg: "ES256", ...(options.kid === undefined ? {} : { kid: options.kid }) })
      .setIssuer(options.iss ?? name)
      .setSubject(name)
      .setAudience(options.audience ?? endpoint)
      .setExpirationTime(now + (options.aheadSeconds ?? 50))
      .setJti(options.jti ?? randomBytes(12).toString("hex"));
    if (options.issuedAheadSeconds !== undefined) jwt.setIssuedAt(now + options.issuedAheadSeconds);
    return jwt.sign(key);
  }

  const post: OAuthHouse["post"] = (path, fields, headers = {}) =>
    fetch(`${url}${path}`, {
      method: "POST",
      redirect: "manual",
      body: typeof fields === "string" ? fields : new URLSearchParams(fields).toString(),
      headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    });

  return Object.assign(house, {
    url,
    peopleUrl: peopleUrl(url),
    endpoint,
    rest,
    store,
    signingKeys,
    ports,
    faults,
    mount: (path: string, handler: RequestListener) => void mounts.set(path, handler),
    register,
    assertion,
    form: async (more: Record<string, string> = {}, options: AssertionOptions = {}) => ({
      grant_type: "client_credentials",
      client_assertion_type: JWT_BEARER,
      client_assertion: await assertion(options),
      user: "ana",
      task: "T-17",
      ...more,
    }),
    post,
    token: (fields: Record<string, string> | string, headers?: Record<string, string>) => post("/oauth/token", fields, headers),
    cookieOf: async (person: string) => {
      const token = `${PERSON_TOKEN_PREFIX}${randomBytes(32).toString("base64url")}`;
      const expiresAt = new Date(Date.now() + 60 * 60 * 1000);
      await store.people.createSession({ tokenHash: secretHash(token), person, via: "login-link", expiresAt });
      return `${PERSON_COOKIE}=${token}`;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await rest.close();
    },
  });
}
