import { adminRecord, type Doer, type PlainMembers } from "../../domain/admin-record.ts";
import type { AuditLog } from "../../domain/audit.ts";
import type { CredentialInfo, RecordChange } from "../../domain/credential.ts";
import type { ToolPlace } from "../../domain/tool-access.ts";

export interface RecordPorts {
  readonly log: Pick<AuditLog, "append">;
  now(): Date;
}

export interface ToolAct {
  /** `tool.connect`: a person lets the broker use a tool's server. `tool.token`: a token is asked for. */
  readonly event: "tool.connect" | "tool.token";
  readonly by: Doer;
  readonly via?: string;
}

/** Appends one record. It names servers, clients and scopes; never a token, a code or a secret. */
export async function recordToken(
  { log, now }: RecordPorts,
  act: ToolAct,
  { tool, tenant, environment, workflow }: ToolPlace,
  more: PlainMembers,
): Promise<void> {
  await log.append(tenant, adminRecord({ at: now(), ...act, callId: `tool_${tool}`, body: { tool, environment, workflow, ...more } }));
}

/** The record of a version that holds new tokens, written before the version is committed. */
export function recordVersion(ports: RecordPorts, act: ToolAct, place: ToolPlace, more: PlainMembers): RecordChange {
  return ({ name, version, hosts }: CredentialInfo) =>
    recordToken(ports, act, place, { ...more, credential: name, version, hosts: [...hosts] });
}
