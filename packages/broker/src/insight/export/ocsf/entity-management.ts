import type { JsonObject } from "@bailiwick/policy";
import { type ExportedRecord, objectOf, present, textOf } from "../exported-record.ts";
import { type OcsfClass, type OcsfInput, STATUS_MAPPED, statusMembers } from "./event.ts";
import { actorMapped, actorObject, aiMembers } from "./who.ts";

const ENTITY_MANAGEMENT = 3004;
const OTHER = 99;

/**
 * Activities of the class by the verb of the event, which stands behind its dot: create 1, read 2, update 3, delete 4, enable 8, disable 9,
 * activate 10, deactivate 11, suspend 12, resume 13.
 */
const ACTIVITY_OF_VERB: readonly (readonly [RegExp, number])[] = [
  [/^(?:create|add|put|save|stage|connect|register|invite|issue|introduce|token|out)(?:_|$)/u, 1],
  [/^(?:read|query|export|verify|list)(?:_|$)/u, 2],
  [/^(?:update|change|rotate|approve|deny|answer|renew)(?:_|$)/u, 3],
  [/^(?:delete|remove|erase|revoke|destroy)(?:_|$)/u, 4],
  [/^enable(?:_|$)/u, 8],
  [/^disable(?:_|$)/u, 9],
  [/^activate(?:_|$)/u, 10],
  [/^(?:deactivate|retire|end|revoked|ended)(?:_|$)/u, 11],
];

/** A stop is put and lifted: the stopped one is suspended and resumed. A legal hold is there or not. */
const ACTIVITY_OF_EVENT: ReadonlyMap<string, number> = new Map([
  ["stop.put", 12],
  ["stop.stands", 12],
  ["stop.lift", 13],
  ["hold.lift", 4],
]);

/** An admin act on something the broker keeps: Entity Management. */
export function entityManagement(input: OcsfInput): OcsfClass {
  const { record, classified, version } = input;
  const ai = aiMembers(record, version, "1.9.0");
  const activityId = activityOf(classified.event);
  return {
    classUid: ENTITY_MANAGEMENT,
    activityId,
    activityName: activityId === OTHER ? classified.event : undefined,
    profiles: Object.keys(ai).length === 0 ? [] : ["ai_operation"],
    members: present({ actor: actorObject(record), entity: entity(record, classified.event), ...statusMembers(input), ...ai }),
    mapped: [...actorMapped(record), ...STATUS_MAPPED, "logKey"],
  };
}

function activityOf(event: string): number {
  const verb = event.slice(event.indexOf(".") + 1);
  return ACTIVITY_OF_EVENT.get(event) ?? ACTIVITY_OF_VERB.find(([pattern]) => pattern.test(verb))?.[1] ?? OTHER;
}

/** Members of a record that name what was acted on, by the part of the event before its dot. */
const NAMED_BY: ReadonlyMap<string, { readonly type: string; readonly members: readonly string[] }> = new Map([
  ["agent", { type: "Agent key", members: ["thumbprint"] }],
  ["approval", { type: "Approval", members: ["approval"] }],
  ["credential", { type: "Credential", members: ["credential"] }],
  ["duty", { type: "Duty", members: ["duty"] }],
  ["elevation", { type: "Elevation", members: ["elevation"] }],
  ["federation", { type: "Partner token", members: ["partner"] }],
  ["hold", { type: "Legal hold", members: ["name"] }],
  ["log", { type: "Audit log", members: ["tenant"] }],
  ["log_key", { type: "Log key", members: [] }],
  ["notification", { type: "Notification", members: ["notification"] }],
  ["oauth", { type: "OAuth client", members: ["client"] }],
  ["person", { type: "Person", members: ["person"] }],
  ["resource", { type: "Records of a resource", members: [] }],
  ["search", { type: "Saved search", members: ["name"] }],
  ["session", { type: "Session", members: ["session"] }],
  ["signing_key", { type: "Signing key", members: ["kid", "key", "thumbprint"] }],
  ["stop", { type: "Stop", members: ["name"] }],
  ["subject", { type: "Person", members: ["person", "subject"] }],
  ["task", { type: "Task", members: ["task"] }],
  ["tool", { type: "Tool grant", members: ["tool"] }],
]);

const POLICY_TYPE = 5;

/** The `entity`: its type, and its name or else the id of the record's call. The schema wants at least one of the two. */
function entity(record: ExportedRecord, event: string): JsonObject {
  const { leaf, callId, id } = record;
  const prefix = event.split(".", 1)[0] ?? event;
  if (prefix === "policy") {
    const version = textOf(leaf, "policyVersion") ?? textOf(leaf, "version");
    return present({ type_id: POLICY_TYPE, name: "policy folder", uid: version, version });
  }
  const known = NAMED_BY.get(prefix);
  const name = known?.members.map((member) => textOf(leaf, member)).find((each) => each !== undefined);
  const uid = prefix === "log_key" ? textOf(objectOf(leaf, "logKey") ?? {}, "key") : callId;
  return present({ type_id: OTHER, type: known?.type ?? prefix, name, uid: uid === undefined || uid === "" ? id : uid });
}
