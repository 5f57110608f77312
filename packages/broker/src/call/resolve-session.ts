import type { Policy } from "@bailiwick/policy";
import { chainOf } from "../domain/ended.ts";
import { consentStillHolds } from "../domain/consent.ts";
import { partnerStillHolds } from "../domain/partner.ts";
import type { Session } from "../domain/session.ts";
import type { Stop } from "../domain/stop.ts";
import { agentOf } from "./agent-of.ts";
import type { CallPorts } from "./ports.ts";
import type { Claims } from "./presented.ts";
import { Refusal } from "./refusal.ts";
import { restricted } from "./restrict.ts";

/**
 * Loads the session a request is of and checks that it may still act: it and all it was delegated from, and each agent among them.
 * The intent's transaction checks it once more, so a revocation between here and the effect is honoured too.
 * @throws Refusal `session_revoked`, `agent_stopped`, `token_expired`, `unauthenticated`.
 */
export async function resolveSession(ports: Pick<CallPorts, "sessions" | "policy" | "now">, claims: Claims): Promise<Session> {
  const session = await ports.sessions.find(claims.tenant, claims.session);
  if (session === undefined) throw gone("unauthenticated", "this session is not known here; get a new token");
  requireLive(session, ports.policy(), ports.now());
  return restricted(session, claims.restrict);
}

function requireLive(session: Session, policy: Policy, now: Date): void {
  if (session.revokedAt !== undefined)
    throw gone("session_revoked", "this session, or one it was delegated from, was revoked; ask the agent's owner before starting another");
  if (session.stop !== undefined) throw stopped(session, session.stop, policy);
  if (!partnerStillHolds(policy, session))
    throw gone("session_revoked", `the partner \`${session.partner ?? ""}\` of this session was removed or changed; get a new token`);
  if (!consentStillHolds(policy, session))
    throw gone(
      "session_revoked",
      "the policy no longer lets the person of this session give this agent to a client; start the authorization again",
    );
  for (const each of chainOf(session)) {
    if (each.expiresAt <= now) throw gone("token_expired", "this session has expired; get a new token");
    if (agentOf(policy, each.agent) === undefined)
      throw gone("session_revoked", `the agent \`${each.agent}\` is no longer in the policy; ask its owner`);
  }
}

function stopped(session: Session, { kind, name, state, reason }: Stop, policy: Policy): Refusal {
  const what = kind === "everything" ? "every agent is" : `the ${kind} \`${name}\` is`;
  const then = state === "retired" ? "for good; another agent has to do this work" : "and nothing runs until a person lifts it";
  const owner = agentOf(policy, session.agent)?.owner;
  return new Refusal("agent_stopped", `${what} ${state} (${reason}), ${then}`, {
    next: owner === undefined ? [] : [{ kind: "ask_owner", owner, text: `${what} ${state}: ${reason}` }],
  });
}

function gone(code: "unauthenticated" | "session_revoked" | "token_expired", message: string): Refusal {
  return new Refusal(code, message, { next: [{ kind: "reauthenticate" }] });
}
