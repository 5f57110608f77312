import { type EndedFeed, outdates } from "../../domain/ended.ts";
import type { Session, SessionStore } from "../../domain/session.ts";

/** Most sessions kept in memory; the oldest goes first. */
const MAX_SESSIONS = 10_000;

/** `find` from memory while the feed of what ended is fresh; from the store when it is not, so a deaf broker asks each time. */
export function cachedSessions(store: Pick<SessionStore, "find">, feed: EndedFeed): Pick<SessionStore, "find"> {
  const kept = new Map<string, Session>();
  // What was read before something ended may not be kept after it.
  let generation = 0;
  feed.onEnded((ended) => {
    generation += 1;
    if (ended === undefined) return kept.clear();
    for (const [key, session] of kept) if (outdates(ended, session)) kept.delete(key);
  });
  return {
    async find(tenant, id) {
      const key = cacheKey(tenant, id);
      const known = kept.get(key);
      if (known !== undefined && feed.listenerFresh()) return known;
      const read = generation;
      const found = await store.find(tenant, id);
      kept.delete(key);
      if (found !== undefined && found.revokedAt === undefined && found.stop === undefined && read === generation) keep(kept, key, found);
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
