import type { JsonObject } from "@bailiwick/policy";
import type { LogEntry } from "./audit.ts";

/**
 * Who did something. A person stands in the log under a pseudonym; agents, OAuth clients, partners, `operator` (the holder of the operator
 * key), `broker`, `oauth` and `anonymous` under their name. Which of the two is said where it is known, never guessed from the text.
 */
export type Doer = { readonly person: string } | { readonly named: string };

export const BROKER: Doer = { named: "broker" };

/** Everything people, agents' owners and the broker itself do that is recorded. Closed, as the exports translate each of them. */
export const ADMIN_EVENTS = [
  "agent.add_key",
  "agent.retire_key",
  "agent.retire_key_later",
  "anchor.conflict",
  "approval.answer_too_late",
  "approval.approve",
  "approval.deny",
  "approval.drill",
  "approval.revoke_bounded",
  "approval.stop",
  "assertion.replay",
  "call.undo",
  "credential.activate",
  "credential.put",
  "credential.revoke",
  "credential.rotate_failed",
  "credential.stage",
  "credential.verify",
  "duty.put",
  "duty.revoke",
  "elevation.approve",
  "elevation.ask",
  "elevation.deny",
  "elevation.end",
  "elevation.revoke",
  "federation.out",
  "hold.lift",
  "hold.put",
  "log.read",
  "log.retire",
  "log.rotate_key",
  "notification.dead",
  "notification.subscribe",
  "oauth.consent",
  "oauth.consent_denied",
  "oauth.register_client",
  "person.enrolled",
  "person.invited",
  "person.login_link",
  "person.passkey_added",
  "person.passkey_kept",
  "person.passkey_removed",
  "person.passkey_suspect",
  "person.recovery_codes_made",
  "person.session_ended",
  "person.signed_in",
  "person.signed_out",
  "person.signed_out_everywhere",
  "person.sso_linked",
  "person.sso_linking",
  "policy.activate",
  "resource.erase",
  "search.remove",
  "search.save",
  "session.create",
  "session.revoke",
  "session.revoked",
  "sign_in.recovery_refused",
  "signing_key.rotate",
  "stop.lift",
  "stop.put",
  "stop.stands",
  "subject.erase",
  "task.end",
  "task.ended",
  "token.replay",
  "tool.connect",
  "tool.token",
] as const;
export type AdminEvent = (typeof ADMIN_EVENTS)[number];

/** Members that have a place of their own, or name people, or hold their words: none of them may stand in a body. */
const NOT_IN_BODY = [
  "at",
  "event",
  "by",
  "via",
  "user",
  "person",
  "approver",
  "subject",
  "task",
  "reason",
  "message",
  "clientName",
  "redirectUris",
  "redirectHost",
  "receipt",
  "email",
] as const;

/** Ids, names of agents, tools and scopes, figures, the broker's own words. */
export type PlainMembers = JsonObject & { readonly [member in (typeof NOT_IN_BODY)[number]]?: never };

export interface AdminAct {
  readonly at: Date;
  readonly event: AdminEvent;
  readonly by: Doer;
  /** How they proved who they are. */
  readonly via?: string | undefined;
  /** At random, or the id of the thing or call it is about; never made of a person's id. */
  readonly callId: string;
  /** The person the work is for: the facts are theirs. */
  readonly user?: string | undefined;
  /** The person it was done to. */
  readonly person?: string | undefined;
  /** A person who answered an approval. */
  readonly approver?: string | undefined;
  readonly task?: string | undefined;
  /** Stands in the log for good. */
  readonly body?: PlainMembers | undefined;
  /** Words of people and agents, addresses, receipts: sealed under the first person named, and erased with them. */
  readonly facts?: JsonObject | undefined;
}

/**
 * The record of an act of people or of the broker itself, in which nobody is named in plain. Pure.
 * @throws TypeError when a member of the body has a place of its own: the act does not happen then.
 */
export function adminRecord(act: AdminAct): LogEntry {
  const { at, event, by, via, callId, user, person, approver, task, body = {}, facts = {} } = act;
  const misplaced = NOT_IN_BODY.find((member) => member in body);
  if (misplaced !== undefined)
    throw new TypeError(`\`${misplaced}\` of \`${event}\` would stand in the log for good; name it outside of the body`);
  const sealed: JsonObject = task === undefined ? facts : { ...facts, task };
  return {
    kind: "admin",
    callId,
    body: {
      ...body,
      at: at.toISOString(),
      event,
      ...("named" in by ? { by: by.named } : {}),
      ...(via === undefined ? {} : { via }),
    },
    people: {
      ...(user === undefined ? {} : { user }),
      ...(person === undefined ? {} : { person }),
      ...("person" in by ? { by: by.person } : {}),
      ...(approver === undefined ? {} : { approver }),
    },
    ...(task === undefined ? {} : { task }),
    ...(Object.keys(sealed).length === 0 ? {} : { facts: sealed }),
  };
}
