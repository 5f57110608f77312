import type { AgentConfig, JsonObject, Policy } from "@bailiwick/policy";
import { decodeJwt, decodeProtectedHeader, errors, importJWK, jwtVerify, type JWTPayload } from "jose";
import type { AgentKey, AgentKeyStore } from "../../domain/agent-key.ts";
import { adminRecord } from "../../domain/admin-record.ts";
import type { AuditLog } from "../../domain/audit.ts";
import { OAuthError } from "./oauth-error.ts";

/** An assertion may expire at most this far ahead: a stolen one is soon worthless, and its jti need not be remembered for long. */
export const MAX_ASSERTION_AHEAD_MS = 60_000;
/** How far an agent's clock may run ahead of ours. */
export const CLOCK_SKEW_MS = 5_000;
/** A client assertion is a few hundred bytes; anything longer is not one. */
const MAX_ASSERTION_CHARS = 8_192;
/** RFC 7523 puts no limit on jti; a UUID has 36 characters. */
const MAX_JTI_CHARS = 128;

export interface AssertionPorts {
  now(): Date;
  newId(prefix: "tok"): string;
  /** @throws when no policy is in force. */
  policy(): Policy;
  readonly agentKeys: Pick<AgentKeyStore, "keysOf" | "useAssertion">;
  readonly log: Pick<AuditLog, "append">;
}

/**
 * Authenticates an agent by `private_key_jwt` (RFC 7523 section 3, ES256 only): signature by one of its active keys,
 * `iss` = `sub` = the agent's name, `aud` one of `audiences` and nothing else, `exp` at most a minute ahead, `jti` never seen before on
 * any broker. A replay is recorded: someone holds a copy.
 * @throws OAuthError `invalid_client`; one message for "no such agent" and "not its key", so that names cannot be probed.
 */
export async function authenticateAgent(ports: AssertionPorts, assertion: string, audiences: readonly string[]): Promise<AgentConfig> {
  const name = claimedAgent(assertion);
  const agent = ports.policy().agents.find((candidate) => candidate.name === name);
  if (agent === undefined) throw notRecognized();
  const now = ports.now();
  const payload = await verifySignature(assertion, await ports.agentKeys.keysOf(agent.tenant, agent.name, now), agent, now);
  checkClaims(payload, audiences, now);
  const jti = payload.jti;
  if (jti === undefined || jti === "" || jti.length > MAX_JTI_CHARS) {
    throw invalid(`the client assertion needs a \`jti\` of 1 to ${MAX_JTI_CHARS} characters; use a fresh random one for each request`);
  }
  const expiresAt = new Date((payload.exp ?? 0) * 1000 + CLOCK_SKEW_MS);
  if (!(await ports.agentKeys.useAssertion(agent.tenant, agent.name, jti, expiresAt))) {
    await recordReplay(ports, agent, jti);
    throw invalid("this client assertion was used before; sign a new one with a fresh `jti` for each request");
  }
  return agent;
}

async function recordReplay(ports: AssertionPorts, agent: AgentConfig, jti: string): Promise<void> {
  await ports.log.append(
    agent.tenant,
    adminRecord({
      at: ports.now(),
      event: "token.replay",
      by: { named: agent.name },
      callId: ports.newId("tok"),
      body: { agent: agent.name, environment: agent.environment },
      // Whoever made the assertion chose this text.
      facts: { jti },
    }),
  );
}

function claimedAgent(assertion: string): string {
  if (assertion.length > MAX_ASSERTION_CHARS) throw malformed();
  try {
    const header = decodeProtectedHeader(assertion);
    if (header.alg !== "ES256") throw invalid("the client assertion must be signed with ES256 by the agent's registered key");
    const { iss, sub } = decodeJwt(assertion);
    if (iss === undefined || iss !== sub) throw invalid("`iss` and `sub` of the client assertion must both be the agent's name");
    return iss;
  } catch (error) {
    if (error instanceof OAuthError) throw error;
    throw malformed();
  }
}

async function verifySignature(assertion: string, keys: readonly AgentKey[], agent: AgentConfig, now: Date): Promise<JWTPayload> {
  const { kid } = decodeProtectedHeader(assertion);
  for (const key of keys) {
    if (key.status !== "active" || (kid !== undefined && kid !== key.thumbprint)) continue;
    const payload = await verifyWith(assertion, key.publicJwk, agent, now);
    if (payload !== undefined) return payload;
  }
  throw notRecognized();
}

/** Undefined when the signature is not by this key. */
async function verifyWith(assertion: string, publicJwk: JsonObject, agent: AgentConfig, now: Date): Promise<JWTPayload | undefined> {
  try {
    const { payload } = await jwtVerify(assertion, await importJWK({ ...publicJwk }, "ES256"), {
      algorithms: ["ES256"],
      issuer: agent.name,
      subject: agent.name,
      requiredClaims: ["exp", "aud", "jti"],
      currentDate: now,
      clockTolerance: CLOCK_SKEW_MS / 1000,
    });
    return payload;
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) return undefined;
    if (error instanceof errors.JWTExpired)
      throw invalid("the client assertion has expired; sign a new one for each request and check the agent's clock");
    if (error instanceof errors.JWTClaimValidationFailed)
      throw invalid(`the client assertion's \`${error.claim}\` is missing or not right (${error.reason}); see RFC 7523 section 3`);
    throw malformed();
  }
}

function checkClaims(payload: JWTPayload, audiences: readonly string[], now: Date): void {
  const audience = Array.isArray(payload.aud) && payload.aud.length === 1 ? payload.aud[0] : payload.aud;
  if (typeof audience !== "string" || !audiences.includes(audience))
    throw invalid(`\`aud\` of the client assertion must be exactly \`${audiences[0] ?? ""}\`, so that it is of no use elsewhere`);
  const latest = now.getTime() + MAX_ASSERTION_AHEAD_MS + CLOCK_SKEW_MS;
  if (payload.exp === undefined || payload.exp * 1000 > latest) {
    throw invalid(
      `\`exp\` of the client assertion may be at most ${MAX_ASSERTION_AHEAD_MS / 1000} seconds ahead; sign one for each request`,
    );
  }
  if (payload.iat !== undefined && payload.iat * 1000 > now.getTime() + CLOCK_SKEW_MS) {
    throw invalid("`iat` of the client assertion lies in the future; check the agent's clock");
  }
}

function invalid(message: string): OAuthError {
  return new OAuthError("invalid_client", message);
}

function malformed(): OAuthError {
  return invalid("the client assertion is not a well-formed signed JWT; sign one as RFC 7523 section 3 says");
}

function notRecognized(): OAuthError {
  return invalid("no agent of this name holds this key here; check the name, or register its key with `bailiwick agents add-key`");
}
