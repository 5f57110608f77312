import { ask } from "./api.js";

/** Where to go after signing in: a path of this origin, or the start. The broker checks it again. */
export function nextPath() {
  const next = new URLSearchParams(location.search).get("next");
  if (next === null || !next.startsWith("/") || next.startsWith("//") || /[\p{Cc}\\]/u.test(next)) return "/";
  const url = URL.parse(next, location.origin);
  return url !== null && url.origin === location.origin ? `${url.pathname}${url.search}${url.hash}` : "/";
}

/**
 * Passkeys belong to a name, and loopback addresses are none: the page moves from `127.0.0.1` to `localhost`. Resolves with the ways to
 * sign in, or with undefined when the browser is on its way to the right place.
 */
export async function methodsHere() {
  const methods = await ask("/sign-in/methods");
  const loopback = /^(127(\.\d{1,3}){3}|\[::1\])$/u.test(location.hostname);
  if (loopback && methods.passkeyOrigin !== undefined && methods.passkeyOrigin !== location.origin) {
    location.replace(`${methods.passkeyOrigin}${location.pathname}${location.search}${location.hash}`);
    return undefined;
  }
  return methods;
}

/** Says what went wrong and what to do, in the page's alert. */
export function complain(box, error) {
  box.textContent = error === undefined ? "" : [error.message, ...(error.next ?? [])].join(". ");
  box.hidden = error === undefined;
}

/** Runs what a button does; while it runs the button is off, and what it throws is shown. */
export async function during(button, box, work) {
  complain(box, undefined);
  button.disabled = true;
  try {
    await work();
  } catch (error) {
    complain(box, error);
  } finally {
    button.disabled = false;
  }
}
