import type { Session } from "../domain/session.ts";
import type { Restriction } from "./presented.ts";

/** Narrowings of a session seen so far; an agent narrows to a few shapes, and each is compiled once. */
const MAX_KEPT = 64;
const kept = new WeakMap<Session, Map<string, Session>>();

/**
 * The session as its sender narrowed it for one request. It is judged as delegated from itself, so whatever `restrict` says it can only take
 * away. The same object for the same narrowing, since policy knows a caller by identity.
 */
export function restricted(session: Session, restrict: Restriction | undefined): Session {
  if (restrict === undefined) return session;
  const known = kept.get(session) ?? new Map<string, Session>();
  kept.set(session, known);
  const key = JSON.stringify([restrict.scope ?? null, restrict.rows ?? null]);
  const found = known.get(key);
  if (found !== undefined) return found;
  const narrowed: Session = {
    ...session,
    scope: restrict.scope ?? session.scope,
    rows: restrict.rows === undefined ? [] : [restrict.rows],
    delegator: session,
  };
  if (known.size >= MAX_KEPT) known.clear();
  known.set(key, narrowed);
  return narrowed;
}
