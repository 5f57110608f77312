import { isAlphanumeric } from "../chars.ts";
import type { Finding } from "../finding.ts";
import type { Plain } from "../plain.ts";
import { isJoseHeader } from "./checks.ts";

const MAX_JWT_PART = 8_192;
/** `{"alg":""}` in base64url. */
const MIN_HEADER = 14;
const MAX_PEM = 16_384;
const MAX_USER_INFO = 256;

/** JSON Web Tokens in compact form with their signature (RFC 7515 section 7.1): three parts, the first of which says `alg`. */
export function findJwts(plain: Plain): readonly Finding[] {
  const { text } = plain;
  const found: Finding[] = [];
  let behind = 0;
  for (let start = text.indexOf("eyJ"); start !== -1; start = text.indexOf("eyJ", Math.max(start + 3, behind))) {
    const header = partEnd(plain, start);
    behind = header;
    if (header - start < MIN_HEADER || text[header] !== "." || isAlphanumeric(text.charCodeAt(start - 1))) continue;
    const claims = partEnd(plain, header + 1);
    const signature = text[claims] === "." ? partEnd(plain, claims + 1) : claims;
    if (signature <= claims + 1 || !isJoseHeader(text.slice(start, header))) continue;
    const end = restOfJwe(plain, signature);
    found.push({ kind: "secret", start, end, sure: "checked", what: "JSON Web Token" });
    behind = end;
  }
  return found;
}

/** The two parts that an encrypted token has more (RFC 7516 section 7.1). */
function restOfJwe(plain: Plain, start: number): number {
  let end = start;
  for (let part = 0; part < 2 && plain.text[end] === "."; part += 1) {
    const next = partEnd(plain, end + 1);
    if (next === end + 1) return end;
    end = next;
  }
  return end;
}

function partEnd(plain: Plain, start: number): number {
  const { text } = plain;
  let end = start;
  while (end - start < MAX_JWT_PART && isBase64Url(text.charCodeAt(end))) end += 1;
  plain.work += end - start + 1;
  return end;
}

function isBase64Url(code: number): boolean {
  return isAlphanumeric(code) || code === 0x2d || code === 0x5f;
}

/** Private keys between their lines (RFC 7468), also of PGP; one that is cut off counts up to the end of the text or a bound. */
export function findPems(plain: Plain): readonly Finding[] {
  const { text } = plain;
  const found: Finding[] = [];
  let behind = 0;
  for (const { index: start, 0: line } of text.matchAll(/-----BEGIN (?:[A-Z]{2,12} ){0,2}PRIVATE KEY(?: BLOCK)?-----/gu)) {
    if (start < behind) continue;
    const piece = text.slice(start, start + MAX_PEM);
    plain.work += piece.length;
    const last = piece.indexOf("-----END ", line.length);
    const close = last === -1 ? -1 : piece.indexOf("-----", last + 9);
    const end = close === -1 ? start + piece.length : start + close + 5;
    found.push({ kind: "secret", start, end, sure: "checked", what: "private key" });
    behind = end;
  }
  return found;
}

/** The password of `scheme://user:password@host` (RFC 3986 section 3.2.1), of databases and of web addresses. */
export function findUserInfos(plain: Plain): readonly Finding[] {
  const { text } = plain;
  const found: Finding[] = [];
  for (let anchor = text.indexOf("://"); anchor !== -1; anchor = text.indexOf("://", anchor + 3)) {
    const piece = text.slice(anchor + 3, anchor + 3 + MAX_USER_INFO);
    plain.work += piece.length;
    const info = /^[^\s/?#@:"'<>]{0,128}:([^\s/?#"'<>]{1,200})@[^\s@]/u.exec(piece);
    const password = info?.[1];
    if (info === null || password === undefined || isPlaceholder(password)) continue;
    // Up to the last `@` of the authority: passwords hold them unencoded often enough.
    const end = anchor + 3 + info[0].length - 2;
    found.push({ kind: "secret", start: end - password.length, end, sure: "shaped", what: "password in an address" });
  }
  return found;
}

/** What documents write where a secret would stand. */
export function isPlaceholder(value: string): boolean {
  return (
    /^(?:[x*.•_-]+|<.*|\{.*|\$.*|%.*|\[.*|(?:your|my|the|some|example|changeme|placeholder|redacted|undefined|password|secret|token|null|none|true|false)[\w-]*)$/iu.test(
      value,
    ) || new Set(value).size <= 2
  );
}
