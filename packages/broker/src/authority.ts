import { hkdfSync } from "node:crypto";
import { join } from "node:path";
import type { PartnerConfig, Policy } from "@bailiwick/policy";
import { createPartnerKeys } from "./adapters/federation/partner-keys.ts";
import type { JwtBearerPorts } from "./adapters/oauth/grants/jwt-bearer.ts";
import { createOwnSessions, isOwnSessionsPath } from "./adapters/oauth/own-sessions.ts";
import { createOAuthServer, type OAuthServer } from "./adapters/oauth/oauth-server.ts";
import { tokenEndpoint } from "./adapters/oauth/oauth-ports.ts";
import { openSigningKeys, type SigningKeys } from "./adapters/oauth/signing-keys.ts";
import { createTokenVerifier } from "./adapters/oauth/token-verifier.ts";
import { createGuardedFetch, type GuardedFetch } from "./adapters/outbound/guarded-fetch.ts";
import { peopleOrigins } from "./adapters/rest/relying-party.ts";
import { createDpopVerifier } from "./adapters/sender-proof/dpop.ts";
import { createReplaySet } from "./adapters/sender-proof/replay-set.ts";
import { sessionKeys } from "./adapters/sender-proof/session-key.ts";
import { createSenderVerifier, PROOF_WINDOW_MS } from "./adapters/sender-proof/verify-sender.ts";
import type { Store } from "./adapters/store/index.ts";
import { randomId } from "./adapters/system/random.ts";
import type { SenderVerifier } from "./call/ports.ts";
import { adminRecord } from "./domain/admin-record.ts";

export interface AuthorityParts {
  readonly store: Store;
  policy(): Policy;
  readonly environment: (name: string) => string | undefined;
  now(): Date;
  readonly rootKey: Uint8Array;
  /** Holds the signing key of brokers before this version. */
  readonly dataFolder: string;
  /** The URL under which agents reach this broker, without a trailing slash. */
  readonly url: string;
  onFault(error: unknown): void;
}

/** Who may call: sessions are opened here, and each call's token and proof are checked. */
export interface Authority {
  readonly oauth: OAuthServer;
  readonly senders: SenderVerifier;
  readonly signingKeys: SigningKeys;
  /** For addresses that somebody else chose. */
  readonly fetch: GuardedFetch;
}

/** @throws Error when a stored signing key does not open with this root key; Fault `store_unavailable`. */
export async function openAuthority(parts: AuthorityParts): Promise<Authority> {
  const { store, policy, environment, now, rootKey, dataFolder, url, onFault } = parts;
  const realm = { issuer: url, audience: `${url}/mcp` };
  const signingKeys = await openSigningKeys({ store: store.signingKeys, rootKey, now, file: join(dataFolder, "signing.key") });
  const keys = sessionKeys(derived(rootKey, "bailiwick/session-key/v1"));
  const dpop = createDpopVerifier();
  const token = createTokenVerifier({ ...realm, key: (kid) => signingKeys.publicKey(kid) });
  const fetch = createGuardedFetch({ allowLoopback: environment("BAILIWICK_ALLOW_LOOPBACK_FETCH") === "true" });
  const oauth = createOAuthServer({
    realm,
    signingKeys,
    now: () => now(),
    newId: randomId,
    policy: () => policy(),
    sessions: store.sessions,
    agentKeys: store.agentKeys,
    stops: store.stops,
    entities: store.oauth,
    people: store.people,
    attempt: store.signIn.attempt,
    origins: peopleOrigins(url),
    log: store.log,
    dpop,
    proofs: createReplaySet(PROOF_WINDOW_MS),
    sessionKeys: keys,
    token,
    secret: derived(rootKey, "bailiwick/oauth/v1"),
    fetch,
    federation: federation(parts, fetch),
    onFault,
  });
  const senders = createSenderVerifier({ token, dpop, keys });
  const own = createOwnSessions({
    issuer: url,
    now: () => now(),
    policy: () => policy(),
    senders,
    sessions: store.sessions,
    log: store.log,
    onFault,
  });
  return { oauth: withOwnSessions(oauth, own), senders, signingKeys, fetch };
}

function withOwnSessions(oauth: OAuthServer, own: ReturnType<typeof createOwnSessions>): OAuthServer {
  return {
    owns: (path) => isOwnSessionsPath(path) || oauth.owns(path),
    handle: (req, res) => (isOwnSessionsPath((req.url ?? "").split("?", 1)[0] ?? "") ? void own(req, res) : oauth.handle(req, res)),
  };
}

function federation({ store, policy, now, url, onFault }: AuthorityParts, fetch: GuardedFetch): JwtBearerPorts {
  const realm = { issuer: url, audience: `${url}/mcp` };
  return {
    now: () => now(),
    policy: () => policy(),
    sessions: store.sessions,
    keys: createPartnerKeys(fetch, () => performance.now()),
    realm,
    tokenEndpoint: tokenEndpoint(realm),
    useAssertion: (partner, id, expiresAt) =>
      store.oauth.putNew({ kind: "ReplayDetection", id: `assertion ${partner} ${id}`, payload: {}, expiresAt }),
    onReplay: (partner, subject) => recordReplay(store, now(), partner, subject),
    onFault,
  };
}

/** Somebody holds a copy of a partner's assertion: every tenant that partner reaches is told. */
async function recordReplay(store: Store, at: Date, partner: PartnerConfig, subject: string): Promise<void> {
  // Which tenant it was for is not known of a replay: of several, none is told another one's users.
  const told = partner.tenants.length === 1 && subject !== partner.issuer;
  for (const tenant of partner.tenants) {
    await store.log.append(
      tenant,
      adminRecord({
        at,
        event: "assertion.replay",
        by: { named: partner.issuer },
        callId: randomId("tok"),
        // As the sessions of this partner name them.
        user: told ? `${partner.name}:${subject}` : undefined,
        body: { partner: partner.name },
      }),
    );
  }
}

function derived(rootKey: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", rootKey, new Uint8Array(0), purpose, 32));
}
