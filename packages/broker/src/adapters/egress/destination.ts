import { isIPv6 } from "node:net";

/** Where a request through the proxy wants to go. */
export interface Destination {
  readonly host: string;
  readonly port: number;
}

/** What an `http:` request through the proxy asks for: where, and the target as its server is told it. */
export interface AbsoluteTarget extends Destination {
  /** As in a `host` header: without the port when it is 80. */
  readonly authority: string;
  readonly target: string;
}

/**
 * One spelling for one host: lower case, without a dot at its end, internationalised names in ASCII, addresses as dotted decimals
 * (`0x7f.1` and `2130706433` are `127.0.0.1`), IPv6 shortened and without brackets. Undefined when it is no host.
 */
export function canonicalHost(text: string): string | undefined {
  if (text === "" || text.length > MAX_HOST || /[\s/?#@\\]/u.test(text)) return undefined;
  const url = URL.parse(`http://${isIPv6(text) ? `[${text}]` : text}:1/`);
  if (url === null || url.port !== "1" || url.username !== "" || url.pathname !== "/") return undefined;
  const host = url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname.replace(/\.$/u, "");
  return isIPv6(host) || HOST_NAME.test(host) ? host : undefined;
}

/** RFC 1035 section 2.3.4. */
const MAX_HOST = 253;
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/u;

/** The target of a CONNECT (RFC 9110 section 9.3.6): host and port, nothing else. Undefined when it is none. */
export function authorityOf(text: string): Destination | undefined {
  const [, bracketed, name, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):([0-9]{1,5})$/u.exec(text) ?? [];
  if (bracketed !== undefined && !isIPv6(bracketed)) return undefined;
  const host = canonicalHost(bracketed ?? name ?? "");
  const port = Number(digits);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}

/** The target of a request in absolute form (RFC 9112 section 3.2.2). Undefined when it is none, or holds a user name. */
export function absoluteTarget(text: string): AbsoluteTarget | undefined {
  if (!/^http:\/\/[^\s\\]+$/iu.test(text)) return undefined;
  const url = URL.parse(text);
  if (url === null || url.username !== "" || url.password !== "") return undefined;
  const host = canonicalHost(url.hostname.replaceAll(/^\[|\]$/gu, ""));
  const port = url.port === "" ? 80 : Number(url.port);
  if (host === undefined || port < 1) return undefined;
  const name = isIPv6(host) ? `[${host}]` : host;
  return { host, port, authority: port === 80 ? name : `${name}:${port}`, target: `${url.pathname}${url.search}` };
}
