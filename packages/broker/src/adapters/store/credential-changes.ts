import type { CredentialChange, CredentialFeed } from "../../domain/credential.ts";

/** Who in this process wants to hear of changed credentials. */
export function credentialHub(): { readonly on: CredentialFeed["onCredentialChanged"]; readonly tell: (change: CredentialChange) => void } {
  const listeners = new Set<(change: CredentialChange) => void>();
  return {
    on: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    tell: (change) => {
      for (const listener of listeners) listener(change);
    },
  };
}
