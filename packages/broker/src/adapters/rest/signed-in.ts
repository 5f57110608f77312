import { hash } from "node:crypto";
import type { PersonConfig } from "@bailiwick/policy";
import { parse } from "hono/utils/cookie";
import type { PersonSession } from "../../domain/person.ts";
import { PERSON_COOKIE, PERSON_COOKIE_SECURE, PERSON_TOKEN_PREFIX } from "../../rest-contract/names.ts";
import type { RestPorts } from "./ports.ts";

/** The person a browser is signed in as. */
export interface SignedIn {
  readonly person: PersonConfig;
  readonly via: PersonSession["via"];
  /** Names the sign-in; what is stored of its token. */
  readonly tokenHash: string;
}

/** What it takes to find out who is signed in. */
export type SignedInPorts = Pick<RestPorts, "policy" | "people" | "now" | "publicUrl">;

/**
 * The person whose cookie came with a request; undefined when there is none, it is unknown, ended or expired, or the person has left
 * the policy. It says who, never that this person's page sent the request: before anything is changed, the caller checks the origin.
 * @throws Fault `store_unavailable`.
 */
export async function signedInPerson(
  ports: SignedInPorts,
  headers: { readonly cookie?: string | undefined },
): Promise<SignedIn | undefined> {
  const token = headers.cookie === undefined ? undefined : personCookieOf(ports.publicUrl, headers.cookie);
  return token === undefined ? undefined : personOfToken(ports, token);
}

/**
 * The cookie that carries a person's sign-in. Behind https it is `__Host-`: no other host, no sub-domain and no unencrypted page can set it.
 * Browsers refuse that prefix on plain http, which the broker speaks on loopback only.
 */
export function personCookieName(publicUrl: string): string {
  return publicUrl.startsWith("https:") ? PERSON_COOKIE_SECURE : PERSON_COOKIE;
}

/** The token in a `cookie` header; undefined when it holds none. */
export function personCookieOf(publicUrl: string, header: string): string | undefined {
  const name = personCookieName(publicUrl);
  const token = parse(header, name)[name];
  return token !== undefined && token.startsWith(PERSON_TOKEN_PREFIX) ? token : undefined;
}

/** The person a token belongs to, while it is valid and the policy lists them. */
export async function personOfToken(ports: Omit<SignedInPorts, "publicUrl">, token: string): Promise<SignedIn | undefined> {
  const tokenHash = secretHash(token);
  const session = await ports.people.findSession(tokenHash, ports.now());
  if (session === undefined || session.expiresAt <= ports.now()) return undefined;
  const person = ports.policy().people.find((candidate) => candidate.id === session.person);
  return person === undefined ? undefined : { person, via: session.via, tokenHash };
}

/** SHA-256 in base64url: what is stored of codes, tokens and keys. */
export function secretHash(secret: string): string {
  return hash("sha256", secret, "base64url");
}
