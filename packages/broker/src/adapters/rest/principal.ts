import { hash, timingSafeEqual } from "node:crypto";
import type { PersonConfig } from "@bailiwick/policy";
import type { Context } from "hono";
import { getCookie } from "hono/cookie";
import type { PersonSession } from "../../domain/person.ts";
import { CLIENT_HEADER, OPERATOR_KEY_PREFIX, PERSON_COOKIE, PERSON_TOKEN_PREFIX } from "../../rest-contract/names.ts";
import type { RestPorts } from "./ports.ts";
import { Problem } from "./problem.ts";

/** Who asks: a signed-in person, or whoever holds the operator key of this data folder. Never an agent. */
export type Principal =
  | {
      readonly kind: "person";
      readonly person: PersonConfig;
      readonly via: PersonSession["via"];
      readonly tenants: readonly string[];
      readonly tokenHash: string;
    }
  | { readonly kind: "operator"; readonly tenants: readonly string[] };

/** What an endpoint asks of its caller. `operate` changes what agents can do; `answer` is a person's yes or no. */
export type Need = "view" | "operate" | "answer" | "operator-key";

/** Roles of people that may change what agents can do. */
const OPERATING_ROLES: readonly string[] = ["operator", "owner"];

type PrincipalPorts = Pick<RestPorts, "policy" | "people" | "operatorKeyHash" | "now" | "origins">;

/**
 * Finds out who asks and whether they may.
 * @throws Problem `unauthenticated`, `origin_refused`, `operator_key_required`, `person_required`, `role_required`.
 */
export async function authorize(ports: PrincipalPorts, c: Context, need: Need): Promise<Principal> {
  const principal = await authenticate(ports, c);
  if (principal.kind === "operator") {
    if (need !== "answer") return principal;
    throw new Problem("person_required", "the operator key is no person, and an approval is a person's answer", [
      "sign in as a person, or give the command `--as <person>`",
    ]);
  }
  if (need === "operator-key") {
    throw new Problem("operator_key_required", "this makes sign-in codes for others, so a signed-in person is not enough", [
      "run the command on the broker's machine, where the data folder holds the operator key",
    ]);
  }
  if (need === "operate" && !principal.person.roles.some((role) => OPERATING_ROLES.includes(role))) {
    throw new Problem("role_required", `\`${principal.person.id}\` holds none of the roles ${list(OPERATING_ROLES)}`, [
      "ask someone who holds one of them, or add the role to this person in `bailiwick.yaml`",
    ]);
  }
  return principal;
}

/** The name under which a principal is recorded. */
export function nameOf(principal: Principal): string {
  return principal.kind === "operator" ? "operator-key" : principal.person.id;
}

/** How the principal proved itself, for the record. */
export function viaOf(principal: Principal): PersonSession["via"] {
  return principal.kind === "operator" ? "operator-key" : principal.via;
}

/** SHA-256 in base64url: what is stored of codes, tokens and keys. */
export function secretHash(secret: string): string {
  return hash("sha256", secret, "base64url");
}

/** @throws Problem `origin_refused` when a browser says that the request comes from another site. */
export function checkOrigin(origins: readonly string[], origin: string | undefined): void {
  if (origin !== undefined && origins.includes(origin)) return;
  throw new Problem("origin_refused", "this request was not sent by the broker's own page", [
    "open the console at the broker's own address and try again",
  ]);
}

async function authenticate(ports: PrincipalPorts, c: Context): Promise<Principal> {
  const bearer = bearerOf(c.req.header("authorization"));
  const origin = c.req.header("origin");
  if (origin !== undefined) checkOrigin(ports.origins, origin);
  if (bearer === undefined) return fromCookie(ports, c);
  if (bearer.startsWith(OPERATOR_KEY_PREFIX)) return fromOperatorKey(ports, bearer);
  if (bearer.startsWith(PERSON_TOKEN_PREFIX)) return fromPersonToken(ports, bearer);
  throw new Problem("unauthenticated", "this is no person's token; agents' tokens are not accepted here", SIGN_IN);
}

function bearerOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const match = /^Bearer ([A-Za-z0-9._~+/=-]{1,4096})$/iu.exec(header);
  if (match?.[1] === undefined) throw new Problem("unauthenticated", "the `authorization` header is not a bearer token", SIGN_IN);
  return match[1];
}

function fromOperatorKey(ports: PrincipalPorts, key: string): Principal {
  const given = Buffer.from(secretHash(key));
  const expected = Buffer.from(ports.operatorKeyHash);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new Problem("unauthenticated", "this is not the operator key of this broker", [
      "check that `--data` names the folder of the running broker",
    ]);
  }
  return { kind: "operator", tenants: ports.policy().tenants };
}

/** A cookie is sent by the browser whoever wrote the page, so anything but a read must also prove that our page sent it. */
async function fromCookie(ports: PrincipalPorts, c: Context): Promise<Principal> {
  const token = getCookie(c, PERSON_COOKIE);
  if (token === undefined || !token.startsWith(PERSON_TOKEN_PREFIX))
    throw new Problem("unauthenticated", "the request carries no sign-in", SIGN_IN);
  if (c.req.method !== "GET" && c.req.method !== "HEAD") {
    checkOrigin(ports.origins, c.req.header("origin"));
    if (c.req.header(CLIENT_HEADER) === undefined) {
      throw new Problem("origin_refused", `the request lacks the \`${CLIENT_HEADER}\` header that our page sends`, [
        "send it from the console, or use a bearer token",
      ]);
    }
  }
  return fromPersonToken(ports, token);
}

async function fromPersonToken(ports: PrincipalPorts, token: string): Promise<Principal> {
  const tokenHash = secretHash(token);
  const session = await ports.people.findSession(tokenHash, ports.now());
  if (session === undefined || session.expiresAt <= ports.now())
    throw new Problem("unauthenticated", "this sign-in is unknown, ended or expired", SIGN_IN);
  const policy = ports.policy();
  const person = policy.people.find((candidate) => candidate.id === session.person);
  if (person === undefined) {
    throw new Problem("unauthenticated", "the person of this sign-in is no longer listed in the policy", [
      "ask an owner to list the person in `bailiwick.yaml`",
    ]);
  }
  return {
    kind: "person",
    person,
    via: session.via,
    tenants: person.tenants.filter((tenant) => policy.tenants.includes(tenant)),
    tokenHash,
  };
}

const SIGN_IN = ["run `bailiwick login <person>` and open the link it prints"];

function list(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(", ");
}
