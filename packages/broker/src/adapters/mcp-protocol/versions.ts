/** The stateless revision: no handshake, `_meta` on each request, no server-to-client requests. */
export const MODERN_VERSION = "2026-07-28";

/** Revisions with an `initialize` handshake, newest first. */
export const LEGACY_VERSIONS = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"] as const;

/** The newest revision with a handshake: what we offer when `server/discover` is not known. */
export const NEWEST_LEGACY_VERSION = LEGACY_VERSIONS[0];

export const SUPPORTED_VERSIONS: readonly string[] = [MODERN_VERSION, ...LEGACY_VERSIONS];

/** Which of the two dialects a peer speaks. */
export type Era = "modern" | "legacy";

const ERAS: ReadonlyMap<string, Era> = new Map<string, Era>([
  [MODERN_VERSION, "modern"],
  ...LEGACY_VERSIONS.map((version): [string, Era] => [version, "legacy"]),
]);

/** Returns undefined when the revision is not one of ours. */
export function eraOf(version: string): Era | undefined {
  return ERAS.get(version);
}
