import type { JsonObject } from "@bailiwick/policy";
import { present, textOf, textsOf } from "../exported-record.ts";
import { type OcsfClass, type OcsfInput, STATUS_MAPPED, statusMembers } from "./event.ts";
import { actorMapped, actorObject, aiMembers, userObject } from "./who.ts";

const ACCOUNT_CHANGE = 3001;
const AUTHENTICATION = 3002;
const AUTHORIZE_SESSION = 3003;
const USER_MANAGEMENT = 3007;
const OTHER = 99;

/** A session was opened, or a person let a client act: Authorize Session, "assign privileges". */
export function authorizeSession(input: OcsfInput): OcsfClass {
  const { record, version } = input;
  const { leaf } = record;
  const ai = aiMembers(record, version, "1.9.0");
  return {
    classUid: AUTHORIZE_SESSION,
    activityId: 1,
    profiles: Object.keys(ai).length === 0 ? [] : ["ai_operation"],
    members: present({
      actor: actorObject(record),
      user: userObject(record, textOf(leaf, "user") ?? textOf(leaf, "by") ?? "anonymous"),
      // Empty says that the session may do nothing, which is not the same as nothing said; the class asks for the member.
      privileges: textsOf(leaf, "scope"),
      session: session(leaf, record.at),
      ...statusMembers(input),
      ...ai,
    }),
    mapped: [...actorMapped(record), ...STATUS_MAPPED, "user", "scope", "expiresAt"],
  };
}

function session(leaf: JsonObject, at: string): JsonObject | undefined {
  const uid = textOf(leaf, "session");
  if (uid === undefined) return undefined;
  const until = Date.parse(textOf(leaf, "expiresAt") ?? "");
  return present({ uid, created_time: Date.parse(at), expiration_time: Number.isNaN(until) ? undefined : until });
}

const SIGN_INS: ReadonlyMap<string, number> = new Map([
  ["person.signed_in", 1],
  ["sign_in.recovery_refused", 1],
  ["person.signed_out", 2],
  ["person.session_ended", 2],
  ["person.signed_out_everywhere", 2],
]);

export function isSignIn(event: string): boolean {
  return SIGN_INS.has(event);
}

/** A person signed in (1) or out (2): Authentication. */
export function authentication(input: OcsfInput): OcsfClass {
  const { record, classified } = input;
  return {
    classUid: AUTHENTICATION,
    activityId: SIGN_INS.get(classified.event) ?? OTHER,
    profiles: [],
    members: present({
      actor: actorObject(record),
      user: userObject(record, subject(input)),
      service: { name: "bailiwick" },
      is_remote: true,
      ...statusMembers(input),
    }),
    mapped: [...actorMapped(record), ...STATUS_MAPPED, "person"],
  };
}

/** Activities of Account Change, and of User Management, which replaces it in 1.9.0. */
const ACCOUNT_EVENTS: ReadonlyMap<string, { readonly change: number; readonly management: number }> = new Map([
  ["person.invited", { change: 1, management: 1 }],
  ["person.enrolled", { change: 2, management: 4 }],
  ["person.passkey_added", { change: 10, management: 12 }],
  ["person.sso_linked", { change: 10, management: 12 }],
  ["person.passkey_removed", { change: 11, management: 13 }],
]);

/** Something about how a person signs in changed. */
export function accountChange(input: OcsfInput): OcsfClass {
  const { record, classified, version } = input;
  const activity = ACCOUNT_EVENTS.get(classified.event);
  const managed = version === "1.9.0";
  const activityId = (managed ? activity?.management : activity?.change) ?? OTHER;
  return {
    classUid: managed ? USER_MANAGEMENT : ACCOUNT_CHANGE,
    activityId,
    activityName: activityId === OTHER ? classified.event : undefined,
    profiles: [],
    members: present({ actor: actorObject(record), user: userObject(record, subject(input)), ...statusMembers(input) }),
    mapped: [...actorMapped(record), ...STATUS_MAPPED, "person"],
  };
}

function subject({ record: { leaf } }: OcsfInput): string {
  return textOf(leaf, "person") ?? textOf(leaf, "user") ?? textOf(leaf, "by") ?? "anonymous";
}
