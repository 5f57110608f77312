import { randomBytes } from "node:crypto";
import type { Policy } from "@bailiwick/policy";
import { createOutbound } from "./adapters/federation/outbound.ts";
import { withPartnerTokens } from "./adapters/federation/partner-credentials.ts";
import type { SigningKeys } from "./adapters/oauth/signing-keys.ts";
import type { GuardedFetch } from "./adapters/outbound/guarded-fetch.ts";
import type { Store } from "./adapters/store/index.ts";
import { randomId } from "./adapters/system/random.ts";
import type { CredentialOpener } from "./domain/credential.ts";

export interface OutgoingParts {
  readonly store: Pick<Store, "log">;
  policy(): Policy;
  now(): Date;
  /** The broker's public URL: partners know it as an issuer. */
  readonly url: string;
  readonly authority: { readonly signingKeys: Pick<SigningKeys, "active">; readonly fetch: GuardedFetch };
}

/** `others`, and the credentials that are partners' tokens. */
export function outgoingCredentials({ store, policy, now, url, authority }: OutgoingParts, others: CredentialOpener): CredentialOpener {
  const tokenFor = createOutbound({
    now: () => now(),
    nowMs: () => performance.now(),
    newJti: () => randomBytes(16).toString("base64url"),
    signingKey: () => authority.signingKeys.active(),
    issuer: url,
    fetch: authority.fetch,
  });
  return withPartnerTokens({ now: () => now(), newId: randomId, policy: () => policy(), issuer: url, tokenFor, log: store.log }, others);
}
