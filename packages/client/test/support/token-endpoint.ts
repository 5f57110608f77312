import { randomBytes } from "node:crypto";
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { CryptoKey } from "jose";
import { decodeJwt, jwtVerify } from "jose";
import type { Claims } from "../../../broker/src/call/presented.ts";
import { Refusal } from "../../../broker/src/call/refusal.ts";
import type { SenderBinding } from "../../../broker/src/domain/session.ts";
import { peerCertificate } from "../../../broker/src/adapters/http/peer-certificate.ts";
import { confirmation } from "../../../broker/src/adapters/oauth/access-token.ts";
import { checkDelegationProof } from "../../../broker/src/adapters/oauth/grants/delegation-proof.ts";
import type { DpopVerifier } from "../../../broker/src/adapters/sender-proof/dpop.ts";
import { createReplaySet } from "../../../broker/src/adapters/sender-proof/replay-set.ts";
import type { SessionKeys } from "../../../broker/src/adapters/sender-proof/session-key.ts";
import { PROOF_WINDOW_MS } from "../../../broker/src/adapters/sender-proof/verify-sender.ts";
import type { MemorySurface } from "../../../broker/test/mcp/support/memory-surface.ts";
import { PLAIN } from "../../../broker/test/plain-session.ts";

export interface Given {
  readonly agent: string;
  readonly session: string;
  readonly run: string;
  readonly binding: SenderBinding;
  readonly restrict: Claims["restrict"];
}

export interface OAuthParts {
  readonly url: () => string;
  readonly publicKeys: ReadonlyMap<string, CryptoKey>;
  readonly surface: MemorySurface;
  readonly dpop: DpopVerifier;
  readonly keys: SessionKeys;
  readonly now: () => Date;
  readonly expiresIn: () => number;
  /** Whether DPoP proofs are heard at all. */
  readonly binds: () => boolean;
  readonly headers: () => OutgoingHttpHeaders;
}

export interface OAuthStub {
  readonly tokens: Map<string, Given>;
  /** Forms of the token requests that passed. */
  readonly granted: URLSearchParams[];
  readonly revoked: string[];
  /** Answers OAuth requests; false for all others. */
  handle(req: IncomingMessage, res: ServerResponse): boolean;
}

class Refused extends Error {}

/** Token and revocation endpoints in memory that really verify assertions, DPoP proofs and delegations, with the broker's own verifiers. */
export function createOAuthStub(parts: OAuthParts): OAuthStub {
  const { surface, dpop, keys, now } = parts;
  const tokens = new Map<string, Given>();
  const granted: URLSearchParams[] = [];
  const revoked: string[] = [];
  const assertions = new Set<string>();
  const proofs = createReplaySet(PROOF_WINDOW_MS);

  async function agentOf(form: URLSearchParams): Promise<string> {
    const assertion = form.get("client_assertion") ?? "";
    const agent = decodeJwt(assertion).iss ?? "";
    const key = parts.publicKeys.get(agent);
    if (key === undefined) throw new Refused("invalid_client");
    try {
      const { payload } = await jwtVerify(assertion, key, {
        audience: `${parts.url()}/oauth/token`,
        issuer: agent,
        subject: agent,
        clockTolerance: 5,
        currentDate: now(),
      });
      if (payload.jti === undefined || assertions.has(payload.jti)) throw new Refused("invalid_client");
      assertions.add(payload.jti);
      return agent;
    } catch {
      throw new Refused("invalid_client");
    }
  }

  function bindingOf(req: IncomingMessage, form: URLSearchParams): SenderBinding {
    const { dpop: proof } = req.headers;
    const certificate = peerCertificate(req.socket);
    if (!parts.binds()) return { kind: "bearer" };
    if (proof === undefined && form.get("session_key") !== "true")
      return certificate === undefined ? { kind: "bearer" } : { kind: "mtls", x5t: certificate };
    if (typeof proof !== "string") return { kind: "hmac" };
    const checked = dpop.check(proof, { method: "POST", url: `${parts.url()}/oauth/token` }, now());
    if (!proofs.first(checked.id, now().getTime())) throw new Refused("invalid_dpop_proof");
    return { kind: "dpop", jkt: checked.jkt };
  }

  function delegated(form: URLSearchParams, delegate: string): Claims["restrict"] {
    const token = form.get("subject_token") ?? "";
    const held = tokens.get(token);
    if (held === undefined || revoked.includes(token)) throw new Refused("invalid_grant");
    if (held.binding.kind === "bearer") return undefined;
    const delegator = {
      ...PLAIN,
      id: held.session,
      tenant: "acme",
      environment: "dev",
      workflow: "support",
      agent: held.agent,
      user: "ada",
      task: "T-1",
      data: {},
      scope: [],
      issuedAt: now(),
      expiresAt: now(),
      binding: held.binding,
    };
    const tokenEndpoint = `${parts.url()}/oauth/token`;
    return checkDelegationProof(
      { dpop, keys, tokenEndpoint },
      { proof: form.get("delegation") ?? undefined, token, delegator, delegate },
      now(),
    ).restrict;
  }

  async function grant(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const form = new URLSearchParams(await bodyOf(req));
    const agent = await agentOf(form);
    const binding = bindingOf(req, form);
    const restrict = form.get("grant_type") === "client_credentials" ? undefined : delegated(form, agent);
    const cnf = confirmation(binding);
    const id = randomBytes(12).toString("hex");
    const token = `e30.${Buffer.from(JSON.stringify(cnf === undefined ? {} : { cnf })).toString("base64url")}.${id}`;
    const session = `ses_${id}`;
    surface.allow(token, { id: session, agent, user: form.get("user") ?? "ada", task: form.get("task") ?? "T-1", binding });
    const run = tokens.get(form.get("subject_token") ?? "")?.run ?? form.get("run") ?? session;
    tokens.set(token, { agent, session, run, binding, restrict });
    granted.push(form);
    json(res, 200, {
      access_token: token,
      token_type: binding.kind === "dpop" ? "DPoP" : "Bearer",
      expires_in: parts.expiresIn(),
      run,
      ...(binding.kind === "hmac" ? { session_key: keys.of("acme", session).export().toString("base64url") } : {}),
    });
  }

  async function revoke(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const form = new URLSearchParams(await bodyOf(req));
    await agentOf(form);
    const token = form.get("token") ?? "";
    revoked.push(token);
    surface.revoke(token);
    json(res, 200, {});
  }

  function json(res: ServerResponse, status: number, body: unknown): void {
    res.writeHead(status, { "content-type": "application/json", ...parts.headers() });
    res.end(JSON.stringify(body));
  }

  function refuse(res: ServerResponse, error: unknown): void {
    const code = error instanceof Refused ? error.message : error instanceof Refusal ? "invalid_dpop_proof" : "invalid_grant";
    const why = code === "invalid_client" ? "the assertion does not verify" : String(error);
    json(res, code === "invalid_client" ? 401 : 400, { error: code, error_description: why });
  }

  return {
    tokens,
    granted,
    revoked,
    handle(req, res) {
      const metadata = {
        issuer: parts.url(),
        token_endpoint: `${parts.url()}/oauth/token`,
        revocation_endpoint: `${parts.url()}/oauth/revoke`,
      };
      if (req.url === "/oauth/token") grant(req, res).catch((error: unknown) => refuse(res, error));
      else if (req.url === "/oauth/revoke") revoke(req, res).catch((error: unknown) => refuse(res, error));
      else if (req.url === "/.well-known/oauth-authorization-server") json(res, 200, metadata);
      else return false;
      return true;
    },
  };
}

async function bodyOf(req: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of req) body += String(chunk);
  return body;
}
