import { SignJWT } from "jose";
import type { SenderBinding, Session } from "../../domain/session.ts";
import type { SigningKey } from "./signing-key.ts";

/** Who issues tokens, and for which resource server. */
export interface TokenRealm {
  /** The broker's public URL without a trailing slash. */
  readonly issuer: string;
  readonly audience: string;
}

/** The header type of RFC 9068 section 2.1; it keeps other JWTs signed by the same key from being taken for access tokens. */
export const ACCESS_TOKEN_TYPE = "at+jwt";
/** `cnf.kid` of tokens whose sender signs with the key derived from the session. */
export const SESSION_KEY_ID = "session";

/**
 * Signs the access token of a session (RFC 9068, ES256). The session row is the truth; the token only names it.
 * `act` is the actor chain of RFC 8693 section 4.1: the agent that acts for the user in `sub`, inside it whoever acted before.
 */
export async function signAccessToken(key: SigningKey, realm: TokenRealm, session: Session, jti: string): Promise<string> {
  const cnf = confirmation(session.binding);
  return new SignJWT({
    client_id: session.client ?? session.agent,
    act: actorChain([session.agent, ...session.actors]),
    sid: session.id,
    tenant: session.tenant,
    scope: session.scope.join(" "),
    ...(cnf === undefined ? {} : { cnf }),
  })
    .setProtectedHeader({ alg: "ES256", typ: ACCESS_TOKEN_TYPE, kid: key.kid })
    .setIssuer(realm.issuer)
    .setAudience(realm.audience)
    .setSubject(session.user)
    .setIssuedAt(Math.floor(session.issuedAt.getTime() / 1000))
    .setExpirationTime(Math.floor(session.expiresAt.getTime() / 1000))
    .setJti(jti)
    .sign(key.privateKey);
}

/** `cnf` of RFC 7800: RFC 9449 section 6, RFC 8705 section 3.1. */
export function confirmation(binding: SenderBinding): Readonly<Record<string, string>> | undefined {
  switch (binding.kind) {
    case "bearer":
      return undefined;
    case "dpop":
      return { jkt: binding.jkt };
    case "mtls":
      return { "x5t#S256": binding.x5t };
    case "hmac":
      return { kid: SESSION_KEY_ID };
  }
}

interface Actor {
  readonly [claim: string]: string | Actor;
}

/** The latest actor outermost. */
export function actorChain(actors: readonly string[]): Actor | undefined {
  return actors.reduceRight<Actor | undefined>((act, sub) => (act === undefined ? { sub } : { sub, act }), undefined);
}
