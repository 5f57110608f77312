/** Resolves a name; `signal` is that of the fetch it is for. */
type Lookup<T> = (host: string, signal: AbortSignal) => Promise<T>;

/**
 * Keeps look-ups to `max` at once. The system's resolver blocks one of four threads that files and all other names need too, for as long as a
 * stranger's name server likes. Whoever waits and is given up meanwhile is not looked up.
 */
export function fewLookups<T>(resolve: (host: string) => Promise<T>, max: number): Lookup<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (host, signal) => {
    if (running < max) running += 1;
    else await new Promise<void>((go) => waiting.push(go));
    try {
      signal.throwIfAborted();
      return await resolve(host);
    } finally {
      // The place goes to the next as it is, so that nobody comes in between.
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
