import { hash, type KeyObject } from "node:crypto";
import type { AssertionAlgorithm, AssertionKind, PartnerConfig, Policy } from "@bailiwick/policy";
import { decodeJwt, decodeProtectedHeader, errors, jwtVerify, type JWTPayload, type ProtectedHeaderParameters } from "jose";
import { speaksOf } from "../../domain/partner.ts";
import { OAuthError } from "../oauth/oauth-error.ts";
import { type AssertionClaims, readClaims } from "./assertion-claims.ts";
import { PartnerUnavailable } from "./metadata.ts";
import type { PartnerKeys } from "./partner-keys.ts";

export interface AssertionPorts {
  now(): Date;
  /** @throws when no policy is in force. */
  policy(): Pick<Policy, "partners">;
  readonly keys: PartnerKeys;
  readonly realm: { readonly issuer: string; readonly audience: string };
  readonly tokenEndpoint: string;
  /** Records an assertion's id over all brokers; false when it was seen before. */
  useAssertion(partner: string, id: string, expiresAt: Date): Promise<boolean>;
  /** Told of an assertion that was valid and used before: someone holds a copy. */
  onReplay(partner: PartnerConfig, subject: string): Promise<void>;
  /** Told why a partner's keys could not be had; the client is told less. */
  onFault(error: unknown): void;
}

/** An assertion that holds and that was not used before. */
export interface VerifiedAssertion {
  readonly partner: PartnerConfig;
  readonly kind: AssertionKind;
  readonly claims: AssertionClaims;
  readonly expiresAt: Date;
}

/** How far a partner's clock may run ahead of ours. */
export const PARTNER_SKEW_MS = 5_000;
/** An assertion is made for one exchange; one that would live longer was not. */
export const MAX_GRANT_AHEAD_MS = 5 * 60_000;
/** Workloads get their documents from a platform that renews them, at most hourly. */
export const MAX_WORKLOAD_AHEAD_MS = 60 * 60_000;
/** An assertion with an actor chain has one or two thousand characters. */
const MAX_ASSERTION_CHARS = 8_192;
/** draft-ietf-oauth-identity-assertion-authz-grant section 3. */
const ID_JAG_TYPE = "oauth-id-jag+jwt";
export const PLAIN_TYPES: readonly (string | undefined)[] = [undefined, "JWT"];
const ALGORITHMS: readonly string[] = ["ES256", "RS256", "PS256", "EdDSA"] satisfies readonly AssertionAlgorithm[];

/**
 * Verifies a partner's assertion (RFC 7523 section 3): of a partner of the policy, of a kind it may send, signed by its key with an
 * algorithm it may use, meant for us, of now, of a subject it may speak of, and never seen before on any broker.
 * `client` is the authenticated client, whose name an ID-JAG must bear.
 * @throws OAuthError `invalid_grant`; `temporarily_unavailable` when the partner's keys cannot be had; Fault when the store cannot be.
 */
export async function verifyAssertion(ports: AssertionPorts, assertion: string, client: string | undefined): Promise<VerifiedAssertion> {
  const { header, said } = decoded(assertion);
  const { partner, kind } = recognized(ports.policy().partners, header, said, client !== undefined);
  const key = await keyOf(ports, partner, kind, header);
  const now = ports.now();
  const claims = readClaims(await verified(ports, assertion, key, partner, kind, now));
  requireTimes(claims, kind, now);
  if (!speaksOf(partner, claims.sub))
    throw invalid("is of a subject that this partner may not speak of; its patterns are in partners.yaml");
  if (kind === "id-jag" && (client === undefined || claims.client_id !== client))
    throw invalid("is for another client (`client_id`) than the one that authenticated");
  if (claims.resource !== undefined && claims.resource.some((each) => each !== ports.realm.audience))
    throw invalid(`is for another resource than \`${ports.realm.audience}\``);
  const expiresAt = new Date(claims.exp * 1000);
  await spend(ports, partner, kind, claims, assertion, expiresAt);
  return { partner, kind, claims, expiresAt };
}

function decoded(assertion: string): { readonly header: ProtectedHeaderParameters; readonly said: JWTPayload } {
  if (assertion.length > MAX_ASSERTION_CHARS) throw invalid(`has more than ${MAX_ASSERTION_CHARS} characters`);
  try {
    return { header: decodeProtectedHeader(assertion), said: decodeJwt(assertion) };
  } catch {
    throw invalid("is no signed JWT");
  }
}

/** Which partner, by what the assertion says of itself; its key then has to prove it. */
function recognized(
  partners: readonly PartnerConfig[],
  header: ProtectedHeaderParameters,
  said: JWTPayload,
  withClient: boolean,
): { readonly partner: PartnerConfig; readonly kind: AssertionKind } {
  const domain =
    typeof said.sub === "string" && said.sub.startsWith("spiffe://") ? said.sub.slice("spiffe://".length).split("/", 1)[0] : undefined;
  const bySpiffe = domain === undefined ? undefined : partners.find(({ spiffe }) => spiffe?.trustDomain === domain);
  const partner = bySpiffe ?? partners.find(({ issuer }) => issuer === said.iss);
  if (partner === undefined) throw invalid("is of an issuer that is no partner here");
  const kind = kindOf(header.typ, bySpiffe !== undefined, withClient);
  if (kind === undefined) throw invalid("has a `typ` that no assertion has");
  if (!partner.kinds.includes(kind)) throw invalid(`is of the kind \`${kind}\`, which partner \`${partner.name}\` may not send`);
  return { partner, kind };
}

/** A client that authenticated hands in what another server gave it for the user; without one the workload speaks for itself. */
function kindOf(typ: string | undefined, spiffe: boolean, withClient: boolean): AssertionKind | undefined {
  if (typ === ID_JAG_TYPE) return "id-jag";
  if (!PLAIN_TYPES.includes(typ)) return undefined;
  if (spiffe) return "jwt-svid";
  return withClient ? "identity-chaining" : "workload";
}

async function keyOf(
  ports: AssertionPorts,
  partner: PartnerConfig,
  kind: AssertionKind,
  header: ProtectedHeaderParameters,
): Promise<KeyObject> {
  const alg = partner.algorithms.find((each) => each === header.alg);
  if (alg === undefined || !ALGORITHMS.includes(alg))
    throw invalid(`is not signed with an algorithm of this partner (${partner.algorithms.join(", ")})`);
  try {
    const key = await ports.keys.find(partner, signerOf(kind), { kid: header.kid, alg });
    if (key !== undefined) return key;
  } catch (error) {
    if (!(error instanceof PartnerUnavailable)) throw error;
    ports.onFault(error);
    throw new OAuthError(
      "temporarily_unavailable",
      `the keys of partner \`${partner.name}\` cannot be had now; its operator here finds the cause in the log`,
    );
  }
  throw invalid(`is not signed with a key of partner \`${partner.name}\``);
}

async function verified(
  ports: AssertionPorts,
  assertion: string,
  key: KeyObject,
  partner: PartnerConfig,
  kind: AssertionKind,
  now: Date,
): Promise<JWTPayload> {
  const own = kind === "jwt-svid" ? {} : { issuer: partner.issuer };
  try {
    const { payload } = await jwtVerify(assertion, key, {
      ...own,
      algorithms: [...partner.algorithms],
      requiredClaims: ["sub", "aud", "exp"],
      currentDate: now,
      clockTolerance: PARTNER_SKEW_MS / 1000,
    });
    requireAudience(ports, payload.aud, kind);
    return payload;
  } catch (error) {
    if (error instanceof OAuthError) throw error;
    if (error instanceof errors.JWTExpired) throw invalid("has expired");
    if (error instanceof errors.JWTClaimValidationFailed) throw invalid(`has a \`${error.claim}\` that is missing or not right`);
    throw invalid(`is not signed with a key of partner \`${partner.name}\``);
  }
}

/** One audience only: an assertion that is also for somebody else could be handed on by them. */
function requireAudience({ realm, tokenEndpoint }: AssertionPorts, aud: JWTPayload["aud"], kind: AssertionKind): void {
  const audience = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud;
  if (audience === realm.issuer || (kind !== "id-jag" && audience === tokenEndpoint)) return;
  throw invalid(`is not for \`${realm.issuer}\` and nobody else (\`aud\`)`);
}

function requireTimes({ exp, iat, jti }: AssertionClaims, kind: AssertionKind, now: Date): void {
  const grant = kind === "id-jag" || kind === "identity-chaining";
  const latest = now.getTime() + (grant ? MAX_GRANT_AHEAD_MS : MAX_WORKLOAD_AHEAD_MS) + PARTNER_SKEW_MS;
  if (exp * 1000 > latest) throw invalid("lives longer than an assertion may");
  if (iat !== undefined && iat * 1000 > now.getTime() + PARTNER_SKEW_MS)
    throw invalid("was issued in the future; check the partner's clock");
  if (grant && iat === undefined) throw invalid("does not say when it was issued (`iat`)");
  if (grant && jti === undefined) throw invalid("has no `jti`, so that its use could not be remembered");
}

type Signer = "issuer" | "spiffe";

function signerOf(kind: AssertionKind): Signer {
  return kind === "jwt-svid" ? "spiffe" : "issuer";
}

/**
 * By what a JWT is known as used. What it was used as is no part of it: one JWT could pass as a workload's own, as a client's grant and as a
 * client assertion, and must count once. A `jti` is its signer's own (RFC 7519 section 4.1.7).
 */
export function spentId(signer: Signer, jti: string): string {
  return hash("sha256", `${signer} ${jti}`, "base64url");
}

/** What has no `jti` (a JWT-SVID need not) is known by its whole text. */
async function spend(
  ports: AssertionPorts,
  partner: PartnerConfig,
  kind: AssertionKind,
  { jti, sub }: AssertionClaims,
  assertion: string,
  expiresAt: Date,
): Promise<void> {
  const id = jti === undefined ? hash("sha256", `text ${signedPart(assertion)}`, "base64url") : spentId(signerOf(kind), jti);
  if (await ports.useAssertion(partner.name, id, new Date(expiresAt.getTime() + PARTNER_SKEW_MS))) return;
  await ports.onReplay(partner, sub);
  throw invalid("was used before; get a new one for each session");
}

/** Without the signature: an ECDSA one can be changed into another that verifies too. */
function signedPart(assertion: string): string {
  return assertion.slice(0, assertion.lastIndexOf("."));
}

function invalid(why: string): OAuthError {
  return new OAuthError("invalid_grant", `the assertion ${why}; see docs/spec/federation.md`);
}
