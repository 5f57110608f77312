import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { Fault } from "../../domain/fault.ts";
import { signAccessToken, type TokenRealm } from "./access-token.ts";
import { authenticateAgent, type AssertionPorts } from "./client-assertion.ts";
import { issueSession, type SessionPorts } from "./issue-session.ts";
import { OAuthError, statusOf } from "./oauth-error.ts";
import type { SigningKey } from "./signing-key.ts";
import { parseTokenRequest } from "./token-request.ts";

export interface TokenRoutePorts extends Omit<AssertionPorts, "onReplay">, SessionPorts {
  readonly realm: TokenRealm;
  readonly signingKey: SigningKey;
  /** Hears of failures that are ours, for the program's log. */
  onFault(error: unknown): void;
}

/** A token request is a form of a few kilobytes: assertion, task and data. */
const MAX_BODY_BYTES = 64 * 1024;

/**
 * `POST /oauth/token` (RFC 6749 section 4.4 with RFC 7523), `/.well-known/jwks.json` and
 * `/.well-known/oauth-authorization-server` (RFC 8414). Tokens are bearer tokens of at most five minutes.
 */
export function createTokenRoutes(ports: TokenRoutePorts): Hono {
  const app = new Hono();
  const tokenEndpoint = `${ports.realm.issuer}/oauth/token`;
  app.get("/.well-known/jwks.json", (c) => c.json({ keys: [ports.signingKey.publicJwk] }, 200, { "cache-control": "public, max-age=300" }));
  app.get("/.well-known/oauth-authorization-server", (c) => c.json(metadata(ports.realm, tokenEndpoint)));
  app.post("/oauth/token", bodyLimit({ maxSize: MAX_BODY_BYTES, onError: (c) => tokenError(c, tooLarge()) }), async (c) => {
    try {
      return await grantToken(ports, tokenEndpoint, c);
    } catch (error) {
      return tokenError(c, asOAuthError(ports, error));
    }
  });
  app.all("/oauth/token", (c) => {
    c.header("allow", "POST");
    return tokenError(c, new OAuthError("invalid_request", "the token endpoint takes POST only"), 405);
  });
  return app;
}

async function grantToken(ports: TokenRoutePorts, tokenEndpoint: string, c: Context): Promise<Response> {
  const request = parseTokenRequest(c.req.header("content-type"), await c.req.text());
  if (request.resource !== undefined && request.resource !== ports.realm.audience) {
    throw new OAuthError("invalid_target", `\`resource\` must be \`${ports.realm.audience}\`; tokens of this broker serve nothing else`);
  }
  const onReplay: AssertionPorts["onReplay"] = async (agent, jti) => {
    await ports.log.append(agent.tenant, {
      kind: "admin",
      callId: ports.newId("tok"),
      body: {
        at: ports.now().toISOString(),
        event: "token.replay",
        by: agent.name,
        agent: agent.name,
        environment: agent.environment,
        jti,
      },
    });
  };
  const agent = await authenticateAgent(
    { ...ports, now: () => ports.now(), policy: () => ports.policy(), onReplay },
    request.assertion,
    tokenEndpoint,
  );
  if (request.clientId !== undefined && request.clientId !== agent.name) {
    throw new OAuthError("invalid_client", "`client_id` is not the agent that signed the assertion; leave it out or send the agent's name");
  }
  const session = await issueSession(ports, {
    agent,
    user: request.user,
    userProof: "asserted",
    task: request.task,
    data: request.data,
    scope: request.scope,
    rows: [],
    limits: {},
    grant: "client_credentials",
    binding: { kind: "bearer" },
  });
  const token = await signAccessToken(ports.signingKey, ports.realm, session, ports.newId("tok"));
  return c.json(
    {
      access_token: token,
      token_type: "Bearer",
      expires_in: Math.max(0, Math.floor((session.expiresAt.getTime() - ports.now().getTime()) / 1000)),
      scope: session.scope.join(" "),
      session: session.id,
    },
    200,
    NO_STORE,
  );
}

function metadata(realm: TokenRealm, tokenEndpoint: string): Record<string, unknown> {
  return {
    issuer: realm.issuer,
    token_endpoint: tokenEndpoint,
    jwks_uri: `${realm.issuer}/.well-known/jwks.json`,
    grant_types_supported: ["client_credentials"],
    response_types_supported: [],
    token_endpoint_auth_methods_supported: ["private_key_jwt"],
    token_endpoint_auth_signing_alg_values_supported: ["ES256"],
  };
}

/** RFC 6749 section 5.1: responses with tokens are never cached. */
const NO_STORE = { "cache-control": "no-store", pragma: "no-cache" };

function tokenError(c: Context, error: OAuthError, status: 400 | 401 | 405 | 413 | 500 | 503 = statusOf(error.code)): Response {
  return c.json({ error: error.code, error_description: error.message }, error instanceof BodyTooLarge ? 413 : status, NO_STORE);
}

class BodyTooLarge extends OAuthError {}

function tooLarge(): OAuthError {
  return new BodyTooLarge("invalid_request", `the token request is larger than ${MAX_BODY_BYTES} bytes; send less in \`data\``);
}

function asOAuthError(ports: TokenRoutePorts, error: unknown): OAuthError {
  if (error instanceof OAuthError) return error;
  ports.onFault(error);
  if (error instanceof Fault)
    return new OAuthError("temporarily_unavailable", "the broker cannot record the session now, so it gives no token; try again shortly");
  return new OAuthError("server_error", "the broker failed and gave no token; its operator finds the cause in the log");
}
