import { createHash, createHmac, createPublicKey, generateKeyPairSync, hash, type KeyObject, randomUUID, sign } from "node:crypto";
import { calculateJwkThumbprint, EmbeddedJWK, type JWK, jwtVerify } from "jose";
import { signAccessToken } from "../../packages/broker/src/adapters/oauth/access-token.ts";
import { asSigningKey, type SigningKey } from "../../packages/broker/src/adapters/oauth/signing-key.ts";
import { createTokenVerifier } from "../../packages/broker/src/adapters/oauth/token-verifier.ts";
import { createDpopVerifier } from "../../packages/broker/src/adapters/sender-proof/dpop.ts";
import { bodyMatches } from "../../packages/broker/src/adapters/sender-proof/http-signature.ts";
import { sessionKeys } from "../../packages/broker/src/adapters/sender-proof/session-key.ts";
import { createSenderVerifier } from "../../packages/broker/src/adapters/sender-proof/verify-sender.ts";
import type { Presented } from "../../packages/broker/src/call/presented.ts";
import type { SenderBinding, Session } from "../../packages/broker/src/domain/session.ts";

/** One way to tell on each request who sends it. */
export interface SenderCheck {
  readonly name: string;
  /** Requests to check, each with a proof of its own, made beforehand. */
  prepare(count: number): Promise<readonly Presented[]>;
  /** Throws when the request is not its session's. */
  check(request: Presented): Promise<void>;
}

const URL_OF_MCP = "https://broker.example/mcp";
const REALM = { issuer: "https://broker.example", audience: URL_OF_MCP };
const BODY = Buffer.from(
  JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "get_ticket", arguments: { id: "T-17" } } }),
);
/** All proofs are of one moment, and so is the clock of the check: making them takes longer than they would live. */
const NOW = new Date(Math.floor(Date.now() / 1000) * 1000);

interface Sender {
  readonly key: KeyObject;
  readonly jwk: JWK;
  readonly jkt: string;
}

/** Our check for each binding, and the stateless one: token and proof verified by jose each time, nothing remembered. */
export async function senderChecks(): Promise<readonly SenderCheck[]> {
  const signing = await asSigningKey(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey);
  const sender = await newSender();
  const dpopToken = await tokenOf(signing, { kind: "dpop", jkt: sender.jkt });
  const proofs = async (count: number): Promise<readonly Presented[]> =>
    Array.from({ length: count }, () => ({
      token: dpopToken,
      scheme: "DPoP",
      method: "POST",
      url: URL_OF_MCP,
      dpop: proofOf(sender, dpopToken),
    }));
  const hmacToken = await tokenOf(signing, { kind: "hmac" });
  const certificate = hash("sha256", "certificate", "base64url");
  const mtlsToken = await tokenOf(signing, { kind: "mtls", x5t: certificate });
  const bearerToken = await tokenOf(signing, { kind: "bearer" });
  const same =
    (request: Presented) =>
    async (count: number): Promise<readonly Presented[]> =>
      Array.from({ length: count }, () => ({ ...request }));
  const plain = { scheme: "Bearer", method: "POST", url: URL_OF_MCP } as const;
  return [
    { name: "jose, stateless, DPoP", prepare: proofs, check: (request) => checkStateless(signing, sender.jkt, request) },
    { name: "bearer", prepare: same({ ...plain, token: bearerToken }), check: ours(signing) },
    { name: "mTLS thumbprint", prepare: same({ ...plain, token: mtlsToken, certificate }), check: ours(signing) },
    {
      name: "RFC 9421 HMAC with body digest",
      prepare: async (count) => Array.from({ length: count }, () => ({ ...plain, token: hmacToken, signature: signatureOf(hmacToken) })),
      check: ours(signing, (request) => {
        if (!bodyMatches(request, BODY)) throw new Error("the body is another");
      }),
    },
    { name: "DPoP", prepare: proofs, check: ours(signing) },
  ];
}

const KEYS = sessionKeys(new Uint8Array(32).fill(3));

function ours(signing: SigningKey, also: (request: Presented) => void = () => undefined): SenderCheck["check"] {
  const verifier = createSenderVerifier({
    token: createTokenVerifier({ ...REALM, key: async (kid) => (kid === signing.kid ? signing.publicKey : undefined) }),
    dpop: createDpopVerifier(),
    keys: KEYS,
  });
  return async (request) => {
    await verifier.verify(request, NOW);
    also(request);
  };
}

async function checkStateless(signing: SigningKey, jkt: string, { token = "", dpop = "" }: Presented): Promise<void> {
  const options = { currentDate: NOW, issuer: REALM.issuer, audience: REALM.audience, algorithms: ["ES256"], typ: "at+jwt" };
  const { payload } = await jwtVerify(token, signing.publicKey, options);
  const proof = await jwtVerify(dpop, EmbeddedJWK, { currentDate: NOW, typ: "dpop+jwt", algorithms: ["ES256"], maxTokenAge: 60 });
  const { jwk } = proof.protectedHeader;
  if (jwk === undefined || (await calculateJwkThumbprint(jwk)) !== jkt || JSON.stringify(payload["cnf"]) !== JSON.stringify({ jkt }))
    throw new Error("the proof is of another key");
  if (proof.payload["ath"] !== hash("sha256", token, "base64url") || proof.payload["htu"] !== URL_OF_MCP)
    throw new Error("the proof is for another request");
}

async function newSender(): Promise<Sender> {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { kty = "", crv = "", x = "", y = "" } = createPublicKey(privateKey).export({ format: "jwk" });
  const jwk = { kty, crv, x, y };
  return { key: privateKey, jwk, jkt: await calculateJwkThumbprint(jwk) };
}

function tokenOf(signing: SigningKey, binding: SenderBinding): Promise<string> {
  const session: Session = {
    id: "ses_1",
    tenant: "acme",
    environment: "prod",
    workflow: "helpdesk",
    agent: "bailiwick://acme/prod/helpdesk/support",
    user: "ana",
    userProof: "asserted",
    task: "T-17",
    run: "ses_1",
    data: {},
    scope: ["tickets:*"],
    rows: [],
    limits: {},
    grant: "client_credentials",
    binding,
    lineage: [],
    actors: [],
    issuedAt: NOW,
    expiresAt: new Date(NOW.getTime() + 300_000),
  };
  return signAccessToken(signing, REALM, session, "tok_1");
}

function proofOf({ key, jwk }: Sender, token: string): string {
  const head = encode({ typ: "dpop+jwt", alg: "ES256", jwk });
  const claims = { jti: randomUUID(), htm: "POST", htu: URL_OF_MCP, iat: NOW.getTime() / 1000, ath: hash("sha256", token, "base64url") };
  const input = `${head}.${encode(claims)}`;
  return `${input}.${sign("sha256", Buffer.from(input), { key, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

function signatureOf(token: string): NonNullable<Presented["signature"]> {
  const contentDigest = `sha-256=:${createHash("sha256").update(BODY).digest("base64")}:`;
  const list = '("@method" "@target-uri" "authorization" "content-digest")';
  const parameters = `${list};created=${NOW.getTime() / 1000};nonce="${randomUUID()}";alg="hmac-sha256";keyid="session"`;
  const base = `"@method": POST\n"@target-uri": ${URL_OF_MCP}\n"authorization": Bearer ${token}\n"content-digest": ${contentDigest}\n"@signature-params": ${parameters}`;
  const value = createHmac("sha256", KEYS.of("acme", "ses_1")).update(base).digest("base64");
  return { input: `sig=${parameters}`, value: `sig=:${value}:`, contentDigest };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
