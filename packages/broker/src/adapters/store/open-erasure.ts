import type { Kysely } from "kysely";
import type { Pool } from "pg";
import type { AuditLog } from "../../domain/audit.ts";
import type { Erasure, LegalHolds, Retention } from "../../domain/erasure.ts";
import type { LogEvidence } from "../../domain/evidence.ts";
import type { EndDeps } from "./erasure/end-of-person.ts";
import { erasure } from "./erasure/erasure.ts";
import { holdsStanding, legalHolds } from "./holds/holds.ts";
import { logRetention } from "./retention/retention.ts";
import type { Subjects } from "./subjects/subjects.ts";
import type { TenantSecrets } from "./subjects/tenant-secrets.ts";
import type { Tables } from "./tables.ts";

export interface ErasureParts extends Omit<EndDeps, "db"> {
  readonly db: Kysely<Tables>;
  /** The database of the log. */
  readonly logPool: Pool;
  /** Connections to it for what waits. */
  readonly waitingPool: Pool;
  readonly people: Subjects;
  readonly secrets: (tenant: string) => Promise<TenantSecrets>;
  readonly log: AuditLog;
  readonly evidence: LogEvidence;
  readonly rootKey: Uint8Array;
  readonly now: () => Date;
}

/** What destroys, and what forbids it. */
export interface OpenedErasure {
  readonly erasure: Erasure;
  readonly holds: LegalHolds;
  readonly retention: Retention;
}

export function openErasure({ waitingPool, ...parts }: ErasureParts): OpenedErasure {
  const deps = { ...parts, whileHoldsStand: holdsStanding(waitingPool) };
  return { erasure: erasure(deps), holds: legalHolds(deps), retention: logRetention(deps) };
}
