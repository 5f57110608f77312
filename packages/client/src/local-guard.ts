import { hash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** What is wrong with a request to the local endpoint. */
export interface Unwelcome {
  readonly status: 403 | 404 | 405;
  readonly message: string;
}

/**
 * Lets in only programs of this machine that were told the secret. A web page can make a browser send requests here too: with a foreign
 * `Host` (DNS rebinding) or with its own `Origin`; neither passes, whatever it knows.
 */
export function createLocalGuard(
  port: number,
  secret: string,
): (method: string, url: string, headers: IncomingHttpHeaders) => Unwelcome | undefined {
  const hosts = new Set(["127.0.0.1", "localhost", "[::1]"].map((name) => `${name}:${port}`));
  const own = digest(secret);
  const knows = (given: string | undefined): boolean => given !== undefined && timingSafeEqual(digest(given), own);
  return (method, url, headers) => {
    if (!hosts.has((headers.host ?? "").toLowerCase())) return stranger("`Host` is not this endpoint's");
    const { origin } = headers;
    if (origin !== undefined && !hosts.has(origin.toLowerCase().replace(/^http:\/\//u, "")))
      return stranger("web pages have no business here");
    const { path, given } = place(url, headers);
    if (path !== "/mcp" || !knows(given))
      return { status: 404, message: "there is nothing here; use the whole URL that `bailiwick connect` printed when it started" };
    if (method !== "POST" && method !== "GET" && method !== "DELETE") return { status: 405, message: "use POST, GET or DELETE" };
    return undefined;
  };
}

/** The secret is the first part of the path, for clients that take a URL only, or a bearer token. */
function place(url: string, headers: IncomingHttpHeaders): { readonly path: string; readonly given: string | undefined } {
  const path = url.split(/[?#]/u, 1)[0] ?? "";
  const [, first, rest] = /^\/([^/]+)(\/.*)$/u.exec(path) ?? [];
  if (first !== undefined && rest !== undefined) return { path: rest, given: first };
  return { path, given: /^bearer +(\S+) *$/iu.exec(headers.authorization ?? "")?.[1] };
}

function stranger(why: string): Unwelcome {
  return { status: 403, message: `${why}; this endpoint serves programs of this machine only` };
}

/** Equal lengths, so that the comparison takes the same time for every guess. */
function digest(text: string): Buffer {
  return hash("sha256", text, "buffer");
}
