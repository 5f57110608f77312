import type { Json } from "@bailiwick/policy";

/** The object or list that a text holds as JSON; undefined for all other texts. */
export function jsonText(text: string): Json | undefined {
  if (!/^\s*[[{]/u.test(text)) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
