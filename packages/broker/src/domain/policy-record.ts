import { sha256 } from "@bailiwick/ledger";
import type { JsonObject, Policy, PolicyFile } from "@bailiwick/policy";
import { adminRecord, BROKER } from "./admin-record.ts";
import type { AuditLog } from "./audit.ts";

/** A version of the policy and the files it was read from. */
export interface PolicyText {
  readonly policy: Pick<Policy, "version" | "tenants">;
  readonly files: readonly PolicyFile[];
}

export interface PolicyRecordPorts {
  readonly log: Pick<AuditLog, "append">;
  readonly brokerId: string;
  now(): Date;
  newId(prefix: "adm"): string;
}

/**
 * Records in the log of every tenant, of those that left too, that this broker puts a version of the policy in force: before it does so, at
 * its start and with every change. The version is a digest over all files; which file has which digest, and what changed, lies sealed beside
 * the record, because names of files may speak of other tenants.
 * @throws Fault `log_unavailable`: the version must not come into force. Keeping the one before takes nothing away, because without its log
 * a tenant's agents run nothing under either.
 */
export async function recordPolicy(ports: PolicyRecordPorts, next: PolicyText, before: PolicyText | undefined): Promise<void> {
  const callId = ports.newId("adm");
  const facts = filesOf(next.files, before?.files);
  const body = {
    broker: ports.brokerId,
    policyVersion: next.policy.version,
    files: next.files.length,
    ...(before === undefined
      ? {}
      : {
          before: before.policy.version,
          added: facts.added.length,
          changed: facts.changed.length,
          removed: facts.removed.length,
        }),
  };
  for (const tenant of new Set([...next.policy.tenants, ...(before?.policy.tenants ?? [])])) {
    await ports.log.append(
      tenant,
      adminRecord({ at: ports.now(), event: "policy.activate", by: BROKER, callId, body, facts: { ...facts } }),
    );
  }
}

interface FilesFacts extends JsonObject {
  /** By path, the SHA-256 of the file's text in hexadecimal. */
  readonly digests: Readonly<Record<string, string>>;
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

function filesOf(next: readonly PolicyFile[], before: readonly PolicyFile[] | undefined): FilesFacts {
  const now = digestsOf(next);
  const old = before === undefined ? now : digestsOf(before);
  return {
    digests: Object.fromEntries(now),
    added: [...now.keys()].filter((path) => !old.has(path)),
    changed: [...now].flatMap(([path, digest]) => (old.has(path) && old.get(path) !== digest ? [path] : [])),
    removed: [...old.keys()].filter((path) => !now.has(path)),
  };
}

function digestsOf(files: readonly PolicyFile[]): ReadonlyMap<string, string> {
  return new Map(files.map(({ path, text }) => [path, sha256(text)]));
}
