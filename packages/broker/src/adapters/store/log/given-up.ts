import type { LogEntry } from "../../../domain/audit.ts";

/**
 * Calls of this process whose end could not be written: whoever made them was told that the outcome is unknown. Nobody else finds them, because
 * this broker lives.
 */
export interface GivenUp {
  /** Hands on what became of an entry, and remembers its call when it was to end one and failed. */
  watch<T>(tenant: string, entry: Pick<LogEntry, "kind" | "callId">, writing: Promise<T>): Promise<T>;
  of(tenant: string): readonly string[];
  /** They have an end. */
  ended(tenant: string, callIds: readonly string[]): void;
}

/** More of one tenant stay open until the broker is started again. */
const MAX_REMEMBERED = 50_000;

export function callsGivenUp(): GivenUp {
  const byTenant = new Map<string, Set<string>>();
  const remember = (tenant: string, callId: string): void => {
    const known = byTenant.get(tenant) ?? new Set<string>();
    byTenant.set(tenant, known);
    if (known.size < MAX_REMEMBERED) known.add(callId);
  };
  return {
    watch: async (tenant, { kind, callId }, writing) => {
      try {
        return await writing;
      } catch (failure) {
        // A beginning that turns out to be in the log after all is ended by its writer, which knows that nothing was sent.
        if (kind === "outcome" || kind === "refusal" || kind === "hold") remember(tenant, callId);
        throw failure;
      }
    },
    of: (tenant) => [...(byTenant.get(tenant) ?? [])],
    ended: (tenant, callIds) => {
      for (const callId of callIds) byTenant.get(tenant)?.delete(callId);
    },
  };
}
