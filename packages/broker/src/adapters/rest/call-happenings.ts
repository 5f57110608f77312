import type { Happening, Happenings } from "../../domain/happening.ts";
import type { RestPorts } from "./ports.ts";

/** How long after one look at the logs' sizes the next one follows, while somebody listens. */
const LOOK_MS = 1_000;

/**
 * The same happenings, and `call` whenever a tenant's log has grown, whichever broker wrote it. Other records make a log grow as well, the reads of
 * those who listen among them: identical reads are one record for minutes, so that looking again does not make anything happen again.
 */
export function withCalls({ happenings, log, policy }: Pick<RestPorts, "happenings" | "log" | "policy">): Happenings {
  const listeners = new Set<(happening: Happening | undefined) => void>();
  const sizes = new Map<string, number>();
  let looking = false;
  const look = async (): Promise<void> => {
    for (const tenant of policy().tenants) {
      const size = await log.size(tenant);
      const before = sizes.get(tenant);
      sizes.set(tenant, size);
      if (before !== undefined && size > before) for (const listener of listeners) listener({ tenant, kind: "call" });
    }
  };
  const again = (): void => {
    // A store that is away is looked at again: what grew meanwhile is told then.
    void look()
      .catch(() => undefined)
      .then(() => {
        looking = listeners.size > 0;
        if (looking) setTimeout(again, LOOK_MS).unref();
        else sizes.clear();
      });
  };
  return {
    subscribe: (listener) => {
      const off = happenings.subscribe(listener);
      listeners.add(listener);
      if (!looking) {
        looking = true;
        again();
      }
      return () => {
        listeners.delete(listener);
        off();
      };
    },
  };
}
