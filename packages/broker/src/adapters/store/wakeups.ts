/** Who waits for what, in this process. Waking is a hint: whoever is woken looks again. */
export interface Wakeups {
  wake(topic: string): void;
  /** After a time in which notices may have been missed. */
  wakeAll(): void;
  /** Returns the function that stops listening. */
  on(topic: string, woken: () => void): () => void;
}

/** Node's timers hold at most 2^31-1 ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** A waiter also looks without being woken this often, so that a lost notice delays an answer and never loses it. */
const LOOK_AGAIN_MS = 15_000;

export function wakeups(): Wakeups {
  const waiting = new Map<string, Set<() => void>>();
  return {
    wake: (topic) => {
      for (const woken of waiting.get(topic) ?? []) woken();
    },
    wakeAll: () => {
      for (const all of waiting.values()) for (const woken of all) woken();
    },
    on: (topic, woken) => {
      const all = waiting.get(topic) ?? new Set();
      waiting.set(topic, all.add(woken));
      return () => {
        all.delete(woken);
        if (all.size === 0 && waiting.get(topic) === all) waiting.delete(topic);
      };
    },
  };
}

/**
 * Looks, and looks again whenever `topic` is woken or the time named by `again` comes, until there is a value.
 * Returns undefined at the deadline or on abort. What `look` throws is thrown.
 */
export async function waitUntil<T>(
  waiters: Wakeups,
  topic: string,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal; readonly now: () => Date },
  look: () => Promise<{ readonly value: T } | { readonly again: Date }>,
): Promise<T | undefined> {
  const deadline = options.now().getTime() + options.timeoutMs;
  let stirred = false;
  let stir: () => void = () => undefined;
  const onStir = (): void => {
    stirred = true;
    stir();
  };
  const off = waiters.on(topic, onStir);
  options.signal.addEventListener("abort", onStir, { once: true });
  try {
    while (!options.signal.aborted) {
      stirred = false;
      const seen = await look();
      if ("value" in seen) return seen.value;
      const now = options.now().getTime();
      if (now >= deadline) return undefined;
      const delayMs = Math.min(deadline - now, Math.max(1, seen.again.getTime() - now), LOOK_AGAIN_MS, MAX_TIMER_MS);
      if (!stirred) await sleepUntil(delayMs, (wake) => (stir = wake));
    }
    return undefined;
  } finally {
    off();
    options.signal.removeEventListener("abort", onStir);
  }
}

function sleepUntil(delayMs: number, expose: (wake: () => void) => void): Promise<void> {
  return new Promise((settle) => {
    const timer = setTimeout(settle, delayMs);
    expose(() => {
      clearTimeout(timer);
      settle();
    });
  });
}
