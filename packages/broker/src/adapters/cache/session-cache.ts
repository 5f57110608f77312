import type { Session, SessionStore } from "../../domain/session.ts";

/** Most sessions kept in memory; the oldest goes first. */
const MAX_SESSIONS = 10_000;

/** What the cache needs to know to be sure that it would have heard of a revocation. */
export interface RevocationFeed {
  /** Hears of each revocation; undefined means that some may have been missed. */
  onSessionRevoked(listener: (revoked: { readonly tenant: string; readonly session: string } | undefined) => void): () => void;
  /** False while a revocation made by another broker could have gone unheard. */
  listenerFresh(): boolean;
}

/** `find` from memory while the revocation feed is fresh; from the store when it is not, so a deaf broker asks each time. */
export function cachedSessions(store: SessionStore, feed: RevocationFeed): Pick<SessionStore, "find"> {
  const kept = new Map<string, Session>();
  feed.onSessionRevoked((revoked) => {
    if (revoked === undefined) kept.clear();
    else kept.delete(cacheKey(revoked.tenant, revoked.session));
  });
  return {
    async find(tenant, id) {
      const key = cacheKey(tenant, id);
      const known = kept.get(key);
      if (known !== undefined && feed.listenerFresh()) return known;
      const found = await store.find(tenant, id);
      kept.delete(key);
      if (found !== undefined && found.revokedAt === undefined) keep(kept, key, found);
      return found;
    },
  };
}

function keep(kept: Map<string, Session>, key: string, session: Session): void {
  kept.set(key, session);
  if (kept.size <= MAX_SESSIONS) return;
  const oldest = kept.keys().next().value;
  if (oldest !== undefined) kept.delete(oldest);
}

function cacheKey(tenant: string, id: string): string {
  return `${tenant}\u0000${id}`;
}
