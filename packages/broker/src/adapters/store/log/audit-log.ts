import type { Kysely } from "kysely";
import { randomUUID } from "node:crypto";
import type { Pool } from "pg";
import { type AuditLog, type IntendOutcome, isLease, type LogEntry, type LogOutage } from "../../../domain/audit.ts";
import { Fault } from "../../../domain/fault.ts";
import type { Subjects } from "../subjects/subjects.ts";
import type { TenantSecrets } from "../subjects/tenant-secrets.ts";
import type { Tables } from "../tables.ts";
import type { AppendResult } from "./append.ts";
import { giveBackAll, giveBackDrawn } from "./give-back.ts";
import { callsGivenUp } from "./given-up.ts";
import { notSent } from "./not-sent.ts";
import { logReader } from "./read.ts";
import { surfaceUnknown } from "./surface-unknown.ts";
import { type WireEntry, wireEntry, wireMembers } from "./wire-entry.ts";
import { type LogWriter, logWriter } from "./log-writer.ts";

export interface AuditLogDeps {
  /** The database of sessions, limits and people. */
  readonly db: Kysely<Tables>;
  /** The database of the log; the same unless it has one of its own. */
  readonly logDb: Kysely<Tables>;
  /** Connections to it that only append. */
  readonly appenders: Pool;
  /** Connections that take limits, where they are not in the log's database. */
  readonly admitting?: Pool | undefined;
  readonly subjects: Subjects;
  readonly secrets: (tenant: string) => Promise<TenantSecrets>;
  /** Told how many records this process appended. */
  readonly touched: (tenant: string, records: number) => void;
  readonly brokerId: string;
  /** When this process took its broker id, by the log database's clock. */
  readonly since: Date;
  readonly now: () => Date;
}

/** The log of all tenants, with a writer for each that is written to. */
export function auditLog(deps: AuditLogDeps): AuditLog {
  const { appenders, now } = deps;
  const writers = new Map<string, LogWriter>();
  const givenUp = callsGivenUp();
  // A name no other process has, even one with the same broker id: batches are numbered within it.
  const process = randomUUID();
  const writerOf = (tenant: string): LogWriter => {
    const known = writers.get(tenant);
    if (known !== undefined) return known;
    const made = logWriter({
      tenant,
      writer: `${deps.brokerId} ${process}`,
      db: appenders,
      admitting: deps.admitting,
      now,
      appended: (records) => deps.touched(tenant, records),
      recovered: (outage) => outageEnded(outage, deps.brokerId, now()),
      foundLater: (entries) => notSent(entries, now()),
    });
    writers.set(tenant, made);
    return made;
  };
  return {
    intend: (tenant, entry, options) => givenUp.watch(tenant, entry, intend(deps, writerOf(tenant), tenant, entry, options)),
    append: (tenant, entry) => givenUp.watch(tenant, entry, append(deps, writerOf(tenant), tenant, entry)),
    release: (tenant, reservations, takenAt) => giveBackDrawn(deps, tenant, reservations, takenAt),
    ...logReader(deps),
    surfaceUnknown: (tenant, at) => surfaceUnknown({ appenders, brokerId: deps.brokerId, since: deps.since, givenUp }, tenant, at),
    outages: () => [...writers.values()].flatMap((writer) => writer.outage() ?? []),
  };
}

/** People and secrets are read from the store; when it is away nothing can be recorded. */
async function wired(deps: AuditLogDeps, tenant: string, entry: LogEntry, options?: Parameters<typeof wireEntry>[3]): Promise<WireEntry> {
  try {
    return await wireEntry(deps, tenant, entry, options);
  } catch (cause) {
    if (cause instanceof Fault && cause.code === "store_unavailable") throw new Fault("log_unavailable", cause.message, { cause });
    throw cause;
  }
}

/** How often somebody may be erased while one record that names them is written. */
const MAX_ATTEMPTS = 3;

/** Writes an entry; one that names somebody who was erased meanwhile is made again, and names somebody new. */
async function written(
  deps: AuditLogDeps,
  writer: LogWriter,
  tenant: string,
  entry: LogEntry,
  options?: Parameters<typeof wireEntry>[3],
): Promise<Exclude<AppendResult, { why: "subject_gone" }>> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const wire = await wired(deps, tenant, entry, options);
    const result = await writer.write(wire);
    if (result.ok || result.why !== "subject_gone") return result;
    for (const pseudonym of wire.conditions?.subjects ?? []) deps.subjects.forget(tenant, pseudonym);
  }
  throw new Fault("log_unavailable", "a person whom the record names is being erased; the record was not written, try again");
}

async function append(deps: AuditLogDeps, writer: LogWriter, tenant: string, entry: LogEntry): Promise<{ readonly index: number }> {
  const result = await written(deps, writer, tenant, entry);
  if (!result.ok)
    throw new Fault("log_unavailable", "a record without conditions was refused by the store; the database is not this version's");
  return { index: result.index };
}

async function intend(
  deps: AuditLogDeps,
  writer: LogWriter,
  tenant: string,
  entry: LogEntry,
  options: Parameters<AuditLog["intend"]>[2],
): Promise<IntendOutcome> {
  const takenAt = deps.now();
  const result = await written(deps, writer, tenant, entry, options);
  if (result.ok) return result;
  // Where limits are in another database all was taken before it was found that too many calls run.
  const held = options.reservations.find((each) => isLease(each) && result.why === "over_limit" && each.key === result.key);
  if (held !== undefined && deps.admitting !== undefined) await giveBackAll(deps, tenant, options, takenAt);
  // The figures of a refusal are known only now. Its record is durable before the caller hears of it, which is what counts.
  await append(deps, writer, tenant, options.instead(result));
  return result;
}

function outageEnded({ since, why, refused, agents }: LogOutage, broker: string, at: Date): WireEntry {
  return wireMembers("admin", `log_${at.getTime()}`, {
    at: at.toISOString(),
    event: "log.was_unavailable",
    by: "broker",
    broker,
    since: since.toISOString(),
    why,
    refused,
    agents,
  });
}
