import type { Finding } from "../finding.ts";
import type { Plain } from "../plain.ts";
import { entropy } from "./checks.ts";
import { isPlaceholder } from "./shaped.ts";

const MIN_VALUE = 8;
const MAX_VALUE = 512;
/** A value's beginning says enough, and keeps the cost down where key words follow each other without end. */
const MAX_JUDGED = 64;
/** Bits per character. Chosen values of passwords lie above, words below or are stopped by the mix that is asked for. */
const MIN_ENTROPY = 2.5;

/** `password=`, `"api_key": "`, `Authorization: Bearer `: the key word, what joins it to its value, and an opening quote. */
const KEYED =
  /(?:passwords?|passwd|passphrase|pwd|secret|client[_-]?secret|secret[_-]?(?:access[_-]?)?key|api[_-]?key|apikey|access[_-]?key|private[_-]?key|auth[_-]?token|access[_-]?token|refresh[_-]?token|token|credential|kennwort|passwort|mot de passe|contrase(?:ñ|n)a)["'\\]{0,3} {0,3}(?::=|=>|[:=]| is ) {0,3}["'\\]{0,3}|authorization["'\\]{0,3} {0,3}[:=] {0,3}["'\\]{0,3}(?:bearer|basic|token) {1,3}/giu;

/** Values beside a word that says they are secret, when they look random; without such a word, randomness is no sign. */
export function findKeyed(plain: Plain): readonly Finding[] {
  const { text } = plain;
  const found: Finding[] = [];
  let behind = 0;
  for (const { index, 0: key } of text.matchAll(KEYED)) {
    const start = index + key.length;
    if (start < behind) continue;
    const quote = /["']$/u.exec(key)?.[0];
    const value = valueAt(text, start, quote ?? (inQuery(text, index) ? "&" : undefined));
    plain.work += key.length + value.length;
    if (!looksSecret(value.slice(0, MAX_JUDGED))) continue;
    behind = start + value.length;
    found.push({ kind: "secret", start, end: behind, sure: "shaped", what: "value beside a key word" });
  }
  return found;
}

/** `?token=`, `&token=`: there an ampersand ends the value; elsewhere it may be a part of it. */
function inQuery(text: string, key: number): boolean {
  return text[key - 1] === "?" || text[key - 1] === "&";
}

function valueAt(text: string, start: number, end: string | undefined): string {
  const piece = text.slice(start, start + MAX_VALUE);
  const close = end === undefined ? -1 : piece.indexOf(end);
  const whole = close === -1 ? piece : piece.slice(0, close);
  const stop = whole.search(end === undefined || end === "&" ? /[\s"'`,;<>\\]/u : /[\s\\]/u);
  const value = stop === -1 ? whole : whole.slice(0, stop);
  return end === undefined ? value.replace(/[.)\]}!?]{1,4}$/u, "") : value;
}

function looksSecret(value: string): boolean {
  if (value.length < MIN_VALUE || isPlaceholder(value) || entropy(value) < MIN_ENTROPY) return false;
  const kinds = [/[a-z]/u, /[A-Z]/u, /\d/u, /[^a-zA-Z\d]/u].filter((kind) => kind.test(value)).length;
  // `token: Authorization` and `secret = config.value` are words and code; digits among letters are not.
  return /\d/u.test(value) ? kinds >= 2 : kinds >= 3 && /[^\w.()[\]-]/u.test(value);
}
