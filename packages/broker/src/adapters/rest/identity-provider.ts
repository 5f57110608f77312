import type { SsoConfig } from "@bailiwick/policy";
import { createRemoteJWKSet, type JWTVerifyGetKey, jwtVerify } from "jose";
import * as oidc from "openid-client";
import { z } from "zod";
import type { SsoAccount } from "../../domain/person.ts";
import type { RestPorts } from "./ports.ts";
import { Problem } from "./problem.ts";

/** An identity provider that does not answer in this time is treated as down. */
const TIMEOUT_S = 10;
/** Clocks of two companies differ by less. */
const CLOCK_TOLERANCE_S = 30;
/** Signatures of logout tokens: asymmetric ones only, so that no public key can pose as a shared secret. */
const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "Ed25519"];
/** A provider that could not be reached is asked again only after this: anybody can cause the question. */
const RETRY_MS = 5_000;
/** OpenID Connect Back-Channel Logout 1.0, section 2.4. */
const LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout";

/** What one browser's sign-in at the provider is bound to. */
export interface SsoSecrets {
  readonly state: string;
  readonly nonce: string;
  /** PKCE (RFC 7636). */
  readonly codeVerifier: string;
}

/** A logout that the provider signed. `sid`, `subject` or both are there. */
export interface LogoutNotice {
  readonly issuer: string;
  readonly subject?: string | undefined;
  readonly sid?: string | undefined;
  readonly jti: string;
  readonly expiresAt: Date;
}

export interface IdentityProvider {
  /** Where to send the browser. @throws Problem `sso_unavailable`. */
  authorizationUrl(secrets: SsoSecrets): Promise<string>;
  /** Redeems the answer the browser came back with. @throws Problem `sso_unavailable`, `sso_refused`. */
  redeem(returned: URLSearchParams, secrets: SsoSecrets): Promise<SsoAccount>;
  /** Reads a logout token. @throws Problem `sso_unavailable`, `sso_refused`. */
  readLogout(token: string): Promise<LogoutNotice>;
}

type ProviderPorts = Pick<RestPorts, "policy" | "environment" | "now" | "onFault">;

interface Discovered {
  readonly config: oidc.Configuration;
  readonly keys: JWTVerifyGetKey;
}

/** The provider of the policy in force; discovered once for each configuration, and again after a failure. */
export function identityProviders(ports: ProviderPorts, redirectUri: string): () => IdentityProvider {
  const known = new Map<string, { readonly discovered: Promise<Discovered>; failedAt?: number }>();
  return () => {
    const sso = ports.policy().signIn?.sso;
    if (sso === undefined) {
      throw new Problem("sso_unavailable", "no identity provider is configured", ["add `signIn: { sso: ... }` to `bailiwick.yaml`"]);
    }
    const secret = secretOf(sso, ports.environment);
    const key = JSON.stringify([sso.issuer, sso.clientId, secret]);
    const discovered = async (): Promise<Discovered> => {
      const kept = known.get(key);
      const stale = kept?.failedAt !== undefined && ports.now().getTime() - kept.failedAt > RETRY_MS;
      const entry: { readonly discovered: Promise<Discovered>; failedAt?: number } =
        kept === undefined || stale ? { discovered: discover(sso, secret) } : kept;
      known.set(key, entry);
      try {
        return await entry.discovered;
      } catch (cause) {
        if (entry.failedAt === undefined) report(ports, sso, cause);
        entry.failedAt ??= ports.now().getTime();
        throw unavailable(sso, cause);
      }
    };
    return provider(sso, redirectUri, discovered, ports);
  };
}

function provider(sso: SsoConfig, redirectUri: string, discovered: () => Promise<Discovered>, ports: ProviderPorts): IdentityProvider {
  return {
    authorizationUrl: async ({ state, nonce, codeVerifier }) => {
      const { config } = await discovered();
      const url = oidc.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        response_type: "code",
        scope: "openid",
        state,
        nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: "S256",
      });
      return url.href;
    },
    redeem: async (returned, { state, nonce, codeVerifier }) => {
      const { config } = await discovered();
      const answered = new URL(`${redirectUri}?${returned.toString()}`);
      const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: codeVerifier, idTokenExpected: true };
      const tokens = await oidc.authorizationCodeGrant(config, answered, checks).catch((cause: unknown) => {
        report(ports, sso, cause);
        throw new Problem("sso_refused", "the identity provider's answer could not be verified", ["sign in again from the sign-in page"], {
          cause,
        });
      });
      const claims = tokens.claims();
      if (claims === undefined) throw new Problem("sso_refused", "the identity provider sent no ID token", ["check its client settings"]);
      const sid: unknown = claims["sid"];
      return { issuer: claims.iss, subject: claims.sub, sid: typeof sid === "string" ? sid : undefined };
    },
    readLogout: async (token) => {
      const { config, keys } = await discovered();
      return readLogout(token, keys, { issuer: config.serverMetadata().issuer, audience: sso.clientId, now: ports.now() });
    },
  };
}

async function discover(sso: SsoConfig, secret: string): Promise<Discovered> {
  const issuer = new URL(sso.issuer);
  const insecure = issuer.protocol === "http:" ? [oidc.allowInsecureRequests] : [];
  const config = await oidc.discovery(issuer, sso.clientId, { [oidc.clockTolerance]: CLOCK_TOLERANCE_S }, oidc.ClientSecretBasic(secret), {
    // Without this the signature of an ID token is taken on trust, because it came over TLS.
    execute: [...insecure, oidc.enableNonRepudiationChecks],
    timeout: TIMEOUT_S,
  });
  const { jwks_uri: jwks } = config.serverMetadata();
  if (jwks === undefined) throw new Error("the identity provider names no keys");
  return { config, keys: createRemoteJWKSet(new URL(jwks), { timeoutDuration: TIMEOUT_S * 1000 }) };
}

const logoutClaims = z.object({
  iss: z.string(),
  sub: z.string().min(1).max(255).optional(),
  sid: z.string().min(1).max(255).optional(),
  jti: z.string().min(1).max(255),
  exp: z.number(),
  events: z.looseObject({ [LOGOUT_EVENT]: z.looseObject({}) }),
  /** An ID token that poses as a logout token has one (section 2.6). */
  nonce: z.undefined().optional(),
});

/** Section 2.6 of OpenID Connect Back-Channel Logout 1.0, step by step; replays are the caller's to find. */
async function readLogout(
  token: string,
  keys: JWTVerifyGetKey,
  expected: { readonly issuer: string; readonly audience: string; readonly now: Date },
): Promise<LogoutNotice> {
  const refused = (cause?: unknown): Problem =>
    new Problem("sso_refused", "this is no valid logout token of the identity provider", ["check its client settings"], { cause });
  const { payload, protectedHeader } = await jwtVerify(token, keys, {
    issuer: expected.issuer,
    audience: expected.audience,
    algorithms: ALGORITHMS,
    clockTolerance: CLOCK_TOLERANCE_S,
    currentDate: expected.now,
    requiredClaims: ["iat", "exp", "jti", "events"],
  }).catch((cause: unknown) => {
    throw refused(cause);
  });
  const type = protectedHeader.typ?.toLowerCase().replace(/^application\//u, "");
  if (type !== undefined && type !== "logout+jwt" && type !== "jwt") throw refused();
  const claims = logoutClaims.safeParse(payload);
  if (!claims.success || (claims.data.sub === undefined && claims.data.sid === undefined)) throw refused();
  const { iss, sub, sid, jti, exp } = claims.data;
  // Kept as long as the token would be taken.
  return { issuer: iss, subject: sub, sid, jti, expiresAt: new Date((exp + CLOCK_TOLERANCE_S) * 1000) };
}

function secretOf(sso: SsoConfig, environment: (name: string) => string | undefined): string {
  const name = sso.clientSecret.slice("${env:".length, -1);
  const value = environment(name);
  if (value !== undefined && value !== "") return value;
  throw new Problem("sso_unavailable", `the environment variable \`${name}\` is not set, and single sign-on needs it`, [
    "set it and start the broker again",
  ]);
}

function unavailable(sso: SsoConfig, cause: unknown): Problem {
  return new Problem(
    "sso_unavailable",
    `the identity provider \`${sso.issuer}\` cannot be used now`,
    ["try again shortly, or use a passkey"],
    {
      cause,
    },
  );
}

/** For the program's log: the words of the failure only, because its parts may hold tokens. */
function report(ports: ProviderPorts, sso: SsoConfig, cause: unknown): void {
  const words = cause instanceof Error ? cause.message : "unknown failure";
  ports.onFault(new Error(`single sign-on at \`${sso.issuer}\` failed: ${words}`));
}
