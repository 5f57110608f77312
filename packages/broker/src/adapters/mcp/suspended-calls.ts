import { randomBytes } from "node:crypto";
import { MAX_SUSPENDED_CALLS, MAX_SUSPENDED_EACH } from "./settings.ts";
import { createShares } from "./shares.ts";

/** Calls whose HTTP request has ended with a question and that wait in memory for the retry. `T` continues one. */
export interface SuspendedCalls<T> {
  /** Returns the handle, or undefined when too many wait already. After `ttlMs` unasked, `onExpired` runs. */
  keep(agent: string, resume: T, ttlMs: number, onExpired: () => void): string | undefined;
  /** Hands out once. */
  take(handle: string): T | undefined;
  close(): void;
}

export function createSuspendedCalls<T>(): SuspendedCalls<T> {
  const calls = new Map<string, { readonly resume: T; readonly drop: () => void; readonly expire: () => void }>();
  const shares = createShares(MAX_SUSPENDED_CALLS, MAX_SUSPENDED_EACH);

  return {
    keep(agent, resume, ttlMs, onExpired) {
      if (!shares.take(agent)) return undefined;
      const handle = randomBytes(16).toString("base64url");
      const drop = (): void => {
        clearTimeout(timer);
        if (calls.delete(handle)) shares.give(agent);
      };
      const expire = (): void => {
        drop();
        onExpired();
      };
      const timer = setTimeout(expire, ttlMs);
      calls.set(handle, { resume, drop, expire });
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
