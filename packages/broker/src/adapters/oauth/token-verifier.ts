import { hash, type KeyObject } from "node:crypto";
import { errors, jwtVerify } from "jose";
import type { TokenVerifier } from "../../call/ports.ts";
import { Refusal } from "../../call/refusal.ts";
import { ACCESS_TOKEN_TYPE, type TokenRealm } from "./access-token.ts";

/** Verified tokens remembered; beyond it the oldest are verified again. At 5 minutes a token this covers 30 new sessions a second. */
export const MAX_CACHED_TOKENS = 10_000;
/** Our tokens have about 700 characters; a longer text is not hashed. */
const MAX_TOKEN_CHARS = 4_096;

interface Verified {
  readonly tenant: string;
  readonly session: string;
  readonly expiresAtMs: number;
}

/**
 * Verifies session tokens (RFC 9068: type, signature, issuer, audience, expiry). A verified token is remembered by its SHA-256,
 * because a signature check costs ten times a hash; expiry is looked at on every use. Revocation is the session's, not the token's.
 */
export function createTokenVerifier(options: TokenRealm & { readonly key: KeyObject; readonly maxCached?: number }): TokenVerifier {
  const cache = new Map<string, Verified>();
  const maxCached = options.maxCached ?? MAX_CACHED_TOKENS;

  async function verify(token: string, now: Date): Promise<{ tenant: string; session: string }> {
    if (token.length > MAX_TOKEN_CHARS) throw unauthenticated();
    const id = hash("sha256", token, "base64url");
    const known = cache.get(id) ?? (await verifySignature(options, token, now));
    if (known.expiresAtMs <= now.getTime()) {
      cache.delete(id);
      throw expired();
    }
    remember(cache, id, known, maxCached);
    return { tenant: known.tenant, session: known.session };
  }
  return { verify };
}

async function verifySignature(options: TokenRealm & { readonly key: KeyObject }, token: string, now: Date): Promise<Verified> {
  try {
    const { payload } = await jwtVerify(token, options.key, {
      algorithms: ["ES256"],
      typ: ACCESS_TOKEN_TYPE,
      issuer: options.issuer,
      audience: options.audience,
      requiredClaims: ["exp", "sub", "client_id", "sid", "tenant"],
      currentDate: now,
    });
    const { sid, tenant, exp } = payload;
    if (typeof sid !== "string" || typeof tenant !== "string" || exp === undefined) throw unauthenticated();
    return { tenant, session: sid, expiresAtMs: exp * 1000 };
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw expired();
    throw unauthenticated();
  }
}

/** A Map keeps insertion order; the first key is the oldest. */
function remember(cache: Map<string, Verified>, id: string, verified: Verified, maxCached: number): void {
  if (cache.has(id)) return;
  if (cache.size >= maxCached) {
    const oldest = cache.keys().next().value;
    if (oldest !== undefined) cache.delete(oldest);
  }
  cache.set(id, verified);
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
