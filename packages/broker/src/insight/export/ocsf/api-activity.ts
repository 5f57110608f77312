import type { JsonObject } from "@bailiwick/policy";
import { type ExportedRecord, objectOf, present, textOf } from "../exported-record.ts";
import { CONTROL_MAPPED, controlMembers, type OcsfClass, type OcsfInput, STATUS_MAPPED, statusMembers } from "./event.ts";
import { actorMapped, actorObject, aiMembers } from "./who.ts";

const API_ACTIVITY = 6003;
const OTHER = 99;
/** Activities of the class: create 1, read 2, update 3, delete 4. What `write` does to a record is not known, so it is an update. */
const ACTIVITY_OF_EFFECT: ReadonlyMap<string, number> = new Map([
  ["read", 2],
  ["export", 2],
  ["write", 3],
  ["delete", 4],
]);

/** A call of an agent, or a read of the log: API Activity. */
export function apiActivity(input: OcsfInput): OcsfClass {
  const { record, classified, version } = input;
  const { leaf, kind } = record;
  const effect = kind === "admin" || kind === "lookup" ? "read" : textOf(leaf, "effect");
  const ai = aiMembers(record, version, "1.8.0");
  const trace = traceId(leaf);
  const activityId = effect === undefined ? 0 : (ACTIVITY_OF_EFFECT.get(effect) ?? OTHER);
  return {
    classUid: API_ACTIVITY,
    activityId,
    activityName: activityId === OTHER ? effect : undefined,
    profiles: ["security_control", ...(Object.keys(ai).length === 0 ? [] : ["ai_operation"]), ...(trace === undefined ? [] : ["trace"])],
    members: present({
      actor: actorObject(record),
      api: api(record, classified.event),
      // The network peer is sealed beside the record; what stands in the log is which agent it was.
      src_endpoint: { name: textOf(leaf, "agent") ?? textOf(leaf, "by") ?? "unknown" },
      dst_endpoint: kind === "admin" ? undefined : endpoint(textOf(leaf, "tool")),
      resources: resources(leaf),
      trace: trace === undefined ? undefined : { uid: trace },
      ...statusMembers(input),
      ...controlMembers(input),
      ...ai,
    }),
    mapped: [...actorMapped(record), ...STATUS_MAPPED, ...CONTROL_MAPPED, "tool", "operation", "effect", "resource", "traceparent"],
  };
}

function api({ leaf, callId, kind }: ExportedRecord, event: string): JsonObject {
  const tool = kind === "admin" ? "bailiwick" : textOf(leaf, "tool");
  const code = textOf(leaf, "code");
  return present({
    operation: kind === "admin" ? event : (textOf(leaf, "operation") ?? textOf(leaf, "action") ?? "unknown"),
    service: tool === undefined ? undefined : { name: tool },
    request: callId === "" ? undefined : { uid: callId },
    response: code === undefined ? undefined : { error: code },
  });
}

function endpoint(tool: string | undefined): JsonObject | undefined {
  return tool === undefined ? undefined : { svc_name: tool };
}

/** The record acted on, by its type and tag; `role_id` 1 is the target. */
function resources(leaf: JsonObject): readonly JsonObject[] | undefined {
  const resource = objectOf(leaf, "resource");
  const uid = textOf(resource ?? {}, "tag");
  return uid === undefined ? undefined : [present({ uid, type: textOf(resource ?? {}, "type"), role_id: 1 })];
}

/** The trace of W3C Trace Context section 3.2: 16 bytes in hex, not all zero. */
function traceId(leaf: JsonObject): string | undefined {
  const id = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-/u.exec(textOf(leaf, "traceparent") ?? "")?.[1];
  return id === undefined || /^0+$/u.test(id) ? undefined : id;
}
