import { z } from "zod";
import type { GuardedFetch } from "../outbound/guarded-fetch.ts";

/** What a partner's authorization server says of itself (RFC 8414 section 2), as far as it is used here. */
export interface PartnerMetadata {
  readonly jwksUri: string | undefined;
  readonly tokenEndpoint: string | undefined;
}

/** The partner's server cannot be asked, or does not answer as the standards say. The message names the address, never a secret. */
export class PartnerUnavailable extends Error {
  override readonly name = "PartnerUnavailable";
}

const document = z.object({
  issuer: z.string(),
  jwks_uri: z.url().max(2_048).optional(),
  token_endpoint: z.url().max(2_048).optional(),
});

/**
 * Asks an issuer for its metadata: RFC 8414 section 3, then OpenID Connect Discovery. Its `issuer` must be exactly the one asked
 * (RFC 8414 section 3.3), so that no server speaks for another.
 * @throws PartnerUnavailable.
 */
export async function partnerMetadata(fetch: GuardedFetch, issuer: string): Promise<PartnerMetadata> {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/u, "");
  const first = await documentAt(fetch, `${origin}/.well-known/oauth-authorization-server${path}`);
  const found = first ?? (await documentAt(fetch, `${origin}${path}/.well-known/openid-configuration`));
  if (found === undefined) throw new PartnerUnavailable(`\`${issuer}\` offers no metadata; name its keys with \`jwks\` in partners.yaml`);
  if (found.issuer !== issuer)
    throw new PartnerUnavailable(`the metadata at \`${issuer}\` is of another issuer; correct \`issuer\` in partners.yaml`);
  return { jwksUri: found.jwks_uri, tokenEndpoint: found.token_endpoint };
}

async function documentAt(fetch: GuardedFetch, url: string): Promise<z.output<typeof document> | undefined> {
  const answer = await askPartner(fetch, url);
  if (answer.status === 404) return undefined;
  const parsed = answer.ok ? document.safeParse(await jsonOf(answer)) : undefined;
  if (parsed?.success === true) return parsed.data;
  throw new PartnerUnavailable(`\`${url}\` answered with status ${answer.status} and no metadata; ask the partner`);
}

/** @throws PartnerUnavailable for whatever keeps the fetch from an answer. */
export async function askPartner(fetch: GuardedFetch, url: string, init?: Parameters<GuardedFetch>[1]): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : "no reason given";
    throw new PartnerUnavailable(`the partner's address \`${url}\` is not fetched: ${why}`, { cause });
  }
}

export async function jsonOf(answer: Response): Promise<unknown> {
  try {
    return await answer.json();
  } catch {
    return undefined;
  }
}
