import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { SsoAccount, Via } from "../../domain/person.ts";
import { PERSON_TOKEN_PREFIX } from "../../rest-contract/names.ts";
import type { RestPorts } from "./ports.ts";
import type { Principal } from "./principal.ts";
import { personCookieName, personCookieOf, secretHash } from "./signed-in.ts";

/** A working day in the browser, however busy it is; an idle one ends sooner (IDLE_MS). */
export const PERSON_SESSION_MS = 8 * 60 * 60 * 1000;
/** A sign-in that the command line makes for one command with the operator key. */
const OPERATOR_SESSION_MS = 5 * 60 * 1000;
/** 256 bits: cannot be guessed, so attempts need not be counted. */
const SECRET_BYTES = 32;
/** What a browser calls itself, as much of it as is shown. */
const MAX_CLIENT_CHARS = 200;

type CookiePorts = Pick<RestPorts, "people" | "random" | "now" | "publicUrl">;

/** A secret for a link, a token or a cookie: 256 random bits in base64url, 43 characters. */
export function newSecret(ports: Pick<RestPorts, "random">): string {
  return Buffer.from(ports.random(SECRET_BYTES)).toString("base64url");
}

/** Begins a sign-in and returns its token, for a program to keep. */
export async function beginSession(
  ports: CookiePorts,
  who: { readonly person: string; readonly via: Via; readonly client?: string | undefined; readonly sso?: SsoAccount | undefined },
): Promise<{ readonly token: string; readonly expiresAt: Date }> {
  const token = `${PERSON_TOKEN_PREFIX}${newSecret(ports)}`;
  const at = ports.now();
  const expiresAt = new Date(at.getTime() + (who.via === "operator-key" ? OPERATOR_SESSION_MS : PERSON_SESSION_MS));
  await ports.people.createSession({ tokenHash: secretHash(token), ...who, at, expiresAt });
  return { token, expiresAt };
}

/**
 * Signs this browser in. The token is always a new one and the old sign-in ends: a value that an attacker planted before
 * (session fixation) opens nothing.
 */
export async function signInBrowser(
  ports: CookiePorts,
  c: Context,
  who: { readonly person: string; readonly via: Via; readonly sso?: SsoAccount | undefined },
): Promise<void> {
  await endBrowserSession(ports, c);
  const client = (c.req.header("user-agent") ?? "").slice(0, MAX_CLIENT_CHARS);
  const { token, expiresAt } = await beginSession(ports, { ...who, client });
  setPersonCookie(ports, c, token, expiresAt);
}

/** Ends the sign-in that the request's cookie names. */
export async function endBrowserSession(ports: CookiePorts, c: Context): Promise<void> {
  const token = personCookieOf(ports.publicUrl, c.req.header("cookie") ?? "");
  if (token !== undefined) await ports.people.endSession(secretHash(token));
}

export function forgetPersonCookie(ports: CookiePorts, c: Context): void {
  deleteCookie(c, personCookieName(ports.publicUrl), { path: "/", secure: isSecure(ports) });
}

/** After a step-up the browser's sign-in gets another token: one that was copied before is worth nothing now. */
export async function rotateBrowserSession(ports: CookiePorts, c: Context, principal: Principal): Promise<void> {
  if (principal.kind !== "person" || principal.carrier !== "cookie") return;
  const session = await ports.people.findSession(principal.tokenHash, ports.now());
  const token = `${PERSON_TOKEN_PREFIX}${newSecret(ports)}`;
  if (session === undefined || !(await ports.people.rotateSession(principal.tokenHash, secretHash(token)))) return;
  setPersonCookie(ports, c, token, session.expiresAt);
}

/** Strict: no other site makes a browser send it, not even by a link. Pages that people reach from outside ask `/api/v1` themselves. */
function setPersonCookie(ports: CookiePorts, c: Context, token: string, expires: Date): void {
  setCookie(c, personCookieName(ports.publicUrl), token, {
    httpOnly: true,
    sameSite: "Strict",
    path: "/",
    secure: isSecure(ports),
    expires,
  });
}

/** Cookies that live for one ceremony. The return from an identity provider comes from another site, so its cookie has to be Lax. */
export type ShortCookie = "bailiwick_ceremony" | "bailiwick_sso";

/** Gives this browser a fresh secret for one ceremony, and returns it. */
export function setShortCookie(ports: CookiePorts, c: Context, name: ShortCookie, maxAgeMs: number): string {
  const secret = newSecret(ports);
  setCookie(c, shortName(ports, name), secret, {
    httpOnly: true,
    sameSite: name === "bailiwick_sso" ? "Lax" : "Strict",
    path: "/",
    secure: isSecure(ports),
    maxAge: Math.ceil(maxAgeMs / 1000),
  });
  return secret;
}

/** The secret of a ceremony, and forgets it; undefined when this browser has none. */
export function takeShortCookie(ports: CookiePorts, c: Context, name: ShortCookie): string | undefined {
  const value = getCookie(c, shortName(ports, name));
  deleteCookie(c, shortName(ports, name), { path: "/", secure: isSecure(ports) });
  return value !== undefined && /^[A-Za-z0-9_-]{43}$/u.test(value) ? value : undefined;
}

function shortName(ports: CookiePorts, name: ShortCookie): string {
  return isSecure(ports) ? `__Host-${name}` : name;
}

function isSecure(ports: Pick<RestPorts, "publicUrl">): boolean {
  return ports.publicUrl.startsWith("https:");
}
