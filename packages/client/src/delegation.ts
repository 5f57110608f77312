import type { Restriction } from "./restriction.ts";
import { narrower } from "./restriction.ts";
import type { Headers, HeldToken, Sender } from "./sender.ts";
import type { SessionWish } from "./session-token.ts";
import { tokenEndpointOf, wishForm } from "./session-token.ts";

/** Whom a session is passed on to, and how much of it at most. */
export interface DelegationWish extends Restriction {
  /** The delegate: `bailiwick://<tenant>/<environment>/<workflow>/<agent>` of the same tenant and environment. */
  readonly agent: string;
}

/**
 * What a delegate needs, as JSON values: hand it over any way you like, within a minute. Only the agent it names can use it, and once;
 * the token in it is of no use without its key.
 */
export interface Delegation {
  readonly url: string;
  readonly agent: string;
  readonly subjectToken: string;
  /** Signed by the delegator's key: names the delegate and what is passed on (docs/spec/sessions.md). Absent with a bearer token. */
  readonly proof?: string;
}

export interface Delegator {
  readonly url: string;
  readonly token: HeldToken;
  readonly sender: Sender;
  readonly restrict: Restriction | undefined;
}

/** Signs a delegation. @throws ClientError `wish_impossible` when nothing would be left, or the kind of proof cannot say it. */
export function makeDelegation({ url, token, sender, restrict }: Delegator, { agent, ...wish }: DelegationWish): Delegation {
  const bound = narrower(restrict ?? {}, wish);
  const whole = bound.scope === undefined && bound.rows === undefined;
  const proof = sender.delegation(token, { endpoint: tokenEndpointOf(url), delegate: agent, restrict: whole ? undefined : bound });
  return { url, agent, subjectToken: token.accessToken, ...(proof === undefined ? {} : { proof }) };
}

const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";

/** Parameters of a token exchange (RFC 8693 section 2.1). */
export function exchangeForm(delegation: Delegation, wish: Omit<SessionWish, "task"> & { readonly task?: string }): Headers {
  return {
    grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
    subject_token: delegation.subjectToken,
    subject_token_type: ACCESS_TOKEN,
    ...(delegation.proof === undefined ? {} : { delegation: delegation.proof }),
    ...wishForm(wish),
  };
}
