import type { Happening, Happenings } from "../../domain/happening.ts";

/** Tells everybody who listens. */
export function happeningHub(): Happenings & { tell(happening: Happening | undefined): void } {
  const listeners = new Set<(happening: Happening | undefined) => void>();
  return {
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    tell: (happening) => {
      for (const listener of listeners) listener(happening);
    },
  };
}
