import type { Policy } from "@bailiwick/policy";
import type { Store } from "./adapters/store/index.ts";
import type { Happening, Happenings } from "./domain/happening.ts";

export interface HappeningParts {
  readonly store: Pick<Store, "happenings">;
  readonly policy: () => Pick<Policy, "tenants">;
  onPolicy(listener: () => void): () => void;
  onTools(listener: () => void): () => void;
}

/** What happens in the store, to the policy and to tools. */
export function openHappenings({ store, policy, onPolicy, onTools }: HappeningParts): Happenings & { close(): void } {
  const listeners = new Set<(happening: Happening | undefined) => void>();
  const tell = (happening: Happening | undefined): void => {
    for (const listener of listeners) listener(happening);
  };
  const everywhere = (kind: Happening["kind"]) => (): void => {
    for (const tenant of policy().tenants) tell({ tenant, kind });
  };
  const off = [store.happenings.subscribe(tell), onPolicy(everywhere("policy")), onTools(everywhere("tools"))];
  return {
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close: () => {
      for (const stop of off) stop();
      listeners.clear();
    },
  };
}
