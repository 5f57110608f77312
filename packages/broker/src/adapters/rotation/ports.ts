import type { Policy } from "@bailiwick/policy";
import type { AuditLog } from "../../domain/audit.ts";
import type { CredentialStore } from "../../domain/credential.ts";
import type { ExternalSources } from "../credential-source/sourced-credentials.ts";
import type { TryOut } from "../tools/index.ts";

/** What keeping credentials needs of the world. */
export interface KeeperPorts {
  readonly store: CredentialStore;
  readonly log: Pick<AuditLog, "append">;
  policy(): Policy;
  now(): Date;
  readonly tryOut: TryOut;
  readonly external: ExternalSources;
  /** For `${env:NAME}` in the addresses of databases whose roles are rotated. */
  readonly environment: (name: string) => string | undefined;
  /** Cryptographically random bytes. */
  random(bytes: number): Uint8Array;
}
