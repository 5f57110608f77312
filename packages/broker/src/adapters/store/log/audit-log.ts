import type { Kysely } from "kysely";
import { randomUUID } from "node:crypto";
import type { Pool } from "pg";
import type { AuditLog, IntendOutcome, LogEntry, Reservation } from "../../../domain/audit.ts";
import { Fault } from "../../../domain/fault.ts";
import type { Tables } from "../tables.ts";
import { inTenant } from "../tenant-scope.ts";
import { sql } from "kysely";
import { wireEntry, wireReservation } from "./entry.ts";
import { notSent } from "./not-sent.ts";
import { readFacts, readInFlight, readQuery, readRecords } from "./read.ts";
import { surfaceUnknown } from "./surface-unknown.ts";
import { type LogWriter, logWriter } from "./writer.ts";

export interface AuditLogDeps {
  readonly db: Kysely<Tables>;
  /** Connections that only append. */
  readonly appenders: Pool;
  readonly brokerId: string;
  /** When this process took its broker id, by the database's clock. */
  readonly since: Date;
  readonly now: () => Date;
}

/** The log of all tenants, with a writer for each that is written to. */
export function auditLog(deps: AuditLogDeps): AuditLog & { downSince(): Date | undefined } {
  const { db, appenders, now } = deps;
  const writers = new Map<string, LogWriter>();
  // A name no other process has, even one with the same broker id: batches are numbered within it.
  const process = randomUUID();
  const writerOf = (tenant: string): LogWriter => {
    const known = writers.get(tenant);
    if (known !== undefined) return known;
    const made = logWriter({
      tenant,
      writer: `${deps.brokerId} ${process}`,
      db: appenders,
      now,
      foundLater: (entries) => notSent(entries, now()),
    });
    writers.set(tenant, made);
    return made;
  };
  return {
    intend: (tenant, entry, options) => intend(writerOf(tenant), entry, options),
    append: async (tenant, entry) => {
      const result = await writerOf(tenant).write(wireEntry(entry));
      if (!result.ok)
        throw new Fault("log_unavailable", "a record without conditions was refused by the store; the database is not this version's");
      return { seq: result.seq, hash: result.hash };
    },
    release: (tenant, reservations, takenAt) => release(db, tenant, reservations, takenAt),
    query: (tenant, query) => readQuery(db, tenant, query),
    facts: (tenant, callId) => readFacts(db, tenant, callId),
    read: (tenant, after, limit) => readRecords(db, tenant, after, limit),
    inFlight: (tenant) => readInFlight(db, tenant),
    surfaceUnknown: (tenant, at) => surfaceUnknown({ appenders, brokerId: deps.brokerId, since: deps.since }, tenant, at),
    downSince: () => earliest([...writers.values()].map((writer) => writer.downSince())),
  };
}

async function intend(writer: LogWriter, entry: LogEntry, options: Parameters<AuditLog["intend"]>[2]): Promise<IntendOutcome> {
  const result = await writer.write(wireEntry(entry, options));
  if (result.ok) return { ok: true, seq: result.seq, hash: result.hash };
  // The figures of a refusal are known only now. Its record is durable before the caller hears of it, which is what counts.
  const written = await writer.write(wireEntry(options.instead(result)));
  if (!written.ok) throw new Fault("log_unavailable", "a refusal could not be recorded; the database is not this version's");
  return result;
}

function release(db: Kysely<Tables>, tenant: string, reservations: readonly Reservation[], takenAt: Date): Promise<void> {
  if (reservations.length === 0) return Promise.resolve();
  return inTenant(db, tenant, async (scoped) => {
    for (const each of reservations.map(wireReservation)) {
      await sql`select bailiwick.release_limit(${tenant}, ${each.key}, ${each.windowMs}, ${takenAt.getTime()}, ${each.amount})`.execute(
        scoped,
      );
    }
  });
}

function earliest(times: readonly (Date | undefined)[]): Date | undefined {
  return times.filter((time) => time !== undefined).toSorted((left, right) => left.getTime() - right.getTime())[0];
}
