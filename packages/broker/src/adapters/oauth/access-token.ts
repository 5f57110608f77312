import { SignJWT } from "jose";
import type { Session } from "../../domain/session.ts";
import type { SigningKey } from "./signing-key.ts";

/** Who issues tokens, and for which resource server. */
export interface TokenRealm {
  /** The broker's public URL without a trailing slash. */
  readonly issuer: string;
  readonly audience: string;
}

/** The header type of RFC 9068 section 2.1; it keeps other JWTs signed by the same key from being taken for access tokens. */
export const ACCESS_TOKEN_TYPE = "at+jwt";

/**
 * Signs the access token of a session (RFC 9068, ES256). The session row is the truth; the token only names it.
 * `act` is the actor of RFC 8693 section 4.1: the agent that acts for the user in `sub`.
 */
export async function signAccessToken(key: SigningKey, realm: TokenRealm, session: Session, jti: string): Promise<string> {
  return new SignJWT({ client_id: session.agent, act: { sub: session.agent }, sid: session.id, tenant: session.tenant })
    .setProtectedHeader({ alg: "ES256", typ: ACCESS_TOKEN_TYPE, kid: key.kid })
    .setIssuer(realm.issuer)
    .setAudience(realm.audience)
    .setSubject(session.user)
    .setIssuedAt(Math.floor(session.issuedAt.getTime() / 1000))
    .setExpirationTime(Math.floor(session.expiresAt.getTime() / 1000))
    .setJti(jti)
    .sign(key.privateKey);
}
