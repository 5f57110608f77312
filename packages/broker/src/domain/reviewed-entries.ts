import type { JsonObject } from "@bailiwick/policy";

/** Entries of tools as people reviewed them, by fingerprint: what is kept cannot be taken for anything else. */
export interface ReviewedEntries {
  /** Undefined when this broker has never seen it. */
  find(fingerprint: string): Promise<JsonObject | undefined>;
}
