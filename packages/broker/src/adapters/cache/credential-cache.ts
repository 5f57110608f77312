import type { CredentialChange, CredentialFeed, CredentialOpener, OpenCredential } from "../../domain/credential.ts";

/** How long an opened credential may be used without being told of a change: the bound when notices are lost. */
export const CREDENTIAL_TTL_MS = 5_000;

/**
 * `open` from memory for a few seconds, so that a call does not pay a round trip for it; a change that is heard of empties it at once.
 * A missing credential is never remembered. A version asked for by number is answered from here only while it is the newest.
 */
export function cachedCredentials(source: CredentialOpener, nowMs: () => number, feed?: CredentialFeed): CredentialOpener {
  const kept = new Map<string, { readonly opened: OpenCredential; readonly until: number }>();
  let changes = 0;
  feed?.onCredentialChanged((change) => {
    changes += 1;
    forget(kept, change);
  });
  return {
    async open(name, at, version) {
      const key = JSON.stringify([at.tenant, name, at.environment, at.workflow]);
      const known = kept.get(key);
      if (known !== undefined && known.until > nowMs() && (version === undefined || known.opened.version === version)) return known.opened;
      if (version !== undefined) return source.open(name, at, version);
      const before = changes;
      const opened = await source.open(name, at);
      if (opened === undefined) kept.delete(key);
      // What was read before a change must not be kept after it.
      else if (before === changes) kept.set(key, { opened, until: nowMs() + CREDENTIAL_TTL_MS });
      return opened;
    },
  };
}

function forget(kept: Map<string, unknown>, change: CredentialChange): void {
  if (change === undefined) return kept.clear();
  const start = JSON.stringify([change.tenant, change.name]).slice(0, -1);
  for (const key of kept.keys()) if (key.startsWith(`${start},`)) kept.delete(key);
}
