import { randomUUID } from "node:crypto";
import { SignJWT, importJWK } from "jose";
import { request } from "undici";
import type { AgentKey } from "./agent-key.ts";
import type { JsonObject } from "./json.ts";
import { isObject, parseJson } from "./json.ts";

export interface SessionRequest {
  /** Base URL of the broker, e.g. `https://broker.example`. */
  readonly url: string;
  readonly key: AgentKey;
  /** The person this work is for. */
  readonly user: string;
  /** The piece of work: a ticket, a run. */
  readonly task: string;
  /** What the session is about; policy reads it as `context.session.data`. Default empty. */
  readonly data?: JsonObject;
  /** Scopes (`tool:action`) to narrow the session to. Default: all the agent has. */
  readonly scope?: readonly string[];
}

export interface SessionToken {
  readonly accessToken: string;
  readonly expiresInMs: number;
}

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/** An assertion is used once, at once. */
const ASSERTION_TTL_S = 60;
/** The token endpoint answers in milliseconds; a broker that needs longer is not reachable in practice. */
const TOKEN_TIMEOUT_MS = 10_000;

/**
 * Gets a session token: `client_credentials` with a signed assertion (`private_key_jwt`, RFC 7523 section 2.2).
 * @throws Error with the broker's own words when it refuses.
 */
export async function getSessionToken(options: SessionRequest): Promise<SessionToken> {
  const endpoint = `${options.url.replace(/\/+$/, "")}/oauth/token`;
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_assertion_type: ASSERTION_TYPE,
    client_assertion: await assertion(options.key, endpoint),
    user: options.user,
    task: options.task,
  });
  if (options.scope !== undefined) form.set("scope", options.scope.join(" "));
  if (options.data !== undefined) form.set("data", JSON.stringify(options.data));
  const answer = await request(endpoint, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
    body: form.toString(),
    headersTimeout: TOKEN_TIMEOUT_MS,
    bodyTimeout: TOKEN_TIMEOUT_MS,
  });
  const body = parseJson(await answer.body.text());
  const token = isObject(body) ? body["access_token"] : undefined;
  const expiresIn = isObject(body) ? body["expires_in"] : undefined;
  if (answer.statusCode !== 200 || typeof token !== "string" || typeof expiresIn !== "number") {
    throw new Error(`the broker gave no session token: ${reasonIn(body, answer.statusCode)}`);
  }
  return { accessToken: token, expiresInMs: expiresIn * 1000 };
}

async function assertion(key: AgentKey, audience: string): Promise<string> {
  const privateKey = await importJWK(key.privateJwk, "ES256");
  return new SignJWT()
    .setProtectedHeader({ alg: "ES256", kid: key.kid })
    .setIssuer(key.agent)
    .setSubject(key.agent)
    .setAudience(audience)
    .setIssuedAt()
    .setExpirationTime(`${ASSERTION_TTL_S} s`)
    .setJti(randomUUID())
    .sign(privateKey);
}

function reasonIn(body: unknown, status: number): string {
  if (!isObject(body)) return `HTTP ${status}; is this the base URL of a Bailiwick broker?`;
  const { error, error_description: description } = body;
  return `${typeof error === "string" ? error : `HTTP ${status}`}${typeof description === "string" ? `: ${description}` : ""}`;
}
