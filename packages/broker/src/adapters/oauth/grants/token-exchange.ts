import type { AgentConfig } from "@bailiwick/policy";
import { Refusal } from "../../../call/refusal.ts";
import { chainOf } from "../../../domain/ended.ts";
import { covers } from "../../../domain/delegation.ts";
import { consentStillHolds } from "../../../domain/consent.ts";
import { partnerStillHolds } from "../../../domain/partner.ts";
import type { Session } from "../../../domain/session.ts";
import { PROOF_WINDOW_MS, type VerifiedToken } from "../../sender-proof/verify-sender.ts";
import type { SessionWish } from "../issue-session.ts";
import { OAuthError } from "../oauth-error.ts";
import { askedRights } from "./asked-rights.ts";
import { checkDelegationProof, type DelegationProof, type DelegationProofParts } from "./delegation-proof.ts";
import type { GrantPorts, GrantRequest } from "./grant.ts";

export const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";

export interface TokenExchangePorts extends GrantPorts, DelegationProofParts {
  /** Verifies one of our access tokens, its expiry included. @throws Refusal `unauthenticated`, `token_expired`. */
  readonly token: (token: string | undefined, now: Date) => Promise<VerifiedToken>;
  /** Spends a delegation proof until then; false when it was spent before, on any broker. */
  readonly spendDelegation: (id: string, until: Date) => Promise<boolean>;
  /** The one resource there are tokens for (RFC 8707). */
  readonly audience: string;
}

/**
 * Token exchange (RFC 8693) for delegation: the delegate, authenticated with its own key, hands in its delegator's access token and gets
 * a session that holds no more than that one (`delegate` of domain/delegation.ts) and ends with it. An agent narrows its own session the
 * same way.
 * @throws OAuthError `invalid_request`, `invalid_grant`, `invalid_target`, `invalid_scope`.
 */
export async function tokenExchange(ports: TokenExchangePorts, request: GrantRequest): Promise<SessionWish> {
  const { agent, binding, form } = request;
  requireForm(ports, form);
  const token = form["subject_token"] ?? "";
  const delegator = await liveSession(ports, token, "subject_token");
  await requireOwnActor(ports, agent, form);
  const proof = await consent(ports, request, token, delegator);
  const { task, ...asked } = askedRights(form);
  return {
    agent,
    user: delegator.user,
    userProof: delegator.userProof,
    task: task ?? delegator.task,
    ...asked,
    ...restricted(asked, proof),
    grant: "token_exchange",
    binding,
    delegator,
  };
}

function requireForm({ audience }: TokenExchangePorts, form: GrantRequest["form"]): void {
  if (form["subject_token"] === undefined)
    throw new OAuthError("invalid_request", "`subject_token` is missing; send the access token of the session that is passed on");
  if (form["subject_token_type"] !== ACCESS_TOKEN)
    throw new OAuthError(
      "invalid_request",
      `\`subject_token_type\` must be \`${ACCESS_TOKEN}\`; sessions are delegated from access tokens of this broker only`,
    );
  if ((form["requested_token_type"] ?? ACCESS_TOKEN) !== ACCESS_TOKEN)
    throw new OAuthError("invalid_request", `\`requested_token_type\` must be \`${ACCESS_TOKEN}\` or left out`);
  for (const name of ["resource", "audience"]) {
    const value = form[name];
    if (value !== undefined && value !== audience)
      throw new OAuthError(
        "invalid_target",
        `\`${name}\` must be \`${audience}\`; a token for a partner is never given to an agent: call a tool that is reached through that partner`,
      );
  }
  if (form["user"] !== undefined) throw new OAuthError("invalid_request", "`user` is the delegator's and cannot be changed; leave it out");
}

/** The session a token names, alive with all it was delegated from. */
async function liveSession(ports: TokenExchangePorts, token: string, parameter: string): Promise<Session> {
  const now = ports.now();
  const verified = await ports.token(token, now).catch((failure: unknown) => {
    if (failure instanceof Refusal) throw notLive(parameter, "is not a valid access token of this broker");
    throw failure;
  });
  const session = await ports.sessions.find(verified.tenant, verified.session);
  if (session === undefined) throw notLive(parameter, "names no session that is known here");
  if (session.revokedAt !== undefined) throw notLive(parameter, "names a session that was revoked");
  if (chainOf(session).some((each) => each.expiresAt <= now)) throw notLive(parameter, "names a session that has expired");
  if (session.stop !== undefined) throw notLive(parameter, `is of an agent that is ${session.stop.state}`);
  if (!partnerStillHolds(ports.policy(), session)) throw notLive(parameter, "stands on a partner that was removed or changed");
  if (!consentStillHolds(ports.policy(), session)) throw notLive(parameter, "stands on the consent of a person who may no longer give it");
  const agents = new Set(ports.policy().agents.map(({ name }) => name));
  if (!chainOf(session).every((each) => agents.has(each.agent))) throw notLive(parameter, "is of an agent that is no longer in the policy");
  return session;
}

/** RFC 8693 section 2.1: who acts is who authenticated; a token of somebody else says something that would not be done. */
async function requireOwnActor(ports: TokenExchangePorts, agent: AgentConfig, form: GrantRequest["form"]): Promise<void> {
  if (form["actor_token"] === undefined) {
    if (form["actor_token_type"] === undefined) return;
    throw new OAuthError("invalid_request", "`actor_token_type` goes with an `actor_token` only; leave both out");
  }
  if (form["actor_token_type"] !== ACCESS_TOKEN)
    throw new OAuthError(
      "invalid_request",
      `\`actor_token_type\` must be \`${ACCESS_TOKEN}\`; better leave out both: the agent that authenticates is the actor`,
    );
  const actor = await liveSession(ports, form["actor_token"], "actor_token");
  if (actor.agent !== agent.name)
    throw new OAuthError("invalid_request", "`actor_token` is of another agent than the one that authenticated; leave it out");
}

/**
 * What shows that the delegator meant this delegate. A bearer token: that it was handed over. One that is bound to its sender: a proof by
 * the same key, which an agent that narrows its own session gives with the request itself.
 */
async function consent(
  ports: TokenExchangePorts,
  { agent, binding, form }: GrantRequest,
  token: string,
  delegator: Session,
): Promise<DelegationProof | undefined> {
  const proof = form["delegation"];
  if (delegator.binding.kind === "bearer") {
    if (proof === undefined) return undefined;
    throw new OAuthError("invalid_request", "a bearer token has no key that could sign a `delegation` proof; leave it out");
  }
  if (proof === undefined && agent.name === delegator.agent && sameKey(binding, delegator.binding)) return undefined;
  const now = ports.now();
  const checked = checkDelegationProof(ports, { proof, token, delegator, delegate: agent.name }, now);
  if (!(await ports.spendDelegation(checked.id, new Date(now.getTime() + PROOF_WINDOW_MS))))
    throw new OAuthError("invalid_grant", "this `delegation` proof was used before; the delegator signs one for each exchange");
  return checked;
}

function sameKey(one: SessionWish["binding"], other: SessionWish["binding"]): boolean {
  if (one.kind === "dpop" && other.kind === "dpop") return one.jkt === other.jkt;
  return one.kind === "mtls" && other.kind === "mtls" && one.x5t === other.x5t;
}

/** What the delegator's proof narrows the delegate to, beside what its session holds. */
function restricted(
  asked: Pick<SessionWish, "scope" | "rows">,
  proof: DelegationProof | undefined,
): Partial<Pick<SessionWish, "scope" | "rows">> {
  const { scope, rows } = proof?.restrict ?? {};
  const wider = scope === undefined ? undefined : asked.scope?.find((each) => !scope.some((held) => covers(held, each)));
  if (wider !== undefined)
    throw new OAuthError(
      "invalid_scope",
      `\`${wider}\` is not in what the delegator's proof passes on (${scope?.join(" ") ?? ""}); ask for less`,
    );
  return {
    ...(scope === undefined ? {} : { scope: asked.scope ?? scope }),
    ...(rows === undefined ? {} : { rows: [...asked.rows, rows] }),
  };
}

function notLive(parameter: string, why: string): OAuthError {
  return new OAuthError("invalid_grant", `\`${parameter}\` ${why}; get a new one from the delegator`);
}
