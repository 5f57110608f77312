import { hash, type KeyObject } from "node:crypto";
import { errors, jwtVerify } from "jose";
import { z } from "zod";
import { Refusal } from "../../call/refusal.ts";
import { Fault } from "../../domain/fault.ts";
import type { SenderBinding } from "../../domain/session.ts";
import type { VerifiedToken } from "../sender-proof/verify-sender.ts";
import { ACCESS_TOKEN_TYPE, SESSION_KEY_ID, type TokenRealm } from "./access-token.ts";

/** Verified tokens remembered; beyond it the oldest are verified again. At 5 minutes a token this covers 30 new sessions a second. */
export const MAX_CACHED_TOKENS = 10_000;
/** Our tokens have about 1,000 characters; a longer text is not hashed. */
const MAX_TOKEN_CHARS = 4_096;

export interface TokenVerifierOptions extends TokenRealm {
  /** The public key of that id, while tokens it signed may live. A rotated key is asked for again. */
  readonly key: (kid: string) => Promise<KeyObject | undefined>;
  readonly maxCached?: number;
}

const thumbprint = z.string().regex(/^[A-Za-z0-9_-]{43}$/u);
const claimsSchema = z.object({
  sid: z.string(),
  tenant: z.string(),
  client_id: z.string(),
  exp: z.number(),
  cnf: z
    .union([
      z.strictObject({ jkt: thumbprint }).transform(({ jkt }): SenderBinding => ({ kind: "dpop", jkt })),
      z.strictObject({ "x5t#S256": thumbprint }).transform((cnf): SenderBinding => ({ kind: "mtls", x5t: cnf["x5t#S256"] })),
      z.strictObject({ kid: z.literal(SESSION_KEY_ID) }).transform((): SenderBinding => ({ kind: "hmac" })),
    ])
    .optional(),
});

/**
 * Verifies session tokens (RFC 9068: type, signature, issuer, audience, expiry). A verified token is remembered by its SHA-256,
 * because a signature check costs ten times a hash; expiry is looked at on every use. Revocation is the session's, not the token's.
 */
export function createTokenVerifier(options: TokenVerifierOptions): (token: string | undefined, now: Date) => Promise<VerifiedToken> {
  const cache = new Map<string, VerifiedToken>();
  const maxCached = options.maxCached ?? MAX_CACHED_TOKENS;

  return async (token, now) => {
    if (token === undefined || token === "") throw noToken();
    if (token.length > MAX_TOKEN_CHARS) throw unauthenticated();
    const id = hash("sha256", token, "base64url");
    const known = cache.get(id) ?? { id, ...(await verifySignature(options, token, now)) };
    if (known.expiresAtMs <= now.getTime()) {
      cache.delete(id);
      throw expired();
    }
    remember(cache, id, known, maxCached);
    return known;
  };
}

async function verifySignature(options: TokenVerifierOptions, token: string, now: Date): Promise<Omit<VerifiedToken, "id">> {
  try {
    const { payload } = await jwtVerify(
      token,
      async ({ kid }) => {
        const key = kid === undefined ? undefined : await options.key(kid);
        if (key === undefined) throw unauthenticated();
        return key;
      },
      {
        algorithms: ["ES256"],
        typ: ACCESS_TOKEN_TYPE,
        issuer: options.issuer,
        audience: options.audience,
        requiredClaims: ["exp", "sub", "client_id", "sid", "tenant"],
        currentDate: now,
      },
    );
    const { sid, tenant, client_id: client, exp, cnf } = claimsSchema.parse(payload);
    return { tenant, session: sid, client, binding: cnf ?? { kind: "bearer" }, expiresAtMs: exp * 1000 };
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw expired();
    // That the keys cannot be had says nothing about the token.
    if (error instanceof Fault) throw error;
    throw unauthenticated();
  }
}

/** A Map keeps insertion order; the first key is the oldest. */
function remember(cache: Map<string, VerifiedToken>, id: string, verified: VerifiedToken, maxCached: number): void {
  if (cache.has(id)) return;
  if (cache.size >= maxCached) {
    const oldest = cache.keys().next().value;
    if (oldest !== undefined) cache.delete(oldest);
  }
  cache.set(id, verified);
}

function noToken(): Refusal {
  return new Refusal("unauthenticated", "the call carries no session token; get one from `/oauth/token` with your agent's key", {
    next: [{ kind: "reauthenticate" }],
  });
}

function unauthenticated(): Refusal {
  return new Refusal(
    "unauthenticated",
    "the session token is not one of this broker's; get one from `/oauth/token` with your agent's key",
    {
      next: [{ kind: "reauthenticate" }],
    },
  );
}

function expired(): Refusal {
  return new Refusal("token_expired", "the session token has expired; get a new one from `/oauth/token`", {
    next: [{ kind: "reauthenticate" }],
  });
}
