import type { IncomingMessage, ServerResponse } from "node:http";
import type { CallPorts, SenderVerifier } from "../../call/ports.ts";
import { Refusal } from "../../call/refusal.ts";
import { resolveSession } from "../../call/resolve-session.ts";
import { adminRecord } from "../../domain/admin-record.ts";
import type { AuditLog } from "../../domain/audit.ts";
import { Fault } from "../../domain/fault.ts";
import type { Session, SessionStore } from "../../domain/session.ts";
import { presentedBy } from "../mcp/authenticate.ts";
import { type Answer, send } from "./answer.ts";

export interface OwnSessionPorts extends Pick<CallPorts, "policy" | "now"> {
  /** The broker's public URL without a trailing slash. */
  readonly issuer: string;
  readonly senders: SenderVerifier;
  readonly sessions: Pick<SessionStore, "find" | "list" | "revoke">;
  readonly log: Pick<AuditLog, "append">;
  /** Hears of failures that are ours, for the program's log. */
  onFault(error: unknown): void;
}

const OWN_SESSIONS_PATH = "/oauth/sessions";

/** Sessions in one answer; a delegator with more of them asks again when some have ended. */
const MAX_LISTED = 200;
const PATH = /^\/oauth\/sessions(?:\/([A-Za-z0-9_-]{1,128}))?$/u;

export function isOwnSessionsPath(path: string): boolean {
  return path === OWN_SESSIONS_PATH || path.startsWith(`${OWN_SESSIONS_PATH}/`);
}

/**
 * What an agent can do about the sessions that were delegated from its own, with its access token and proof as at `/mcp`:
 * `GET /oauth/sessions` lists the living ones, `DELETE /oauth/sessions/{id}` ends one and all below it.
 * A session outside of its subtree is answered as one that does not exist.
 */
export function createOwnSessions(ports: OwnSessionPorts): (req: IncomingMessage, res: ServerResponse) => Promise<void> {
  return async (req, res) => {
    const path = (req.url ?? "").split("?", 1)[0] ?? "";
    send(res, await answer(ports, req, path).catch((failure: unknown) => failed(ports, failure)));
  };
}

async function answer(ports: OwnSessionPorts, req: IncomingMessage, path: string): Promise<Answer> {
  const [matched, id] = PATH.exec(path) ?? [];
  if (matched === undefined) return problem(404, "not_found", `there is nothing here; use \`${OWN_SESSIONS_PATH}\``);
  const own = await resolveSession(ports, await ports.senders.verify(presentedBy(req, `${ports.issuer}${path}`), ports.now()));
  if (req.method === "GET" && id === undefined) return list(ports, own);
  if (req.method === "DELETE" && id !== undefined) return revoke(ports, own, id);
  return {
    ...problem(405, "invalid_request", "`GET` lists, `DELETE` with an id ends"),
    headers: { allow: id === undefined ? "GET" : "DELETE" },
  };
}

async function list({ sessions }: OwnSessionPorts, own: Session): Promise<Answer> {
  const children = await sessions.list(own.tenant, { live: true, limit: MAX_LISTED, delegatedFrom: own.id });
  return { status: 200, body: { sessions: children.map(view) } };
}

async function revoke(ports: OwnSessionPorts, own: Session, id: string): Promise<Answer> {
  const child = await ports.sessions.find(own.tenant, id);
  if (child === undefined || !child.lineage.includes(own.id))
    return problem(404, "not_found", "no session of this id was delegated from yours; `GET /oauth/sessions` lists those that were");
  const { agent, user, task, run, environment } = child;
  await ports.log.append(
    own.tenant,
    adminRecord({
      at: ports.now(),
      event: "session.revoke",
      by: { named: own.agent },
      via: "delegator",
      callId: child.id,
      user,
      task,
      body: { delegator: own.id, session: child.id, run, agent, environment },
    }),
  );
  const revocation = await ports.sessions.revoke(own.tenant, child.id, own.agent);
  // Already ended counts as done: who revokes twice wants it gone.
  return { status: 200, body: { session: child.id, ended: revocation?.ended ?? [] } };
}

function view({ id, agent, task, scope, lineage, issuedAt, expiresAt }: Session): Readonly<Record<string, unknown>> {
  return {
    session: id,
    agent,
    task,
    scope: scope.join(" "),
    lineage,
    issued_at: issuedAt.toISOString(),
    expires_at: expiresAt.toISOString(),
  };
}

function failed({ onFault }: OwnSessionPorts, failure: unknown): Answer {
  if (failure instanceof Refusal) {
    const proof = failure.code === "proof_invalid" || failure.code === "proof_replayed";
    const error = proof ? "invalid_dpop_proof" : "invalid_token";
    return { ...problem(401, error, failure.message), headers: { "www-authenticate": `${proof ? "DPoP" : "Bearer"} error="${error}"` } };
  }
  onFault(failure);
  if (failure instanceof Fault) return problem(503, "temporarily_unavailable", "the broker cannot reach its store now; try again shortly");
  return problem(500, "server_error", "the broker failed on this request; its operator finds the cause in the log");
}

function problem(status: number, error: string, description: string): Answer {
  return { status, body: { error, error_description: description } };
}
