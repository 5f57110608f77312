import { timingSafeEqual } from "node:crypto";
import type { PersonConfig } from "@bailiwick/policy";
import type { Context } from "hono";
import type { Doer } from "../../domain/admin-record.ts";
import type { Via } from "../../domain/person.ts";
import { CLIENT_HEADER, OPERATOR_KEY_PREFIX, PERSON_TOKEN_PREFIX } from "../../rest-contract/names.ts";
import type { RestPorts } from "./ports.ts";
import { Problem } from "./problem.ts";
import { personCookieOf, personOfToken, secretHash } from "./signed-in.ts";

export { secretHash } from "./signed-in.ts";

/** Who asks: a signed-in person, or whoever holds the operator key of this data folder. Never an agent. */
export type Principal =
  | {
      readonly kind: "person";
      readonly person: PersonConfig;
      readonly via: Via;
      readonly tenants: readonly string[];
      readonly tokenHash: string;
      /** A browser's cookie can be given another value in the answer; a program's bearer token cannot. */
      readonly carrier: "cookie" | "bearer";
    }
  | { readonly kind: "operator"; readonly tenants: readonly string[] };

/**
 * What an endpoint asks of its caller.
 * `view`: anybody the policy lists. `self`: a person, about their own account. `answer`: a person's yes or no; which of their roles count
 * is said by the approval. `operate`: changes what agents can do. `author`: prepares changes of the policy. `invite`: decides how others
 * sign in. `operator-key`: the holder of the data folder.
 */
export type Need = "view" | "self" | "answer" | "operate" | "author" | "invite" | "operator-key";

/** Roles of people with a meaning of their own; each of them suffices. Policies may name any other, and approvals are answered by those they name. */
const ROLES_FOR: Readonly<Record<"operate" | "author" | "invite", readonly string[]>> = {
  operate: ["operator", "owner"],
  author: ["author", "operator", "owner"],
  invite: ["owner"],
};

/** Holding this role makes a person read-only, whatever else they hold: who checks the books does not write them. */
const READ_ONLY_ROLE = "auditor";

type PrincipalPorts = Pick<RestPorts, "policy" | "people" | "operatorKeyHash" | "now" | "origins" | "publicUrl">;

/**
 * Finds out who asks and whether they may.
 * @throws Problem `unauthenticated`, `origin_refused`, `operator_key_required`, `person_required`, `role_required`.
 */
export async function authorize(ports: PrincipalPorts, c: Context, need: Need): Promise<Principal> {
  const principal = await authenticate(ports, c);
  const problem = principal.kind === "operator" ? operatorProblem(need) : personProblem(principal.person, need);
  if (problem !== undefined) throw problem;
  return principal;
}

/** Why the holder of the operator key may not, or undefined. */
function operatorProblem(need: Need): Problem | undefined {
  switch (need) {
    case "answer":
      return new Problem("person_required", "the operator key is no person, and an approval is a person's answer", [
        "sign in as a person, or give the command `--as <person>`",
      ]);
    case "self":
      return new Problem("person_required", "the operator key is no person and has no account", ["sign in as a person"]);
    case "view":
    case "operate":
    case "author":
    case "invite":
    case "operator-key":
      return undefined;
  }
}

/** Why a person may not, or undefined. */
function personProblem(person: PersonConfig, need: Need): Problem | undefined {
  switch (need) {
    case "view":
    case "self":
      return undefined;
    case "operator-key":
      return new Problem("operator_key_required", "this makes sign-in codes for others, so a signed-in person is not enough", [
        "run the command on the broker's machine, where the data folder holds the operator key",
      ]);
    case "answer":
      return readOnlyProblem(person);
    case "operate":
    case "author":
    case "invite": {
      const roles = ROLES_FOR[need];
      if (person.roles.some((role) => roles.includes(role))) return readOnlyProblem(person);
      return new Problem("role_required", `\`${person.id}\` holds none of the roles ${list(roles)}`, [
        "ask someone who holds one of them, or add the role to this person in `bailiwick.yaml`",
      ]);
    }
  }
}

/** Why an auditor may not change anything; undefined for everybody else. */
export function readOnlyProblem(person: PersonConfig): Problem | undefined {
  if (!person.roles.includes(READ_ONLY_ROLE)) return undefined;
  return new Problem("role_required", `\`${person.id}\` holds the role \`${READ_ONLY_ROLE}\`, which only reads`, [
    "ask someone who is no auditor",
  ]);
}

/** Who the principal is to the log. */
export function doerOf(principal: Principal): Doer {
  return principal.kind === "operator" ? { named: "operator" } : { person: principal.person.id };
}

/** The name under which the stores keep who did something. */
export function nameOf(principal: Principal): string {
  return principal.kind === "operator" ? "operator-key" : principal.person.id;
}

/** How the principal proved itself, for the record. */
export function viaOf(principal: Principal): Via {
  return principal.kind === "operator" ? "operator-key" : principal.via;
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
  if (bearer.startsWith(PERSON_TOKEN_PREFIX)) return fromPersonToken(ports, bearer, "bearer");
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
  const token = personCookieOf(ports.publicUrl, c.req.header("cookie") ?? "");
  if (token === undefined) throw new Problem("unauthenticated", "the request carries no sign-in", SIGN_IN);
  if (c.req.method !== "GET" && c.req.method !== "HEAD") {
    checkOrigin(ports.origins, c.req.header("origin"));
    if (c.req.header(CLIENT_HEADER) === undefined) {
      throw new Problem("origin_refused", `the request lacks the \`${CLIENT_HEADER}\` header that our page sends`, [
        "send it from the console, or use a bearer token",
      ]);
    }
  }
  return fromPersonToken(ports, token, "cookie");
}

async function fromPersonToken(ports: PrincipalPorts, token: string, carrier: "cookie" | "bearer"): Promise<Principal> {
  const signedIn = await personOfToken(ports, token);
  if (signedIn === undefined)
    throw new Problem("unauthenticated", "this sign-in is unknown, ended or expired, or its person has left the policy", SIGN_IN);
  const { person, via, tokenHash } = signedIn;
  const { tenants } = ports.policy();
  return { kind: "person", person, via, tenants: person.tenants.filter((tenant) => tenants.includes(tenant)), tokenHash, carrier };
}

const SIGN_IN = ["sign in at `/sign-in`, or run `bailiwick login <person>` and open the link it prints"];

function list(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(", ");
}
