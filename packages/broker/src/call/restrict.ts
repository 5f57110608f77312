import type { Session } from "../domain/session.ts";
import type { Restriction } from "./presented.ts";

/** Narrowings seen so far, of all sessions together: an agent narrows to a few shapes, each is compiled once, and none may fill the memory. */
const MAX_KEPT = 2_000;
const kept = new Map<string, { readonly of: Session; readonly narrowed: Session }>();

/**
 * The session as its sender narrowed it for one request. It is judged as delegated from itself, so whatever `restrict` says it can only take
 * away. The same object for the same narrowing, since policy knows a caller by identity.
 */
export function restricted(session: Session, restrict: Restriction | undefined): Session {
  if (restrict === undefined) return session;
  const key = JSON.stringify([session.tenant, session.id, restrict.scope ?? null, restrict.rows ?? null]);
  const found = kept.get(key);
  // A session that was read anew is judged anew.
  if (found?.of === session) return found.narrowed;
  const narrowed: Session = {
    ...session,
    scope: restrict.scope ?? session.scope,
    rows: restrict.rows === undefined ? [] : [restrict.rows],
    delegator: session,
  };
  kept.delete(key);
  kept.set(key, { of: session, narrowed });
  const [oldest] = kept.keys();
  if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
  return narrowed;
}
