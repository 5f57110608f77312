import type { CredentialStore, OpenCredential } from "../../domain/credential.ts";

/** How long an opened credential may be used before it is asked for again: a rotation takes effect within this time. */
export const CREDENTIAL_TTL_MS = 5_000;

/** `open` from memory for a few seconds, so that a call does not pay a round trip for it. A missing credential is never remembered. */
export function cachedCredentials(store: Pick<CredentialStore, "open">, nowMs: () => number): Pick<CredentialStore, "open"> {
  const kept = new Map<string, { readonly opened: OpenCredential; readonly until: number }>();
  return {
    async open(name, at) {
      const key = [name, at.tenant, at.environment, at.workflow].join("\u0000");
      const known = kept.get(key);
      if (known !== undefined && known.until > nowMs()) return known.opened;
      const opened = await store.open(name, at);
      if (opened === undefined) kept.delete(key);
      else kept.set(key, { opened, until: nowMs() + CREDENTIAL_TTL_MS });
      return opened;
    },
  };
}
