import { createHash } from "node:crypto";
import type { Json } from "../json.ts";
import type { Mask } from "../types.ts";
import { isList, isObject } from "../json.ts";

/** What a masked text of `redact` looks like. */
export const REDACTED = "[redacted]";
const HASH_HEX_DIGITS = 12;
const KEPT_CHARACTERS = 4;

/** Reveals least first: `redact` nothing, `token` equality within a session, `hash` equality, `partial` a part of the value. */
const REVEALS: Readonly<Record<Mask, number>> = { redact: 0, token: 1, hash: 2, partial: 3 };

export function weaker(a: Mask, b: Mask): Mask {
  return REVEALS[a] >= REVEALS[b] ? a : b;
}

export function stronger(a: Mask, b: Mask): Mask {
  return REVEALS[a] <= REVEALS[b] ? a : b;
}

/** What masking takes. */
export interface Masking {
  /** Keeps `hash` masks from being guessed. */
  readonly salt: string;
  /** The name that stands for a text of this field; without it a token is `[redacted]`. */
  readonly token?: ((text: string, path: string) => string) | undefined;
}

/**
 * Masks a value, all scalars of an object or list. `null` stays: it reveals only that there is nothing.
 * So that a structured result keeps its declared schema, a number becomes 0 and a boolean false whatever the mask.
 * `path` is that of the field that the rule names.
 */
export function maskValue(value: Json, mask: Mask, path: string, masking: Masking): Json {
  if (value === null) return null;
  if (isList(value)) return value.map((item) => maskValue(item, mask, path, masking));
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, maskValue(item, mask, path, masking)]));
  if (typeof value === "number") return 0;
  if (typeof value === "boolean") return false;
  return maskText(value, mask, path, masking);
}

/** The same for the eyes of a person, who would take a masked number for a 0 and a masked boolean for a no. */
export function concealValue(value: Json, mask: Mask): Json {
  if (isList(value)) return value.map((item) => concealValue(item, mask));
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, concealValue(item, mask)]));
  return typeof value === "number" || typeof value === "boolean" ? REDACTED : maskValue(value, mask, "", { salt: "" });
}

function maskText(text: string, mask: Mask, path: string, { salt, token }: Masking): string {
  switch (mask) {
    case "redact":
      return REDACTED;
    case "token":
      return token === undefined ? REDACTED : token(text, path);
    case "hash":
      return createHash("sha256")
        .update(`${String(Buffer.byteLength(salt))}\n${salt}${text}`)
        .digest("hex")
        .slice(0, HASH_HEX_DIGITS);
    case "partial":
      return partial(text);
  }
}

function partial(text: string): string {
  const at = text.lastIndexOf("@");
  if (at > 0 && !/\s/.test(text)) return `${String.fromCodePoint(text.codePointAt(0) ?? 0)}***${text.slice(at)}`;
  const characters = Array.from(text);
  // A short text would be shown whole or nearly so.
  if (characters.length < KEPT_CHARACTERS * 2) return "*".repeat(characters.length);
  return "*".repeat(characters.length - KEPT_CHARACTERS) + characters.slice(-KEPT_CHARACTERS).join("");
}
