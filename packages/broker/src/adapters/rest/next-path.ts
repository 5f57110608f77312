/** A path of ours is never longer; a consent page's address with its parameters fits. */
const MAX_NEXT_CHARS = 2_048;
/** Control characters and the backslash: browsers drop the first and read the second as a slash. */
const UNSAFE = /[\p{Cc}\\]/u;

/**
 * Where a browser goes after signing in: `next` when it is a path on the broker's own origin, else `/`.
 * The attack is an open redirect: `//evil.example`, `/\evil.example`, `https://evil.example` and `javascript:` all become `/`.
 */
export function safeNext(next: string | undefined): string {
  if (next === undefined || next.length > MAX_NEXT_CHARS || !next.startsWith("/") || next.startsWith("//") || UNSAFE.test(next)) return "/";
  const base = "http://broker.invalid";
  const url = URL.parse(next, base);
  if (url === null || url.origin !== base || url.pathname.startsWith("//")) return "/";
  return `${url.pathname}${url.search}${url.hash}`;
}

/** The sign-in page, which leads on to `next`, a path on the broker's own origin. */
export function signInUrl(next: string): string {
  const path = safeNext(next);
  return path === "/" ? "/sign-in" : `/sign-in?next=${encodeURIComponent(path)}`;
}
