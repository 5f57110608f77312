/** The session token of a `proxy-authorization` header: the password of Basic (RFC 7617; the user name says nothing), or Bearer. */
export function proxyToken(header: string | undefined): string | undefined {
  const [, scheme, value] = /^(basic|bearer) +([\w.~+/-]+=*) *$/iu.exec(header ?? "") ?? [];
  if (scheme === undefined || value === undefined) return undefined;
  if (scheme.toLowerCase() === "bearer") return value;
  const text = Buffer.from(value, "base64").toString("utf8");
  const colon = text.indexOf(":");
  const token = colon < 0 ? "" : text.slice(colon + 1);
  return /^[\w.~+/-]+=*$/u.test(token) ? token : undefined;
}
