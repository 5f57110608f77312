import { createHash, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import type { AgentConfig, Policy } from "@bailiwick/policy";
import { calculateJwkThumbprint, exportJWK, type JWK, SignJWT } from "jose";
import { signAccessToken } from "../../src/adapters/oauth/access-token.ts";
import { tokenExchange, type TokenExchangePorts } from "../../src/adapters/oauth/grants/token-exchange.ts";
import { issueSession, type SessionPorts, type SessionWish } from "../../src/adapters/oauth/issue-session.ts";
import { asSigningKey, type SigningKey } from "../../src/adapters/oauth/signing-key.ts";
import { createTokenVerifier } from "../../src/adapters/oauth/token-verifier.ts";
import { createDpopVerifier } from "../../src/adapters/sender-proof/dpop.ts";
import { sessionKeys } from "../../src/adapters/sender-proof/session-key.ts";
import type { SenderBinding, Session } from "../../src/domain/session.ts";
import { testStore, type TestStore } from "../support/store.ts";
import { companyWith, name } from "./company.ts";

export const ISSUER = "https://broker.example";
export const TOKEN_ENDPOINT = `${ISSUER}/oauth/token`;
export const realm = { issuer: ISSUER, audience: `${ISSUER}/mcp` };
export const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";

const BEARER: SenderBinding = { kind: "bearer" };

/** A P-256 key as a sender holds it. */
export interface SenderKey {
  readonly privateKey: KeyObject;
  readonly publicJwk: JWK;
  readonly jkt: string;
}

export interface Issued {
  readonly session: Session;
  readonly token: string;
}

/** The token exchange over a real store, without HTTP. */
export interface DelegationHouse {
  readonly opened: TestStore;
  readonly ports: TokenExchangePorts & SessionPorts;
  readonly signingKey: SigningKey;
  readonly keys: ReturnType<typeof sessionKeys>;
  now(): Date;
  moveBy(ms: number): void;
  setPolicy(policy: Policy): void;
  agent(bot: string, tenant?: string, environment?: string): AgentConfig;
  /** A root session of an agent. */
  root(bot: string, more?: Partial<SessionWish>): Promise<Issued>;
  /** What the token endpoint does for a token exchange, up to the token. */
  exchange(bot: string, subject: string, more?: Exchange): Promise<Issued>;
  tokenOf(session: Session): Promise<string>;
}

export interface Exchange {
  readonly form?: Readonly<Record<string, string>>;
  readonly binding?: SenderBinding;
  readonly tenant?: string;
  readonly environment?: string;
}

export async function openDelegationHouse(): Promise<DelegationHouse> {
  const opened = await testStore();
  const signingKey = await asSigningKey(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey);
  const keys = sessionKeys(randomBytes(32));
  let policy = companyWith();
  let shiftMs = 0;
  const now = (): Date => new Date(Date.now() + shiftMs);
  const ports: TokenExchangePorts & SessionPorts = {
    now,
    newId: (prefix) => `${prefix}_${randomBytes(16).toString("base64url")}`,
    policy: () => policy,
    sessions: opened.store.sessions,
    log: opened.store.log,
    token: createTokenVerifier({ ...realm, key: async (kid) => (kid === signingKey.kid ? signingKey.publicKey : undefined) }),
    spendDelegation: (id, expiresAt) =>
      opened.store.oauth.putNew({ kind: "ReplayDetection", id: `delegation ${id}`, payload: {}, expiresAt }),
    dpop: createDpopVerifier(),
    keys,
    tokenEndpoint: TOKEN_ENDPOINT,
    audience: realm.audience,
  };
  const agent = (bot: string, tenant?: string, environment?: string): AgentConfig => {
    const found = policy.agents.find((each) => each.name === name(bot, tenant, environment));
    if (found === undefined) throw new Error(`no agent ${bot}`);
    return found;
  };
  const tokenOf = (session: Session): Promise<string> => signAccessToken(signingKey, realm, session, ports.newId("tok"));
  const issue = async (wish: SessionWish): Promise<Issued> => {
    const session = await issueSession(ports, wish);
    return { session, token: await tokenOf(session) };
  };
  return {
    opened,
    ports,
    signingKey,
    keys,
    now,
    moveBy: (ms) => {
      shiftMs += ms;
    },
    setPolicy: (next) => {
      policy = next;
    },
    agent,
    tokenOf,
    root: (bot, more = {}) =>
      issue({
        agent: agent(bot),
        user: "ana",
        userProof: "asserted",
        task: "T-17",
        data: { ticket: "T-17" },
        scope: ["tickets:*"],
        rows: [],
        limits: {},
        grant: "client_credentials",
        binding: { kind: "bearer" },
        ...more,
      }),
    exchange: async (bot, subject, { form = {}, binding = BEARER, tenant, environment } = {}) =>
      issue(
        await tokenExchange(ports, {
          agent: agent(bot, tenant, environment),
          binding,
          form: { subject_token: subject, subject_token_type: ACCESS_TOKEN, ...form },
        }),
      ),
  };
}

export async function senderKey(): Promise<SenderKey> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { kty, crv, x, y } = await exportJWK(publicKey);
  const publicJwk: JWK = { kty: kty ?? "", crv: crv ?? "", x: x ?? "", y: y ?? "" };
  return { privateKey, publicJwk, jkt: await calculateJwkThumbprint(publicJwk) };
}

/** A delegation proof as docs/guide/delegation.md says. */
export async function delegationProof(
  key: SenderKey,
  token: string,
  claims: Readonly<Record<string, unknown>>,
  issuedAt = new Date(),
): Promise<string> {
  return new SignJWT({
    htm: "POST",
    htu: TOKEN_ENDPOINT,
    ath: createHash("sha256").update(token).digest("base64url"),
    jti: randomBytes(12).toString("hex"),
    ...claims,
  })
    .setProtectedHeader({ alg: "ES256", typ: "dpop+jwt", jwk: key.publicJwk })
    .setIssuedAt(Math.floor(issuedAt.getTime() / 1000))
    .sign(key.privateKey);
}
