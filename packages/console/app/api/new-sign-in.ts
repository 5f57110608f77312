import type { Middleware } from "openapi-fetch";

/** How long the answer that brings the new sign-in may still be under way when it was asked for by another tab. */
const UNDER_WAY_MS = 400;
const UNAUTHENTICATED = 401;

/**
 * A step-up gives the browser a new sign-in with its answer, and the one before opens nothing from that moment on. What was asked with the old one
 * meanwhile is answered 401 although the person is signed in: it is asked again once the answers to changes have arrived, and only then counts.
 */
export function askAgainAfterNewSignIn(): Middleware {
  const changes = new Set<string>();
  let waiting: (() => void)[] = [];
  const settle = (id: string): void => {
    if (!changes.delete(id) || changes.size > 0) return;
    const woken = waiting;
    waiting = [];
    for (const wake of woken) wake();
  };
  const changesSettled = (): Promise<void> => (changes.size === 0 ? Promise.resolve() : new Promise((wake) => waiting.push(wake)));
  return {
    onRequest: ({ request, id }) => {
      if (request.method !== "GET") changes.add(id);
    },
    onResponse: async ({ request, response, id }) => {
      settle(id);
      if (request.method !== "GET" || response.status !== UNAUTHENTICATED) return undefined;
      await changesSettled();
      const again = await fetch(new Request(request));
      if (again.status !== UNAUTHENTICATED) return again;
      await new Promise((wake) => setTimeout(wake, UNDER_WAY_MS));
      return fetch(new Request(request));
    },
    onError: ({ id }) => settle(id),
  };
}
