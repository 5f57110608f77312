import type { RefusalCode } from "../call/refusal.ts";

/** What a refusal means to whoever meets it: what happened, why Bailiwick does that, what to do. */
export interface RefusalGuide {
  readonly what: string;
  readonly why: string;
  readonly next: string;
}

/** One entry for each code of the closed list. */
export const REFUSAL_GUIDE: Readonly<Record<RefusalCode, RefusalGuide>> = {
  no_grant: {
    what: "no role of this agent allows the action",
    why: "everything is denied until a grant says otherwise",
    next: "add the action to a role in `roles/` with a reason, then run `bailiwick check`",
  },
  denied_by_rule: {
    what: "a deny rule speaks against the call",
    why: "denies win over every grant",
    next: "read the rule with `bailiwick explain <call>`; change it in the policy folder when it is wrong",
  },
  outside_ceiling: {
    what: "the action lies above the ceiling of the agent, its tenant or its environment",
    why: "a ceiling bounds every grant, so that a role added later cannot widen an agent unseen",
    next: "widen `ceiling` of the agent or environment, if that is meant",
  },
  outside_session_scope: {
    what: "the session was narrowed to other actions or other records when its token was made",
    why: "a token holds only what its task needs",
    next: "ask for a token with this action in `scope`, or with this record in its `authorization_details`",
  },
  outside_delegation: {
    what: "the session was delegated, and its delegator may not do this itself",
    why: "a delegate gets what both it and its delegator may do, never more",
    next: "call from a session whose delegator may do it, or ask the owner of the delegating agent",
  },
  row_not_permitted: {
    what: "the record is not one this agent may touch",
    why: "the grant's `rows` condition does not hold for it",
    next: "see the condition with `bailiwick explain <call>`; work on a record it covers",
  },
  field_not_permitted: {
    what: "the call writes a field this agent may not write",
    why: "the grant lists the fields that may be written",
    next: "leave the field out, or add it to `fields.write` of the grant",
  },
  cross_tenant: {
    what: "the record belongs to another tenant",
    why: "tenants are isolated whatever the grants say",
    next: "check the record id; if it is right, this agent works for the wrong tenant",
  },
  records_exceeded: {
    what: "the call touches more records than one call may",
    why: "a limit keeps one mistake small",
    next: "split the work, or raise `limits.records` of the grant",
  },
  outside_hours: {
    what: "the action is not allowed at this time",
    why: "a gate sets hours for it",
    next: "repeat it within the hours the refusal names",
  },
  argument_invalid: {
    what: "the arguments do not fit the catalog's types",
    why: "a rule must never judge an argument of another shape than it was written for",
    next: "send the arguments as `tools/list` describes them, or correct `args` in `tools/<tool>.yaml`",
  },
  rule_error: {
    what: "a rule failed while it was evaluated",
    why: "a deny, gate or ceiling that fails must deny",
    next: "run `bailiwick check`; use `has` before optional attributes",
  },
  unauthenticated: {
    what: "the request carries no valid token",
    why: "every call proves who makes it",
    next: "get a token from `/oauth/token` with the agent's key",
  },
  token_expired: {
    what: "the session token has expired",
    why: "a token lives at most five minutes",
    next: "get a new one; the client library does so by itself",
  },
  session_revoked: {
    what: "a person ended this session, or the agent left the policy",
    why: "a revocation counts from the next call on",
    next: "ask the agent's owner; `bailiwick audit query --session <id>` shows what it did",
  },
  agent_stopped: {
    what: "the agent, its workflow, its tenant or every agent is stopped",
    why: "a person threw the kill switch; it stands until a person lifts it",
    next: "see `bailiwick stops`; whoever threw it lifts it with `bailiwick resume`",
  },
  proof_invalid: {
    what: "the request does not prove that its token is the sender's own",
    why: "a token bound to a key or certificate is worth nothing to whoever copied it",
    next: "send the proof with each request (docs/spec/sessions.md); check the sender's clock and the address it signs",
  },
  proof_replayed: {
    what: "the request carries a proof that was used before",
    why: "a proof is for one request; a second use may be a copy of it",
    next: "sign a fresh proof for each request, with a random `jti` or `nonce`",
  },
  wrong_tenant: { what: "the token belongs to another tenant", why: "tenants are isolated", next: "use a token made for this tenant" },
  malformed_request: {
    what: "the request is not well-formed",
    why: "what cannot be read cannot be judged",
    next: "correct the request as the message says",
  },
  body_too_large: { what: "the request is larger than the gateway takes", why: "every input has a limit", next: "send less in one call" },
  origin_refused: {
    what: "a browser sent the request from another site",
    why: "otherwise any web page could call a broker on your machine (DNS rebinding)",
    next: "call from a program, or add the origin to the broker's options",
  },
  method_unknown: {
    what: "the gateway does not know this method",
    why: "what is not governed is not passed on",
    next: "use a method of the protocol version you negotiated",
  },
  tool_unknown: {
    what: "there is no such action for this session",
    why: "actions that can never be allowed are not shown, and answer as if they did not exist",
    next: "list the tools again; `bailiwick tools list` shows what the catalog has",
  },
  tool_unreviewed: {
    what: "nobody reviewed this action, or it changed since",
    why: "a tool's own description is a stranger's text and may have been changed to mislead",
    next: "review it with `bailiwick tools add <tool>`",
  },
  tool_unavailable: {
    what: "the tool cannot be reached",
    why: "nothing was sent, so nothing happened",
    next: "repeat the call later; `bailiwick doctor` and the broker's log say why",
  },
  rate_limited: {
    what: "the agent used up what it may do in this time",
    why: "limits are counted exactly, across all brokers",
    next: "wait as long as the refusal says",
  },
  budget_spent: {
    what: "the session has used up the calls, records or cost it was opened for",
    why: "a session is opened for one task; its delegates draw from the same budget",
    next: "open a new session, or ask whoever delegated this one",
  },
  approval_denied: {
    what: "a person said no",
    why: "their reason is in the refusal",
    next: "do what the reason says; the same call asked again finds the same answer",
  },
  approval_expired: { what: "nobody answered in time", why: "an old yes must not be used later", next: "repeat the call to ask again" },
  approval_used: { what: "the approval was used already", why: "a yes covers one call", next: "repeat the call to ask again" },
  statement_refused: {
    what: "the query is not one that an agent may write: more than one statement, not understood, or beyond the declared tables",
    why: "only what the broker understands whole can be kept within rows and fields",
    next: "write one plain SELECT over the tables and functions the message names, or use a table action",
  },
  content_refused: {
    what: "an argument holds what may not go where the call would send it: personal data, a secret, a blocked phrase, a foreign link",
    why: "what has left cannot be called back",
    next: "leave out or replace what the message names; `bailiwick explain <call>` shows the rule",
  },
  record_changed: {
    what: "the record is no longer as the call that is to be taken back left it",
    why: "an undo must not overwrite what somebody did since",
    next: "look at the difference with `bailiwick undo <call>` and change the record by hand",
  },
  too_many_at_once: {
    what: "as many calls run at this moment as the policy lets run at once",
    why: "a loop that went wrong must not flood a tool",
    next: "wait until one has ended",
  },
  call_repeated: {
    what: "the run makes the same call over and over",
    why: "a loop that went wrong costs money and hides what matters",
    next: "let the agent do something else, or open a new session for it",
  },
  approval_stale: {
    what: "the record, the tool or the policy changed after the person looked",
    why: "a yes covers exactly what was shown",
    next: "repeat the call; it asks again with what is true now",
  },
  approval_unknown: {
    what: "there is no such ticket for this session",
    why: "a ticket belongs to one agent, user and task",
    next: "repeat the call to get its ticket",
  },
  elevation_not_eligible: {
    what: "the agent may not ask for this right",
    why: "only roles that the policy lists as `eligible` can be had for a time, in their scopes and no longer than it says",
    next: "ask for one of those the refusal names, or list the role under `eligible` in the agent's file",
  },
  elevation_denied: {
    what: "a person did not give the right for a time",
    why: "their reason is in the refusal",
    next: "do what the reason says",
  },
  elevation_ended: {
    what: "the right for a time that this stands on has ended or was taken back",
    why: "it is looked at once more in the transaction that lets a call begin",
    next: "ask for it again when it is still needed; `bailiwick elevations show <id>` says how it ended",
  },
  policy_changed: {
    what: "the policy changed while the call was on its way",
    why: "a call runs under the policy that judged it, or not at all",
    next: "repeat the call",
  },
  permit_invalid: {
    what: "the call is not the one that was permitted",
    why: "a permit covers exactly these arguments, once",
    next: "repeat the call; if it happens again, report it: this is a defect",
  },
  credential_unavailable: {
    what: "the tool's credential is missing or cannot be opened",
    why: "the broker never calls a tool without the credential its catalog entry names",
    next: "store it with `bailiwick secrets set <name> --tenant <tenant>`",
  },
  log_unavailable: {
    what: "the audit log cannot be written",
    why: "no durable record, no call",
    next: "free disk space or restore the database; `bailiwick doctor` says which part fails",
  },
  store_unavailable: {
    what: "the store cannot be reached",
    why: "in doubt the answer is no",
    next: "restore the database; `bailiwick doctor` says which part fails",
  },
  cancelled: { what: "the agent withdrew the call before it was sent", why: "nothing happened", next: "repeat it when it is still wanted" },
  internal_fault: {
    what: "the broker failed",
    why: "a failure before the effect refuses",
    next: "look for the call's id in the broker's log and report it",
  },
};
