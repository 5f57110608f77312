import type { PartnerConfig } from "@bailiwick/policy";
import { SignJWT } from "jose";
import { z } from "zod";
import { actorChain } from "../oauth/access-token.ts";
import type { SigningKey } from "../oauth/signing-key.ts";
import type { GuardedFetch } from "../outbound/guarded-fetch.ts";
import { askPartner, jsonOf, type PartnerMetadata, partnerMetadata, PartnerUnavailable } from "./metadata.ts";

/** For whom a token is asked at a partner: a user and whoever acts for them, the latest first. */
export interface Traveller {
  readonly user: string;
  readonly actors: readonly string[];
}

/** A partner's access token. `value` must reach nothing but egress and the scrubber. */
export interface PartnerToken {
  readonly value: string;
  readonly issuedAt: Date;
  readonly expiresAt: Date;
}

export interface OutboundPorts {
  now(): Date;
  /** A fresh random id for `jti`. */
  newJti(): string;
  /** The key that signs now; the partner finds it in our key set. */
  signingKey(): Promise<SigningKey>;
  /** The broker's public URL: the issuer the partner knows us by, and our client id there. */
  readonly issuer: string;
  readonly fetch: GuardedFetch;
  /** A clock that only moves forward. */
  nowMs(): number;
}

const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const CLIENT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/** Signed, sent and used in one go. */
const ASSERTION_SECONDS = 50;
/** What a partner's server says of itself is believed this long. */
const METADATA_LIVE_MS = 5 * 60_000;
/** A partner that does not say how long its token lives means a short time. */
const DEFAULT_TOKEN_SECONDS = 60;
/** A longer life is not used: by then policy may say something else here. */
const MAX_TOKEN_SECONDS = 5 * 60;

const answer = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]{8,8192}$/u),
  token_type: z.string().regex(/^bearer$/iu),
  expires_in: z.number().positive().optional(),
});
const refusal = z.object({ error: z.string().regex(/^[a-z_]{1,40}$/u) });

/**
 * Gets tokens from partners: we assert who travels (an ID-JAG, draft-ietf-oauth-identity-assertion-authz-grant section 3, by our own signing
 * key) and exchange that at the partner's token endpoint (RFC 7523 section 2.1) as a client of our own. Our access tokens are not part of it.
 * @throws PartnerUnavailable when the partner cannot be asked or refuses.
 */
export function createOutbound(ports: OutboundPorts): (partner: PartnerConfig, traveller: Traveller) => Promise<PartnerToken> {
  const known = new Map<string, { readonly metadata: Promise<PartnerMetadata>; readonly atMs: number }>();

  function metadataOf({ issuer }: PartnerConfig): Promise<PartnerMetadata> {
    const held = known.get(issuer);
    if (held !== undefined && ports.nowMs() - held.atMs < METADATA_LIVE_MS) return held.metadata;
    const asked = { metadata: partnerMetadata(ports.fetch, issuer), atMs: ports.nowMs() };
    known.set(issuer, asked);
    asked.metadata.catch(() => known.delete(issuer));
    return asked.metadata;
  }

  return async (partner, traveller) => {
    const { outbound } = partner;
    if (outbound === undefined)
      throw new PartnerUnavailable(`partner \`${partner.name}\` has no \`outbound\` in partners.yaml; calls do not go out to it`);
    const { tokenEndpoint } = await metadataOf(partner);
    if (tokenEndpoint === undefined) throw new PartnerUnavailable(`\`${partner.issuer}\` names no token endpoint; ask the partner`);
    const issuedAt = ports.now();
    const form = new URLSearchParams({
      grant_type: JWT_BEARER,
      assertion: await idJag(ports, partner, outbound, traveller, issuedAt),
      client_assertion_type: CLIENT_ASSERTION,
      client_assertion: await clientAssertion(ports, tokenEndpoint, issuedAt),
      scope: outbound.scope.join(" "),
      resource: outbound.resource,
    });
    const response = await askPartner(ports.fetch, tokenEndpoint, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: form.toString(),
    });
    const body = await jsonOf(response);
    const parsed = response.ok ? answer.safeParse(body) : undefined;
    if (parsed?.success !== true) throw refused(partner, response.status, body);
    const seconds = Math.min(parsed.data.expires_in ?? DEFAULT_TOKEN_SECONDS, MAX_TOKEN_SECONDS);
    return { value: parsed.data.access_token, issuedAt, expiresAt: new Date(issuedAt.getTime() + seconds * 1000) };
  };
}

async function idJag(
  ports: OutboundPorts,
  partner: PartnerConfig,
  { scope, resource, tenant }: NonNullable<PartnerConfig["outbound"]>,
  { user, actors }: Traveller,
  now: Date,
): Promise<string> {
  const { kid, privateKey } = await ports.signingKey();
  const act = actorChain(actors);
  const at = Math.floor(now.getTime() / 1000);
  return new SignJWT({
    client_id: ports.issuer,
    scope: scope.join(" "),
    resource,
    ...(tenant === undefined ? {} : { aud_tenant: tenant }),
    ...(act === undefined ? {} : { act }),
  })
    .setProtectedHeader({ alg: "ES256", typ: "oauth-id-jag+jwt", kid })
    .setIssuer(ports.issuer)
    .setSubject(user)
    .setAudience(partner.issuer)
    .setJti(ports.newJti())
    .setIssuedAt(at)
    .setExpirationTime(at + ASSERTION_SECONDS)
    .sign(privateKey);
}

/** `private_key_jwt` (RFC 7523 section 2.2). */
async function clientAssertion(ports: OutboundPorts, tokenEndpoint: string, now: Date): Promise<string> {
  const { kid, privateKey } = await ports.signingKey();
  return new SignJWT({})
    .setProtectedHeader({ alg: "ES256", typ: "JWT", kid })
    .setIssuer(ports.issuer)
    .setSubject(ports.issuer)
    .setAudience(tokenEndpoint)
    .setJti(ports.newJti())
    .setExpirationTime(Math.floor(now.getTime() / 1000) + ASSERTION_SECONDS)
    .sign(privateKey);
}

/** The partner's words are not repeated: they could hold what was sent. Its error code is. */
function refused({ name }: PartnerConfig, status: number, body: unknown): PartnerUnavailable {
  const said = refusal.safeParse(body);
  const code = said.success ? said.data.error : "no OAuth error";
  return new PartnerUnavailable(`partner \`${name}\` gave no token (status ${status}, ${code}); ask its contact in partners.yaml`);
}
