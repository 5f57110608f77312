import type { JsonObject } from "@bailiwick/policy";
import { type ExportedRecord, nameBehind, present, textOf } from "../exported-record.ts";
import type { OcsfVersion } from "./event.ts";

/** A `user` object: a person by pseudonym (and name where it is known), an agent, the broker itself. */
export function userObject(record: ExportedRecord, name: string): JsonObject {
  const known = nameBehind(record, name);
  return present({ uid: name, name: known ?? (name.startsWith("sub_") ? undefined : name), type_id: userType(name) });
}

function userType(name: string): number {
  if (name.startsWith("sub_")) return 1;
  if (name === "operator") return 2;
  if (name === "broker") return 3;
  return name.startsWith("bailiwick://") ? 4 : 0;
}

/** The `actor`: an agent that works for a user in a session, or whoever did an admin act. The schema wants at least one member. */
export function actorObject(record: ExportedRecord): JsonObject {
  const { leaf } = record;
  const agent = actingAgent(leaf);
  const user = textOf(leaf, "by") ?? textOf(leaf, "user") ?? (agent === undefined ? "anonymous" : undefined);
  const session = agent === undefined ? undefined : textOf(leaf, "session");
  return present({
    user: user === undefined ? undefined : userObject(record, user),
    session: session === undefined ? undefined : { uid: session },
    app_uid: agent,
    app_name: agent === undefined ? undefined : agentName(agent),
  });
}

/** Members that `actorObject` says of this record. */
export function actorMapped({ leaf }: ExportedRecord): readonly string[] {
  const who = textOf(leaf, "by") === undefined ? "user" : "by";
  return actingAgent(leaf) === undefined ? [who] : [who, "agent", "session"];
}

/** The agent that acts; undefined where somebody else did something about an agent. */
function actingAgent(leaf: JsonObject): string | undefined {
  const by = textOf(leaf, "by");
  const agent = textOf(leaf, "agent");
  return by === undefined || by === agent ? agent : undefined;
}

/**
 * The profile `ai_operation`, where the class has it: 1.8.0 brought it to API Activity, 1.9.0 to the identity classes, with the object `ai_agent`.
 * The broker is not told which model an agent runs on, so `ai_model` is left out.
 */
export function aiMembers(record: ExportedRecord, version: OcsfVersion, since: "1.8.0" | "1.9.0"): JsonObject {
  const agent = actingAgent(record.leaf);
  if (agent === undefined || version === "1.6.0" || (since === "1.9.0" && version !== "1.9.0")) return {};
  const name = agentName(agent);
  return present({
    message_context: { ai_role_id: 4, uid: record.callId, application: { uid: agent, name } },
    ai_agent: version === "1.9.0" ? present({ uid: agent, name, instance_uid: textOf(record.leaf, "session") }) : undefined,
  });
}

/** The last part of `bailiwick://<tenant>/<environment>/<workflow>/<agent>`. */
function agentName(agent: string): string {
  return agent.slice(agent.lastIndexOf("/") + 1);
}
