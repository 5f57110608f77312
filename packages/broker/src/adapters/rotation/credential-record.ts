import { adminRecord, type PlainMembers } from "../../domain/admin-record.ts";
import type { AuditLog } from "../../domain/audit.ts";
import type { CredentialInfo, CredentialPlace, RecordChange } from "../../domain/credential.ts";
import type { Actor } from "../../domain/credential-keeper.ts";

/** What happens to a credential, as the log names it. */
export type CredentialEvent =
  | "credential.put"
  | "credential.stage"
  | "credential.verify"
  | "credential.activate"
  | "credential.revoke"
  | "credential.rotate_failed";

export interface RecordPorts {
  readonly log: Pick<AuditLog, "append">;
  now(): Date;
}

/** The record of one change, written before the change is committed. It names the version and never holds its value. */
export function recordOf(ports: RecordPorts, actor: Actor, event: CredentialEvent, more: PlainMembers = {}): RecordChange {
  return (info) =>
    recordEvent(ports, actor, event, info, {
      version: info.version,
      hosts: [...info.hosts],
      ...(info.verification === undefined ? {} : { verification: info.verification }),
      ...more,
    });
}

export async function recordEvent(
  ports: RecordPorts,
  { by, via }: Actor,
  event: CredentialEvent,
  place: CredentialPlace | CredentialInfo,
  more: PlainMembers,
): Promise<void> {
  const { name, tenant, environment, workflow } = place;
  await ports.log.append(
    tenant,
    adminRecord({
      at: ports.now(),
      event,
      by,
      via,
      callId: `credential_${name}`,
      body: { credential: name, environment, workflow, ...more },
    }),
  );
}
