import { Kysely, PostgresDialect } from "kysely";
import type { Pool } from "pg";
import type { AuditLog } from "../../domain/audit.ts";
import type { LogEvidence } from "../../domain/evidence.ts";
import { MAX_LOG_CONNECTIONS, MAX_WAITING_CONNECTIONS, openPool } from "./connections.ts";
import { inTransaction } from "./in-transaction.ts";
import { checkpointer } from "./keeper/checkpointer.ts";
import { logEvidence } from "./keeper/evidence.ts";
import { type LogKeeper, logKeeper } from "./keeper/log-keeper.ts";
import { holdLiveness, type Liveness } from "./liveness.ts";
import { auditLog } from "./log/audit-log.ts";
import { logOrigin } from "./log-origin.ts";
import type { StoreContext } from "./store-context.ts";
import { readBase } from "./retention/base-rows.ts";
import { assertPowerless } from "./roles.ts";
import type { Subjects } from "./subjects/subjects.ts";
import type { TenantSecrets } from "./subjects/tenant-secrets.ts";
import type { Tables } from "./tables.ts";

/** Where the application logs in. */
export interface StoreUrls {
  readonly appUrl: string;
  /** The log's own database; undefined when it lies beside everything else. */
  readonly logUrl: string | undefined;
}

export interface LogParts {
  readonly urls: StoreUrls;
  readonly pool: Pool;
  readonly db: Kysely<Tables>;
  readonly secrets: (tenant: string) => Promise<TenantSecrets>;
  readonly people: Subjects;
  readonly rootKey: Buffer;
  readonly now: () => Date;
  readonly context: StoreContext;
  readonly closing: AsyncDisposableStack;
}

export interface OpenedLog {
  readonly log: AuditLog;
  readonly evidence: LogEvidence;
  readonly keeper: LogKeeper;
  readonly liveness: Liveness;
  /** The database of the log. */
  readonly logPool: Pool;
}

/** Opens the log of all tenants: its writer, its readers, and who signs its checkpoints. */
export async function openLog(parts: LogParts): Promise<OpenedLog> {
  const { urls, context, closing, rootKey, now } = parts;
  const logUrl = urls.logUrl ?? urls.appUrl;
  const logPool = urls.logUrl === undefined ? parts.pool : openPool(urls.logUrl);
  if (urls.logUrl !== undefined) {
    closing.defer(() => logPool.end());
    await assertPowerless(logPool);
  }
  const logDb = urls.logUrl === undefined ? parts.db : new Kysely<Tables>({ dialect: new PostgresDialect({ pool: logPool }) });
  const appenders = openPool(logUrl, MAX_LOG_CONNECTIONS);
  closing.defer(() => appenders.end());
  // Calls that a broker left open are found in the log's database, so that is where it shows that it lives.
  const liveness = await holdLiveness(logUrl, context.brokerId);
  closing.defer(() => liveness.close());
  const base = await logOrigin(logPool, context.origin);
  const origin = (tenant: string): string => `${base}/${tenant}`;
  const signers = openPool(logUrl, MAX_WAITING_CONNECTIONS);
  closing.defer(() => signers.end());
  const signing = checkpointer({ pool: signers, rootKey, origin, now });
  const keeper = logKeeper({ checkpointer: signing, complain: context.complain ?? ((): void => undefined) });
  closing.defer(() => keeper.close());
  const log = auditLog({
    db: parts.db,
    logDb,
    appenders,
    ...(urls.logUrl === undefined ? {} : { admitting: parts.pool }),
    subjects: parts.people,
    secrets: parts.secrets,
    touched: (tenant, records) => keeper.touched(tenant, records),
    brokerId: context.brokerId,
    since: liveness.since,
    now,
  });
  const witnesses = context.witnesses ?? { keys: [], quorum: 0 };
  const evidence: LogEvidence = {
    ...logEvidence({ pool: logPool, rootKey, origin, checkpointer: signing, quorum: witnesses.quorum }),
    witnesses: () => witnesses,
    base: (tenant) => inTransaction(logPool, tenant, (client) => readBase(client, tenant)),
  };
  return { log, evidence, keeper, liveness, logPool };
}
