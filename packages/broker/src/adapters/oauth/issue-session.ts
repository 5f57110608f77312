import { type AgentConfig, ceilingScopes, type Policy } from "@bailiwick/policy";
import type { AuditLog } from "../../domain/audit.ts";
import { MAX_SESSION_MS, type Session, type SessionStore } from "../../domain/session.ts";
import { OAuthError } from "./oauth-error.ts";
import type { TokenRequest } from "./token-request.ts";

export interface SessionPorts {
  now(): Date;
  newId(prefix: "ses" | "tok"): string;
  /** @throws when no policy is in force. */
  policy(): Policy;
  readonly sessions: Pick<SessionStore, "create">;
  readonly log: Pick<AuditLog, "append">;
}

/**
 * Makes the session a token will name. The record is durable first: no session without a trace.
 * @throws OAuthError `invalid_scope`; Fault `log_unavailable`, `store_unavailable`: no token is given then.
 */
export async function issueSession(ports: SessionPorts, agent: AgentConfig, request: TokenRequest): Promise<Session> {
  const scope = sessionScope(ports.policy(), agent.name, request.scope);
  // Whole seconds, as in the token: the row and the token must expire at the same instant.
  const issuedAt = new Date(Math.floor(ports.now().getTime() / 1000) * 1000);
  const session: Session = {
    id: ports.newId("ses"),
    tenant: agent.tenant,
    environment: agent.environment,
    workflow: agent.workflow,
    agent: agent.name,
    user: request.user,
    task: request.task,
    data: request.data,
    scope,
    issuedAt,
    expiresAt: new Date(issuedAt.getTime() + MAX_SESSION_MS),
  };
  await ports.log.append(session.tenant, {
    kind: "admin",
    callId: session.id,
    body: {
      at: ports.now().toISOString(),
      event: "session.create",
      by: agent.name,
      agent: agent.name,
      user: session.user,
      session: session.id,
      task: session.task,
      environment: session.environment,
      scope: session.scope,
      expiresAt: session.expiresAt.toISOString(),
    },
  });
  await ports.sessions.create(session);
  return session;
}

/**
 * Without a wish the session narrows nothing: it gets all the agent's own ceiling. A wish must name actions of the catalog;
 * one above the ceiling is of no use, because the ceiling bounds every call anyway.
 */
function sessionScope(policy: Policy, agent: string, asked: readonly string[] | undefined): readonly string[] {
  if (asked === undefined) return ceilingScopes(policy, agent);
  const known = new Set(policy.tools.flatMap((tool) => tool.actions.flatMap(({ scope }) => [scope, `${scope.split(":", 1)[0]}:*`])));
  const unknown = asked.find((pattern) => !known.has(pattern.split(":").slice(0, 2).join(":")));
  if (unknown === undefined) return asked;
  throw new OAuthError(
    "invalid_scope",
    `\`${unknown}\` names no action of the catalog here; run \`bailiwick tools list\` for those there are`,
  );
}
