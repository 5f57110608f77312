import type { AuditLog } from "../../domain/audit.ts";
import type { CredentialInfo, RecordChange } from "../../domain/credential.ts";
import type { ToolPlace } from "../../domain/tool-access.ts";

export interface RecordPorts {
  readonly log: Pick<AuditLog, "append">;
  now(): Date;
}

/** `tool.connect`: a person lets the broker use a tool's server. `tool.token`: a token is asked for. */
export type ToolEvent = "tool.connect" | "tool.token";

/** Appends one record. It names servers, clients and scopes; never a token, a code or a secret. */
export async function recordToken(
  { log, now }: RecordPorts,
  event: ToolEvent,
  { tool, tenant, environment, workflow }: ToolPlace,
  more: Readonly<Record<string, string | number | readonly string[]>>,
): Promise<void> {
  await log.append(tenant, {
    kind: "admin",
    callId: `tool_${tool}`,
    body: { at: now().toISOString(), event, tool, environment, workflow, ...more },
  });
}

/** The record of a version that holds new tokens, written before the version is committed. */
export function recordVersion(
  ports: RecordPorts,
  event: ToolEvent,
  place: ToolPlace,
  more: Readonly<Record<string, string | readonly string[]>>,
): RecordChange {
  return ({ name, version, hosts }: CredentialInfo) =>
    recordToken(ports, event, place, { ...more, credential: name, version, hosts: [...hosts] });
}
