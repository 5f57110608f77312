import { isAlphanumeric } from "../chars.ts";
import type { Finding } from "../finding.ts";
import type { Plain } from "../plain.ts";
import { type Alphabet, SECRET_FORMS, type SecretForm } from "./table.ts";

/** Forms by the first two characters of their prefix, the longest prefix first: `sk-ant-` before `sk-`. */
const BY_START: ReadonlyMap<number, readonly SecretForm[]> = Map.groupBy(
  SECRET_FORMS.toSorted((left, right) => right.prefix.length - left.prefix.length),
  ({ prefix }) => pair(prefix.charCodeAt(0), prefix.charCodeAt(1)),
);

/** Secrets with a provider's prefix. */
export function findPrefixed(plain: Plain): readonly Finding[] {
  const { text } = plain;
  const found: Finding[] = [];
  for (let at = 0; at < text.length - 1; at += 1) {
    const forms = BY_START.get(pair(text.charCodeAt(at), text.charCodeAt(at + 1)));
    const one = forms === undefined ? undefined : formAt(plain, at, forms);
    if (one === undefined) continue;
    found.push(one);
    at = one.end - 1;
  }
  plain.work += text.length;
  return found;
}

function pair(first: number, second: number): number {
  return first * 0x1_00_00 + second;
}

function formAt(plain: Plain, at: number, forms: readonly SecretForm[]): Finding | undefined {
  const inWord = isAlphanumeric(plain.text.charCodeAt(at - 1));
  for (const form of forms) {
    if (!plain.text.startsWith(form.prefix, at)) continue;
    const end = valueEnd(plain, at + form.prefix.length, form);
    if (end === undefined) continue;
    const checked = form.check?.(plain.text.slice(at, end));
    // In the middle of a word the prefix is chance, unless check digits say otherwise.
    if (inWord && checked !== true) continue;
    return { kind: "secret", start: at, end, sure: checked === false ? "shaped" : "checked", what: form.what };
  }
  return undefined;
}

function valueEnd(plain: Plain, start: number, { alphabet, least, most = least, rest }: SecretForm): number | undefined {
  const { text } = plain;
  const has = ALPHABETS[alphabet];
  let end = start;
  while (end - start <= most && has(text.charCodeAt(end))) end += 1;
  plain.work += end - start;
  if (end - start > most) return undefined;
  // A full stop or a dash behind it belongs to the sentence.
  while (end - start > least && (text[end - 1] === "." || text[end - 1] === "-")) end -= 1;
  if (end - start < least) return undefined;
  return rest === undefined || rest.test(text.slice(start, end)) ? end : undefined;
}

const ALPHABETS: Readonly<Record<Alphabet, (code: number) => boolean>> = {
  hex: (code) => isDigit(code) || (code >= 0x61 && code <= 0x66) || (code >= 0x41 && code <= 0x46),
  upper: (code) => isDigit(code) || (code >= 0x41 && code <= 0x5a),
  alnum: isAlphanumeric,
  word: (code) => isAlphanumeric(code) || code === 0x2d || code === 0x5f,
  token: (code) => isAlphanumeric(code) || code === 0x2d || code === 0x5f || code === 0x2e,
  base64: (code) => isAlphanumeric(code) || code === 0x2d || code === 0x5f || code === 0x2b || code === 0x2f || code === 0x3d,
};

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}
