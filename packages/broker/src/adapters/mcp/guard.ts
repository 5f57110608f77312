import type { IncomingHttpHeaders } from "node:http";
import type { Settings } from "./settings.ts";

/** Says what in the headers is not this broker's, or undefined when all is. */
export type Guard = (headers: IncomingHttpHeaders) => string | undefined;

/** Refuses requests that a web page could have made a browser send (DNS rebinding): `Host` and, when present, `Origin` must name this broker. */
export function createGuard(settings: Settings): Guard {
  // Parsing the URL anew for each request would cost more than all the rest here, and it hardly ever changes.
  let known = { url: "", host: "" };
  return (headers) => {
    const url = settings.publicUrl();
    if (known.url !== url) known = { url, host: hostName(new URL(url).host) };
    return strangerIn(headers, known.host, settings);
  };
}

function strangerIn(headers: IncomingHttpHeaders, ownHost: string, settings: Settings): string | undefined {
  const host = headers.host === undefined ? undefined : hostName(headers.host);
  if (host === undefined) return "the request has no `Host` header";
  if (host !== ownHost && !LOOPBACK.has(host) && !settings.allowedHosts.has(host))
    return `the host \`${printable(host)}\` is not this broker`;
  const { origin } = headers;
  if (origin === undefined || settings.allowedOrigins.has(origin.toLowerCase())) return undefined;
  const originHost = originHostName(origin);
  if (originHost !== undefined && (originHost === ownHost || LOOPBACK.has(originHost))) return undefined;
  return `the origin \`${printable(origin)}\` is not allowed`;
}

const LOOPBACK: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Host without port, lower case. */
function hostName(host: string): string {
  const lower = host.toLowerCase();
  const end = lower.startsWith("[") ? lower.indexOf("]") + 1 : lower.indexOf(":");
  return end <= 0 ? lower : lower.slice(0, end);
}

function originHostName(origin: string): string | undefined {
  return URL.canParse(origin) ? hostName(new URL(origin).host) : undefined;
}

function printable(text: string): string {
  return text.slice(0, 100).replaceAll(/[^\x20-\x7e]/g, "?");
}
