import type { Session } from "../domain/session.ts";
import { agentOf } from "./agent-of.ts";
import type { Claims } from "./authenticate.ts";
import type { CallPorts } from "./ports.ts";
import { Refusal } from "./refusal.ts";

/**
 * Loads the session a token names and checks that it may still act. The intent's transaction checks it once more,
 * so a revocation between here and the effect is honoured too.
 * @throws Refusal `session_revoked`, `token_expired`, `unauthenticated`.
 */
export async function resolveSession(ports: Pick<CallPorts, "sessions" | "policy" | "now">, claims: Claims): Promise<Session> {
  const session = await ports.sessions.find(claims.tenant, claims.session);
  if (session === undefined) throw gone("unauthenticated", "this session is not known here; get a new token");
  if (session.revokedAt !== undefined)
    throw gone("session_revoked", "this session was revoked; ask the agent's owner before starting another");
  if (session.expiresAt <= ports.now()) throw gone("token_expired", "this session has expired; get a new token");
  if (agentOf(ports.policy(), session.agent) === undefined) {
    throw gone("session_revoked", `the agent \`${session.agent}\` is no longer in the policy; ask its owner`);
  }
  return session;
}

function gone(code: "unauthenticated" | "session_revoked" | "token_expired", message: string): Refusal {
  return new Refusal(code, message, { next: [{ kind: "reauthenticate" }] });
}
