import { z } from "zod";
import type { GuardedFetch } from "../outbound/guarded-fetch.ts";
import type { AuthorizationServer } from "./metadata.ts";
import { ask, jsonOf, TokenRefused, unavailable } from "./unavailable.ts";

/** The broker as one authorization server knows it. */
export interface OwnClient {
  readonly id: string;
  /** How it proves who it is at the token endpoint (RFC 7591 section 2). */
  readonly method: "none" | "client_secret_basic" | "client_secret_post" | "private_key_jwt";
  readonly secret?: string | undefined;
}

export interface TokenPorts {
  readonly fetch: GuardedFetch;
  now(): Date;
  /** A client assertion of the broker (RFC 7523 section 2.2) for one audience. */
  assertion(clientId: string, audience: string): Promise<string>;
}

/** `accessToken` and `refreshToken` must reach nothing but egress, the sealed store and the scrubber. */
export interface Tokens {
  readonly accessToken: string;
  readonly issuedAt: Date;
  readonly expiresAt: Date;
  readonly refreshToken?: string | undefined;
  /** What was granted. Undefined: what was asked for (RFC 6749 section 5.1). */
  readonly scope?: readonly string[] | undefined;
}

/** A server that does not say how long its token lives means a short time. */
const DEFAULT_TOKEN_SECONDS = 5 * 60;
/** A longer life is not used: by then the server may have changed its mind. */
const MAX_TOKEN_SECONDS = 24 * 60 * 60;
const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

const secret = z.string().regex(/^[\x21-\x7e]{8,16384}$/u);
const answerSchema = z.object({
  access_token: secret,
  token_type: z.string().regex(/^bearer$/iu),
  expires_in: z.number().positive().optional(),
  refresh_token: secret.optional(),
  scope: z.string().max(10_000).optional(),
});
const refusalSchema = z.object({ error: z.string().regex(/^[a-z_]{1,40}$/u) });

/**
 * One token request (RFC 6749 section 3.2). `resource` goes with each (RFC 8707).
 * @throws TokenRefused when the server says no; Fault `credential_unavailable` when it cannot be asked.
 */
export async function requestTokens(
  ports: TokenPorts,
  server: AuthorizationServer,
  client: OwnClient,
  form: Readonly<Record<string, string | undefined>>,
): Promise<Tokens> {
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...form, ...(await proofOf(ports, server, client)) }))
    if (value !== undefined) body.set(name, value);
  const issuedAt = ports.now();
  const answer = await ask(ports.fetch, server.token_endpoint, {
    method: "POST",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      ...(client.method === "client_secret_basic" ? { authorization: basic(client) } : {}),
    },
    body: body.toString(),
  });
  const said = await jsonOf(answer);
  const parsed = answer.ok ? answerSchema.safeParse(said) : undefined;
  if (parsed?.success !== true) throw refused(server, answer, said);
  const { access_token: accessToken, expires_in: seconds = DEFAULT_TOKEN_SECONDS, refresh_token: refreshToken, scope } = parsed.data;
  return {
    accessToken,
    issuedAt,
    expiresAt: new Date(issuedAt.getTime() + Math.min(seconds, MAX_TOKEN_SECONDS) * 1000),
    ...(refreshToken === undefined ? {} : { refreshToken }),
    ...(scope === undefined ? {} : { scope: scope.split(" ").filter((each) => each !== "") }),
  };
}

async function proofOf(
  ports: TokenPorts,
  server: AuthorizationServer,
  { id, method, secret: own }: OwnClient,
): Promise<Readonly<Record<string, string | undefined>>> {
  switch (method) {
    case "none":
      return { client_id: id };
    case "client_secret_basic":
      return {};
    case "client_secret_post":
      return { client_id: id, client_secret: own };
    case "private_key_jwt":
      // The issuer is the audience that no other server can claim to have been meant.
      return { client_id: id, client_assertion_type: ASSERTION_TYPE, client_assertion: await ports.assertion(id, server.issuer) };
  }
}

/** RFC 6749 section 2.3.1: both parts are form-encoded first. */
function basic({ id, secret: own = "" }: OwnClient): string {
  const encoded = (text: string): string => new URLSearchParams({ "": text }).toString().slice(1);
  return `Basic ${Buffer.from(`${encoded(id)}:${encoded(own)}`).toString("base64")}`;
}

/** The server's own words are not repeated: they could hold what was sent. Its error code is. */
function refused({ issuer }: AuthorizationServer, { ok, status }: Response, said: unknown): Error {
  const host = URL.parse(issuer)?.host ?? "?";
  if (ok) return unavailable(`\`${host}\` answered with a token that the broker cannot use`);
  const parsed = refusalSchema.safeParse(said);
  if (!parsed.success) return unavailable(`\`${host}\` gave no token (status ${status})`);
  return new TokenRefused(parsed.data.error, `\`${host}\` gave no token (\`${parsed.data.error}\`)`);
}
