import { hkdfSync, randomBytes } from "node:crypto";
import type { JsonObject, Policy } from "@bailiwick/policy";
import { SignJWT } from "jose";
import { cachedCredentials } from "./adapters/cache/credential-cache.ts";
import type { SigningKeys } from "./adapters/oauth/signing-keys.ts";
import type { GuardedFetch } from "./adapters/outbound/guarded-fetch.ts";
import { peopleUrl } from "./adapters/rest/relying-party.ts";
import type { Store } from "./adapters/store/index.ts";
import { createToolAccess } from "./adapters/tool-oauth/connect.ts";
import { serverFinder } from "./adapters/tool-oauth/find-server.ts";
import type { ToolOAuthPorts } from "./adapters/tool-oauth/ports.ts";
import { withToolTokens } from "./adapters/tool-oauth/tool-credentials.ts";
import type { CredentialOpener } from "./domain/credential.ts";
import type { ToolAccess } from "./domain/tool-access.ts";

export interface ToolTokenParts {
  readonly store: Pick<Store, "credentials" | "oauth" | "log" | "onCredentialChanged">;
  policy(): Policy;
  now(): Date;
  readonly environment: (name: string) => string | undefined;
  readonly rootKey: Uint8Array;
  /** The broker's public URL, without a trailing slash. */
  readonly url: string;
  readonly authority: { readonly signingKeys: Pick<SigningKeys, "active">; readonly fetch: GuardedFetch };
}

/** The broker as an OAuth client of tools' servers. */
export interface ToolTokens {
  /** `others`, and the credentials that are tokens of tools' servers. */
  readonly opener: CredentialOpener;
  readonly access: ToolAccess;
}

/** Signed, sent and used in one go. */
const ASSERTION_SECONDS = 50;

export function openToolTokens(parts: ToolTokenParts, others: CredentialOpener): ToolTokens {
  const { store, policy, now, environment, rootKey, url, authority } = parts;
  const nowMs = (): number => performance.now();
  const people = peopleUrl(url);
  const redirectUri = `${people}/oauth/tool-callback`;
  const ports: ToolOAuthPorts = {
    policy: () => policy(),
    now: () => now(),
    environment,
    log: store.log,
    fetch: authority.fetch,
    find: serverFinder(authority.fetch, nowMs),
    store: store.credentials,
    stored: cachedCredentials(store.credentials, nowMs, store),
    assertion: (clientId, audience) => assertion(parts, clientId, audience),
  };
  const documents = clientDocuments(url, redirectUri);
  const access = createToolAccess({
    ...ports,
    // Servers fetch a client id metadata document by https only (draft-ietf-oauth-client-id-metadata-document, section 3).
    self: url.startsWith("https:") ? { redirectUri, documents: { signing: `${url}${SIGNING}`, open: `${url}${OPEN}` } } : { redirectUri },
    people,
    key: new Uint8Array(hkdfSync("sha256", rootKey, new Uint8Array(0), "bailiwick/tool-connect/v1", 32)),
    random: (bytes) => randomBytes(bytes),
    spend: (name, expiresAt) => store.oauth.putNew({ kind: "ReplayDetection", id: name, payload: {}, expiresAt }),
    documents,
  });
  return { opener: withToolTokens(ports, others), access };
}

const SIGNING = "/oauth/client.json";
const OPEN = "/oauth/public-client.json";

/** Two documents, because a client has one way to prove itself and not every server takes signed assertions. */
function clientDocuments(url: string, redirectUri: string): ReadonlyMap<string, JsonObject> {
  const shared = {
    client_name: "Bailiwick",
    client_uri: url,
    redirect_uris: [redirectUri],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    application_type: "web",
  };
  const signing = {
    token_endpoint_auth_method: "private_key_jwt",
    token_endpoint_auth_signing_alg: "ES256",
    jwks_uri: `${url}/.well-known/jwks.json`,
  };
  return new Map<string, JsonObject>([
    [SIGNING, { client_id: `${url}${SIGNING}`, ...shared, ...signing }],
    [OPEN, { client_id: `${url}${OPEN}`, ...shared, token_endpoint_auth_method: "none" }],
  ]);
}

/** `private_key_jwt` (RFC 7523 section 2.2) with the key that also signs agents' tokens; its public half is in our key set. */
async function assertion({ authority, now }: ToolTokenParts, clientId: string, audience: string): Promise<string> {
  const { kid, privateKey } = await authority.signingKeys.active();
  const at = Math.floor(now().getTime() / 1000);
  return new SignJWT({})
    .setProtectedHeader({ alg: "ES256", typ: "JWT", kid })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(audience)
    .setJti(randomBytes(16).toString("base64url"))
    .setIssuedAt(at)
    .setExpirationTime(at + ASSERTION_SECONDS)
    .sign(privateKey);
}
