import type { JsonObject } from "@bailiwick/policy";
import { type Kysely, type Selectable, sql } from "kysely";
import { z } from "zod";
import type { CallInFlight, CallQuery, RecordKind, StoredRecord } from "../../../domain/audit.ts";
import type { RecordsTable, Tables } from "../tables.ts";
import { inTenant } from "../tenant-scope.ts";

/** A page never holds more, whatever was asked for. */
const MAX_PAGE = 10_000;
const COLUMNS = ["tenant_id", "seq", "kind", "call_id", "at", "body", "prev", "hash"] as const;
const kinds = z.enum(["lookup", "intent", "outcome", "refusal", "hold", "admin"]);
const jsonObject = z.record(z.string(), z.json());

type Row = Pick<Selectable<RecordsTable>, (typeof COLUMNS)[number]>;

/** Newest first, below `before` when given. */
export function readQuery(db: Kysely<Tables>, tenant: string, query: CallQuery): Promise<readonly StoredRecord[]> {
  return inTenant(db, tenant, async (scoped) => {
    let select = scoped
      .selectFrom("bailiwick.records")
      .select(COLUMNS)
      .where("tenant_id", "=", tenant)
      .orderBy("seq", "desc")
      .limit(pageSize(query.limit));
    for (const [column, value] of conditions(query)) {
      if (value !== undefined) select = select.where(column, "=", value);
    }
    if (query.before !== undefined) select = select.where("seq", "<", query.before);
    return (await select.execute()).map(fromRow);
  });
}

/** In order of seq, from `after` (exclusive). */
export function readRecords(db: Kysely<Tables>, tenant: string, after: number, limit: number): Promise<readonly StoredRecord[]> {
  return inTenant(db, tenant, async (scoped) => {
    const rows = await scoped
      .selectFrom("bailiwick.records")
      .select(COLUMNS)
      .where("tenant_id", "=", tenant)
      .where("seq", ">", after)
      .orderBy("seq")
      .limit(pageSize(limit))
      .execute();
    return rows.map(fromRow);
  });
}

const inFlightBody = z.object({
  agent: z.string(),
  environment: z.string(),
  workflow: z.string(),
  session: z.string(),
  broker: z.string(),
});

/** Calls that have begun and have no end, oldest first. */
export function readInFlight(db: Kysely<Tables>, tenant: string): Promise<readonly CallInFlight[]> {
  return inTenant(db, tenant, async (scoped) => {
    const { rows } = await sql<{ call_id: string; body: string }>`
      select o.call_id, r.body from bailiwick.open_calls o
        join bailiwick.records r on r.tenant_id = o.tenant_id and r.seq = o.seq
       where o.tenant_id = ${tenant} order by o.seq limit ${MAX_PAGE}`.execute(scoped);
    return rows.flatMap(({ call_id: callId, body }) => {
      const parsed = inFlightBody.safeParse(JSON.parse(body));
      return parsed.success ? [{ callId, ...parsed.data }] : [];
    });
  });
}

/** The facts of all records of a call, later ones over earlier; undefined when there are none or they were erased. */
export function readFacts(db: Kysely<Tables>, tenant: string, callId: string): Promise<JsonObject | undefined> {
  return inTenant(db, tenant, async (scoped) => {
    const rows = await scoped
      .selectFrom("bailiwick.call_facts")
      .select("facts")
      .where("tenant_id", "=", tenant)
      .where("call_id", "=", callId)
      .orderBy("seq")
      .execute();
    if (rows.length === 0) return undefined;
    return Object.assign({}, ...rows.map((row) => jsonObject.parse(JSON.parse(row.facts))));
  });
}

function conditions(
  query: CallQuery,
): readonly (readonly [
  "agent" | "user_id" | "session" | "task" | "tool" | "action" | "verdict" | "status" | "call_id" | "kind",
  string | undefined,
])[] {
  return [
    ["agent", query.agent],
    ["user_id", query.user],
    ["session", query.session],
    ["task", query.task],
    ["tool", query.tool],
    ["action", query.action],
    ["verdict", query.verdict],
    ["status", query.status],
    ["call_id", query.callId],
    ["kind", query.kind],
  ];
}

function pageSize(limit: number): number {
  return Math.max(0, Math.min(Math.trunc(limit), MAX_PAGE));
}

function fromRow(row: Row): StoredRecord {
  const kind: RecordKind = kinds.parse(row.kind);
  return { tenant: row.tenant_id, seq: row.seq, kind, callId: row.call_id, at: row.at, body: row.body, prev: row.prev, hash: row.hash };
}
