import type { KeyObject } from "node:crypto";
import { createSecretKey, randomUUID } from "node:crypto";
import { SignJWT, importJWK } from "jose";
import type { Dispatcher } from "undici";
import { request } from "undici";
import type { AgentKey } from "./agent-key.ts";
import { ClientError } from "./client-error.ts";
import { clockAdvice } from "./clock.ts";
import type { Json, JsonObject } from "./json.ts";
import { isObject, parseJson } from "./json.ts";
import type { Rows } from "./restriction.ts";
import type { Headers, Sender } from "./sender.ts";
import { keylessSender } from "./sender.ts";

/** Budgets of a whole session, its delegates included. */
export interface SessionLimits {
  readonly calls?: number;
  readonly records?: number;
  /** In the currency unit of the broker's catalog. */
  readonly cost?: number;
}

/** What a session is for: as little as its task needs. */
export interface SessionWish {
  /** The piece of work: a ticket, a run. */
  readonly task: string;
  /** What the session is about; policy reads it as `context.session.data`. Default empty. */
  readonly data?: JsonObject;
  /** Scopes (`tool:action`) to narrow the session to. Default: all the agent has. */
  readonly scope?: readonly string[];
  /** Records to narrow the session to. Default: whatever the policy says. */
  readonly rows?: Rows;
  /** Default: only the policy's limits. */
  readonly limits?: SessionLimits;
}

export interface SessionRequest extends SessionWish {
  /** Base URL of the broker, e.g. `https://broker.example`: the one it calls itself by, since proofs name it. */
  readonly url: string;
  readonly key: AgentKey;
  /** The person this work is for. */
  readonly user: string;
  /**
   * Names one execution of the job, `run_` and 16 to 64 letters, digits, `_` or `-`: all sessions under one name count as one run in the
   * audit log. It stands there for good, so choose it at random. Default of a connection: one of its own.
   */
  readonly run?: string;
}

export interface SessionToken {
  readonly accessToken: string;
  readonly expiresInMs: number;
  /** The run its session belongs to; undefined where the broker does not say. */
  readonly run?: string;
  /** Signs requests; only when the token was asked for with `session_key` (proof `hmac`). */
  readonly sessionKey?: KeyObject;
}

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/** An assertion is used once, at once. */
const ASSERTION_TTL_S = 60;
/** The token endpoint answers in milliseconds; a broker that needs longer is not reachable in practice. */
const TOKEN_TIMEOUT_MS = 10_000;

const BEARER = keylessSender("none");

/**
 * Gets a session token: `client_credentials` with a signed assertion (`private_key_jwt`, RFC 7523 section 2.2), bound as `sender` proves
 * itself. Default: a bearer token, which whoever copies it may use. @throws ClientError `broker_unreachable`, `session_refused`,
 * `proof_unsupported`.
 */
export async function getSessionToken(options: SessionRequest, sender: Sender = BEARER, dispatcher?: Dispatcher): Promise<SessionToken> {
  const { run, user } = options;
  const form = { grant_type: "client_credentials", user, ...(run === undefined ? {} : { run }), ...wishForm(options) };
  return requestToken({ url: options.url, key: options.key, form, sender, dispatcher });
}

export interface TokenRequest {
  readonly url: string;
  readonly key: AgentKey;
  readonly form: Headers;
  readonly sender: Sender;
  readonly dispatcher: Dispatcher | undefined;
}

/** One request to the token endpoint. @throws ClientError `broker_unreachable`, `session_refused`, `proof_unsupported`. */
export async function requestToken({ url, key, form, sender, dispatcher }: TokenRequest): Promise<SessionToken> {
  const endpoint = tokenEndpointOf(url);
  const proof = sender.forToken(endpoint);
  const { status, body, date } = await postForm(
    endpoint,
    { ...form, ...proof.form, ...(await clientAuthentication(url, key)) },
    proof.headers,
    dispatcher,
  );
  const { access_token: token, expires_in: expiresIn, run } = body;
  if (status !== 200 || typeof token !== "string" || typeof expiresIn !== "number")
    throw new ClientError(
      "session_refused",
      `the broker gave no session token: ${reasonIn(body, status)}`,
      clockAdvice(date) ?? "correct the request",
    );
  return {
    accessToken: token,
    expiresInMs: expiresIn * 1000,
    ...(typeof run === "string" ? { run } : {}),
    ...bindingOf(sender, token, body),
  };
}

/** A token bound less than asked for is not used: RFC 9449 section 5. */
function bindingOf(sender: Sender, token: string, body: JsonObject): Pick<SessionToken, "sessionKey"> {
  const { token_type: type, session_key: key } = body;
  if (sender.kind === "dpop" && String(type).toLowerCase() !== "dpop") throw unsupported("to a DPoP key");
  if (sender.kind === "mtls" && !isCertificateBound(token)) throw unsupported("to the certificate of this connection");
  if (sender.kind !== "hmac") return {};
  if (typeof key !== "string" || key === "") throw unsupported("to a session key");
  return { sessionKey: createSecretKey(Buffer.from(key, "base64url")) };
}

/** The answer to a token request does not say this; the broker's tokens are JWTs (RFC 9068), and `cnf` does (RFC 8705 section 3.1). */
function isCertificateBound(token: string): boolean {
  const claims = parseJson(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
  const cnf = isObject(claims) ? claims["cnf"] : undefined;
  return isObject(cnf) && typeof cnf["x5t#S256"] === "string";
}

function unsupported(how: string): ClientError {
  return new ClientError(
    "proof_unsupported",
    `the broker does not bind tokens ${how}`,
    'update it, or connect with `proof: "none"` if a bearer token will do',
  );
}

/** The wish as parameters: what RFC 6749 has no place for goes into `authorization_details` (RFC 9396). */
export function wishForm({ task, data, scope, rows, limits }: Omit<SessionWish, "task"> & { readonly task?: string }): Headers {
  const detail = { type: "bailiwick_task", rows, limits };
  return {
    ...(task === undefined ? {} : { task }),
    ...(scope === undefined ? {} : { scope: scope.join(" ") }),
    ...(data === undefined ? {} : { data: JSON.stringify(data) }),
    ...(rows === undefined && limits === undefined ? {} : { authorization_details: JSON.stringify([detail]) }),
  };
}

export function tokenEndpointOf(url: string): string {
  return `${url.replace(/\/+$/u, "")}/oauth/token`;
}

/** Parameters that authenticate the agent to the broker's OAuth endpoints (RFC 7523 section 2.2); each assertion is used once. */
export async function clientAuthentication(url: string, key: AgentKey): Promise<Headers> {
  const privateKey = await importJWK(key.privateJwk, "ES256");
  const assertion = await new SignJWT()
    .setProtectedHeader({ alg: "ES256", kid: key.kid })
    .setIssuer(key.agent)
    .setSubject(key.agent)
    .setAudience(tokenEndpointOf(url))
    .setIssuedAt()
    .setExpirationTime(`${ASSERTION_TTL_S} s`)
    .setJti(randomUUID())
    .sign(privateKey);
  return { client_assertion_type: ASSERTION_TYPE, client_assertion: assertion };
}

export interface FormAnswer {
  readonly status: number;
  readonly body: JsonObject;
  readonly date: string | undefined;
}

/** @throws ClientError `broker_unreachable`. */
export async function postForm(endpoint: string, form: Headers, headers: Headers, dispatcher: Dispatcher | undefined): Promise<FormAnswer> {
  try {
    const answer = await request(endpoint, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json", ...headers },
      body: new URLSearchParams(form).toString(),
      headersTimeout: TOKEN_TIMEOUT_MS,
      bodyTimeout: TOKEN_TIMEOUT_MS,
      ...(dispatcher === undefined ? {} : { dispatcher }),
    });
    const body = parseJson(await answer.body.text());
    const { date } = answer.headers;
    return { status: answer.statusCode, body: isObject(body) ? body : {}, date: typeof date === "string" ? date : undefined };
  } catch (cause) {
    throw new ClientError("broker_unreachable", `the broker at ${new URL(endpoint).origin} cannot be reached`, "is it up?", { cause });
  }
}

export function reasonIn({ error, error_description: description }: JsonObject, status: number): string {
  const text = (value: Json | undefined): string | undefined => (typeof value === "string" ? value : undefined);
  const code = text(error);
  if (code === undefined) return `HTTP ${status}; is this the base URL of a Bailiwick broker?`;
  return [code, text(description)].filter((part) => part !== undefined).join(": ");
}
