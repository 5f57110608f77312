import type { AgentConfig } from "@bailiwick/policy";
import { adminRecord, type Doer } from "../../domain/admin-record.ts";
import type { AuditLog } from "../../domain/audit.ts";
import { MAX_SESSION_MS, type Session, type SessionStore } from "../../domain/session.ts";
import type { UndoProposal } from "./propose-undo.ts";
import type { KeptFacts, RecordedCall } from "./recorded-call.ts";

export interface UndoSessionPorts {
  readonly log: Pick<AuditLog, "append">;
  readonly sessions: Pick<SessionStore, "create">;
  now(): Date;
  newSessionId(): string;
}

/** Who wants a call taken back, how they proved who they are, and why. */
export interface Asker {
  readonly by: Doer;
  readonly via: string;
  readonly reason?: string | undefined;
}

/** What is taken back, and what the policy says of the sessions of the agent that did it. */
interface Undone {
  readonly call: RecordedCall;
  readonly kept: KeptFacts;
  readonly proposal: UndoProposal;
  readonly bounds: AgentConfig["session"];
}

/**
 * Opens the session in which a call is taken back: of the same agent, for the same user and task, in the same run, for this one action. There
 * is no token for it. The record is durable first: no session without a trace.
 * @throws Fault `session_ended` when the agent is stopped; `log_unavailable`, `store_unavailable`.
 */
export async function openUndoSession(
  ports: UndoSessionPorts,
  { call, kept, proposal, bounds }: Undone,
  { by, via }: Asker,
): Promise<Session> {
  const issuedAt = ports.now();
  const session: Session = {
    id: ports.newSessionId(),
    tenant: call.tenant,
    environment: call.environment,
    workflow: call.workflow,
    agent: call.agent,
    user: kept.user,
    userProof: "asserted",
    task: kept.task,
    run: call.run,
    data: kept.data,
    scope: [proposal.action.scope],
    rows: kept.rows,
    limits: bounds?.limits ?? {},
    grant: "undo",
    undo: { call: call.callId, by },
    binding: { kind: "bearer" },
    lineage: [],
    actors: call.actors,
    issuedAt,
    expiresAt: new Date(issuedAt.getTime() + Math.min(MAX_SESSION_MS, bounds?.maxTtlMs ?? MAX_SESSION_MS)),
  };
  const { id, agent, environment, user, userProof, task, run, scope, grant, binding, actors, expiresAt } = session;
  await ports.log.append(
    session.tenant,
    adminRecord({
      at: issuedAt,
      event: "session.create",
      by,
      via,
      callId: id,
      user,
      task,
      body: {
        agent,
        userProof,
        session: id,
        run,
        environment,
        scope,
        grant,
        undoes: call.callId,
        binding: binding.kind,
        ...(actors.length === 0 ? {} : { actors }),
        expiresAt: expiresAt.toISOString(),
      },
    }),
  );
  await ports.sessions.create(session);
  return session;
}
