import { randomBytes } from "node:crypto";
import { MAX_SUSPENDED_CALLS, MAX_SUSPENDED_PER_PRINCIPAL } from "./settings.ts";

/** Calls whose HTTP request has ended with a question and that wait in memory for the retry. `T` continues one. */
export interface SuspendedCalls<T> {
  /** Returns the handle, or undefined when too many wait already. After `ttlMs` unasked, `onExpired` runs. */
  keep(principal: string, resume: T, ttlMs: number, onExpired: () => void): string | undefined;
  /** Hands out once. */
  take(handle: string): T | undefined;
  close(): void;
}

export function createSuspendedCalls<T>(): SuspendedCalls<T> {
  const calls = new Map<string, { readonly resume: T; readonly drop: () => void; readonly expire: () => void }>();
  const perPrincipal = new Map<string, number>();

  function count(principal: string, by: 1 | -1): void {
    const next = (perPrincipal.get(principal) ?? 0) + by;
    if (next <= 0) perPrincipal.delete(principal);
    else perPrincipal.set(principal, next);
  }

  return {
    keep(principal, resume, ttlMs, onExpired) {
      if (calls.size >= MAX_SUSPENDED_CALLS || (perPrincipal.get(principal) ?? 0) >= MAX_SUSPENDED_PER_PRINCIPAL) return undefined;
      const handle = randomBytes(16).toString("base64url");
      const drop = (): void => {
        clearTimeout(timer);
        if (calls.delete(handle)) count(principal, -1);
      };
      const expire = (): void => {
        drop();
        onExpired();
      };
      const timer = setTimeout(expire, ttlMs);
      calls.set(handle, { resume, drop, expire });
      count(principal, 1);
      return handle;
    },
    take(handle) {
      const call = calls.get(handle);
      call?.drop();
      return call?.resume;
    },
    close() {
      for (const call of calls.values()) call.expire();
    },
  };
}
