import { digest } from "@bailiwick/ledger";
import type { Json, JsonObject } from "@bailiwick/policy";

/**
 * What a person reviewed of one listed entry (tool, prompt, resource or template): `sha256:` and 64 hex digits.
 *
 * It covers everything a model reads or a client acts on: names, texts, schemas and annotations, because a changed
 * description steers an agent as much as a changed schema does. It leaves out `_meta` and `icons`, which servers
 * fill with volatile values; neither reaches a decision. Member order does not matter; absent and `null` differ.
 */
export function fingerprint(entry: JsonObject): string {
  const kept = known.get(entry);
  if (kept !== undefined) return kept;
  const made = fingerprintOf(entry);
  known.set(entry, made);
  return made;
}

// Listings are asked once and looked at on every call; entries are never changed in place.
const known = new WeakMap<JsonObject, string>();

function fingerprintOf(entry: JsonObject): string {
  return digest(signedFor(entry));
}

/** The members of an entry that its fingerprint covers: what a reviewer signs for. */
export function signedFor(entry: JsonObject): JsonObject {
  const covered: Record<string, Json> = {};
  for (const member of COVERED) {
    const value = entry[member];
    if (value !== undefined) covered[member] = value;
  }
  return covered;
}

const COVERED = [
  "name",
  "title",
  "description",
  "inputSchema",
  "outputSchema",
  "annotations",
  "arguments",
  "uri",
  "uriTemplate",
  "mimeType",
] as const;
