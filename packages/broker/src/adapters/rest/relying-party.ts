import { isIP } from "node:net";

/** Whom passkeys are made for (Web Authentication Level 3, section 5.1.2): a domain, and the one origin where people use it. */
export interface RelyingParty {
  readonly rpId: string;
  readonly origin: string;
}

/**
 * The relying party of a broker at `publicUrl`; undefined where browsers offer no passkeys: an address instead of a name, or plain http.
 * A loopback address becomes `localhost`, the one name that browsers treat as secure without https.
 */
export function relyingParty(publicUrl: string): RelyingParty | undefined {
  const url = new URL(peopleUrl(publicUrl));
  const secure = url.protocol === "https:" || url.hostname === "localhost";
  return secure && isIP(url.hostname.replaceAll(/[[\]]/gu, "")) === 0 ? { rpId: url.hostname, origin: url.origin } : undefined;
}

/** The URL that people open: `publicUrl`, with `localhost` for a loopback address, because passkeys belong to names. No trailing slash. */
export function peopleUrl(publicUrl: string): string {
  const url = new URL(publicUrl);
  if (url.protocol !== "http:" || !/^(127(\.\d{1,3}){3}|\[::1\])$/u.test(url.hostname)) return publicUrl;
  url.hostname = "localhost";
  return url.href.replace(/\/$/u, "");
}

/** Origins that the broker's own pages have. */
export function peopleOrigins(publicUrl: string): readonly string[] {
  return [...new Set([new URL(publicUrl).origin, new URL(peopleUrl(publicUrl)).origin])];
}
