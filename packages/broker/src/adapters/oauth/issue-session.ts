import { type AgentConfig, ceilingScopes, type JsonObject, type Policy, type RowBound } from "@bailiwick/policy";
import { adminRecord } from "../../domain/admin-record.ts";
import type { AuditLog, LogEntry } from "../../domain/audit.ts";
import { type Delegated, delegate, smallerLimits } from "../../domain/delegation.ts";
import {
  type GrantKind,
  maxSessionMs,
  recordedActors,
  type SenderBinding,
  type Session,
  type SessionLimits,
  type SessionStore,
  type UserProof,
} from "../../domain/session.ts";
import { OAuthError } from "./oauth-error.ts";

export interface SessionPorts {
  now(): Date;
  newId(prefix: "ses" | "tok" | "run"): string;
  /** @throws when no policy is in force. */
  policy(): Policy;
  readonly sessions: Pick<SessionStore, "create" | "claimRun">;
  readonly log: Pick<AuditLog, "append">;
}

/** What a grant has proven and parsed: the one thing every grant ends in. */
export interface SessionWish {
  readonly agent: AgentConfig;
  readonly user: string;
  readonly userProof: UserProof;
  readonly task: string;
  /** Undefined: the delegator's, or one of this session's own. */
  readonly run?: string | undefined;
  readonly data: JsonObject;
  /** Undefined: everything the agent's ceiling, or the delegator's session, allows. */
  readonly scope: readonly string[] | undefined;
  readonly rows: readonly RowBound[];
  readonly limits: SessionLimits;
  readonly grant: GrantKind;
  readonly binding: SenderBinding;
  /** The OAuth client, when it is not the agent itself. */
  readonly client?: string | undefined;
  /** The session it is delegated from: `user` and what it holds bound the new one. Must come from `find`, so that it is known to live. */
  readonly delegator?: Session | undefined;
  /** A federation partner and whoever acted there, the latest first. */
  readonly partner?: { readonly name: string; readonly version: string; readonly actors: readonly string[] } | undefined;
  /** The session ends here at the latest. */
  readonly until?: Date | undefined;
}

/**
 * Makes the session a token will name. The record is durable first: no session without a trace.
 * @throws OAuthError `invalid_scope`, `invalid_target`, `invalid_request`; Fault `session_ended` when what it stands on has ended meanwhile,
 * `log_unavailable`, `store_unavailable`: no token is given then.
 */
export async function issueSession(ports: SessionPorts, wish: SessionWish): Promise<Session> {
  const { agent, delegator } = wish;
  requireKnownScopes(ports.policy(), wish.scope);
  // Whole seconds, as in the token: the row and the token must expire at the same instant.
  const issuedAt = new Date(Math.floor(ports.now().getTime() / 1000) * 1000);
  const longest = Math.min(maxSessionMs(wish.binding), agent.session?.maxTtlMs ?? Number.POSITIVE_INFINITY);
  const ends = [issuedAt.getTime() + longest, delegator?.expiresAt.getTime(), wish.until?.getTime()];
  const rights = rightsOf(ports.policy(), wish);
  const id = ports.newId("ses");
  const session: Session = {
    id,
    tenant: agent.tenant,
    environment: agent.environment,
    workflow: agent.workflow,
    agent: agent.name,
    user: delegator?.user ?? wish.user,
    userProof: delegator?.userProof ?? wish.userProof,
    task: wish.task,
    run: await runOf(ports, wish, id),
    ...rights,
    grant: wish.grant,
    binding: wish.binding,
    ...(wish.client === undefined ? {} : { client: wish.client }),
    ...partnerOf(wish),
    issuedAt,
    expiresAt: new Date(Math.floor(Math.min(...ends.filter((at) => at !== undefined)) / 1000) * 1000),
  };
  await ports.log.append(session.tenant, recordOf(session, ports.now()));
  await ports.sessions.create(session);
  return session;
}

function recordOf(session: Session, at: Date): LogEntry {
  const { id, agent, environment, user, userProof, task, run, scope, grant, binding, client, lineage, partner, expiresAt } = session;
  const actors = recordedActors(session);
  return adminRecord({
    at,
    event: "session.create",
    by: { named: agent },
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
      binding: binding.kind,
      ...(client === undefined ? {} : { client }),
      ...(lineage.length === 0 ? {} : { lineage }),
      ...(actors.length === 0 ? {} : { actors }),
      ...(partner === undefined ? {} : { partner }),
      expiresAt: expiresAt.toISOString(),
    },
    ...(actors.length === session.actors.length ? {} : { facts: { actors: session.actors } }),
  });
}

/** @throws OAuthError `invalid_request` when the run is another agent's, or not the delegator's; Fault `store_unavailable`. */
async function runOf({ sessions }: Pick<SessionPorts, "sessions">, { agent, delegator, run }: SessionWish, id: string): Promise<string> {
  if (delegator !== undefined) {
    if (run === undefined || run === delegator.run) return delegator.run;
    throw new OAuthError("invalid_request", "a delegated session belongs to the run of its delegator; leave `run` out");
  }
  // Nobody can have named this one: a session's id does not begin as a run's name does.
  if (run === undefined) return id;
  if (await sessions.claimRun(agent.tenant, run, agent.name)) return run;
  throw new OAuthError("invalid_request", `the run \`${run}\` is another agent's; choose a name at random, or leave \`run\` out`);
}

function rightsOf(policy: Policy, wish: SessionWish): Delegated {
  const { agent, delegator, scope, data, rows, binding } = wish;
  const limits = smallerLimits(agent.session?.limits ?? {}, wish.limits);
  if (delegator === undefined) {
    // Without a wish the session narrows nothing: it gets all the agent's own ceiling.
    return { scope: scope ?? ceilingScopes(policy, agent.name), data, rows, limits, lineage: [], actors: wish.partner?.actors ?? [] };
  }
  const { name, tenant, environment } = agent;
  const rights = delegate(delegator, { agent: name, tenant, environment, scope, data, rows, limits, binding });
  if ("error" in rights) throw new OAuthError(rights.error, rights.message);
  return rights;
}

function partnerOf({ partner, delegator }: SessionWish): Pick<Session, "partner" | "partnerVersion"> {
  if (partner !== undefined) return { partner: partner.name, partnerVersion: partner.version };
  return delegator?.partner === undefined ? {} : { partner: delegator.partner, partnerVersion: delegator.partnerVersion };
}

/** A wish must name actions of the catalog; one above the ceiling is of no use, because the ceiling bounds every call anyway. */
function requireKnownScopes(policy: Policy, asked: readonly string[] | undefined): void {
  if (asked === undefined) return;
  const known = new Set(policy.tools.flatMap((tool) => tool.actions.flatMap(({ scope }) => [scope, `${scope.split(":", 1)[0]}:*`])));
  const unknown = asked.find((pattern) => !known.has(pattern.split(":").slice(0, 2).join(":")));
  if (unknown === undefined) return;
  throw new OAuthError(
    "invalid_scope",
    `\`${unknown}\` names no action of the catalog here; run \`bailiwick tools list\` for those there are`,
  );
}
