import type { PartnerConfig } from "@bailiwick/policy";
import { decodeJwt, decodeProtectedHeader, errors, jwtVerify } from "jose";
import { OAuthError } from "../oauth/oauth-error.ts";
import { PartnerUnavailable } from "./metadata.ts";
import type { AssertionPorts } from "./verify-assertion.ts";
import { PARTNER_SKEW_MS, PLAIN_TYPES, spentId } from "./verify-assertion.ts";

/** A client assertion may expire at most this far ahead, as those of agents. */
const MAX_AHEAD_MS = 60_000;
const MAX_ASSERTION_CHARS = 8_192;
/** Beside the plain ones that of draft-ietf-oauth-rfc7523bis. An ID-JAG about the partner's server has the same claims. */
const CLIENT_TYPES: readonly (string | undefined)[] = [...PLAIN_TYPES, "client-authentication+jwt"];

/** Whether a client assertion claims to be of a partner: those are not of an agent, and are verified with the partner's keys. */
export function claimsPartner(ports: Pick<AssertionPorts, "policy">, clientAssertion: string): PartnerConfig | undefined {
  try {
    if (clientAssertion.length > MAX_ASSERTION_CHARS) return undefined;
    const { iss, sub } = decodeJwt(clientAssertion);
    return iss === undefined || iss !== sub ? undefined : ports.policy().partners.find(({ issuer }) => issuer === iss);
  } catch {
    return undefined;
  }
}

/**
 * Authenticates a partner's server as a client by `private_key_jwt` (RFC 7523 section 3): `iss` = `sub` = its issuer, signed with one of its
 * keys, `aud` our token endpoint or issuer and nothing else, `exp` at most a minute ahead, `jti` never seen before.
 * @throws OAuthError `invalid_client`, `temporarily_unavailable`.
 */
export async function authenticatePartner(ports: AssertionPorts, partner: PartnerConfig, clientAssertion: string): Promise<PartnerConfig> {
  const now = ports.now();
  const { alg: named, kid, typ } = decodeProtectedHeader(clientAssertion);
  if (!CLIENT_TYPES.includes(typ)) throw notRecognized();
  const alg = partner.algorithms.find((each) => each === named);
  if (alg === undefined) throw notRecognized();
  const key = await ports.keys.find(partner, "issuer", { kid, alg }).catch((error: unknown) => {
    if (!(error instanceof PartnerUnavailable)) throw error;
    ports.onFault(error);
    throw new OAuthError(
      "temporarily_unavailable",
      `the keys of partner \`${partner.name}\` cannot be had now; its operator here finds the cause in the log`,
    );
  });
  if (key === undefined) throw notRecognized();
  const { payload } = await jwtVerify(clientAssertion, key, {
    algorithms: [alg],
    issuer: partner.issuer,
    subject: partner.issuer,
    requiredClaims: ["exp", "aud", "jti"],
    currentDate: now,
    clockTolerance: PARTNER_SKEW_MS / 1000,
  }).catch((error: unknown) => {
    if (error instanceof errors.JOSEError) throw notRecognized();
    throw error;
  });
  const audience = Array.isArray(payload.aud) && payload.aud.length === 1 ? payload.aud[0] : payload.aud;
  if (audience !== ports.tokenEndpoint && audience !== ports.realm.issuer) throw notRecognized();
  const exp = (payload.exp ?? 0) * 1000;
  if (exp > now.getTime() + MAX_AHEAD_MS + PARTNER_SKEW_MS) throw notRecognized();
  if (!(await ports.useAssertion(partner.name, spentId("issuer", payload.jti ?? ""), new Date(exp + PARTNER_SKEW_MS)))) {
    await ports.onReplay(partner, partner.issuer);
    throw new OAuthError("invalid_client", "this client assertion was used before; sign a new one with a fresh `jti` for each request");
  }
  return partner;
}

function notRecognized(): OAuthError {
  return new OAuthError(
    "invalid_client",
    "the client assertion is not one of this partner for this server; see docs/spec/federation.md for its claims",
  );
}
