import type { JsonObject } from "@bailiwick/policy";
import { type Kysely, type RawBuilder, type Selectable, sql } from "kysely";
import { z } from "zod";
import type { AuditLog, CallInFlight, RecordQuery, StoredRecord } from "../../../domain/audit.ts";
import type { RecordsTable, Tables } from "../tables.ts";
import { inTenant } from "../tenant-scope.ts";
import { associatedWith, openFacts } from "./sealed-facts.ts";
import { callFinder } from "./calls.ts";
import { columnText } from "./canonical-text.ts";
import { type Filed, misfiled } from "./columns.ts";
import { figuresReader } from "./figures.ts";
import {
  all,
  boundsOf,
  type Condition,
  during,
  equal,
  type ReadDeps,
  ruleIn,
  ruleSetsWith,
  type Wanted,
  wantedOf,
  within,
} from "./query.ts";

/** A page never holds more, whatever was asked for. */
const MAX_PAGE = 10_000;
const COLUMNS = sql`tenant_id, index, kind, call_id, leaf`;
const kinds = z.enum(["lookup", "intent", "outcome", "refusal", "hold", "admin", "key"]);

type Row = Pick<Selectable<RecordsTable>, "tenant_id" | "index" | "kind" | "call_id" | "leaf">;

/** The reading half of the log's port. */
export function logReader(
  deps: ReadDeps,
): Pick<AuditLog, "query" | "calls" | "ended" | "figures" | "recordsOf" | "facts" | "read" | "size" | "inFlight"> {
  const { logDb } = deps;
  return {
    query: (tenant, query) => readQuery(deps, tenant, query),
    ...callFinder(deps),
    ...figuresReader(deps),
    recordsOf: (tenant, callIds) =>
      callIds.length === 0
        ? Promise.resolve([])
        : named(deps, tenant, rowsOf(logDb, tenant, sql`call_id = any(${[...callIds]}::text[]) order by index limit ${MAX_PAGE}`)),
    facts: (tenant, callId) => readFacts(deps, tenant, callId),
    read: async (tenant, from, limit) => {
      const rows = await inTenant(logDb, tenant, async (scoped) => {
        const found = await sql<Row & Filed>`
          select * from bailiwick.records where tenant_id = ${tenant} and index >= ${from} order by index limit ${pageSize(limit)}`.execute(
          scoped,
        );
        return found.rows;
      });
      return rows.map((row) => ({ ...fromRow(row, {}), misfiled: misfiledIn(row) }));
    },
    size: (tenant) =>
      inTenant(logDb, tenant, async (scoped) => {
        const { rows } = await sql<{ size: number }>`select size from bailiwick.logs where tenant_id = ${tenant}`.execute(scoped);
        return rows[0]?.size ?? 0;
      }),
    inFlight: (tenant) => readInFlight(logDb, tenant),
  };
}

async function readQuery(deps: ReadDeps, tenant: string, query: RecordQuery): Promise<readonly StoredRecord[]> {
  const wanted = await wantedOf(deps, tenant, query);
  // Somebody who was never recorded has no records.
  if (wanted === undefined) return [];
  const reading = inTenant(deps.logDb, tenant, async (scoped) => {
    const rules = wanted.rule === undefined ? undefined : await ruleSetsWith(scoped, tenant, wanted.rule);
    const bounds = await boundsOf(scoped, tenant, query);
    const where = all([...recordConditions(wanted, rules, query), ...during("r", query), ...within("r", bounds)]);
    const { rows } = await sql<Row>`
      select ${COLUMNS} from bailiwick.records r where r.tenant_id = ${tenant} and ${where} order by r.index desc limit ${pageSize(query.limit)}`.execute(
      scoped,
    );
    return rows;
  });
  return named(deps, tenant, reading);
}

function recordConditions(wanted: Wanted, rules: readonly string[] | undefined, query: RecordQuery): readonly Condition[] {
  const { who, why, status, code } = wanted;
  const { callId, kind, before } = query;
  const begins = who.length + why.length > 0 || rules !== undefined;
  return [
    ...equal("r", [...who, ...why]),
    ...(rules === undefined ? [] : [ruleIn("r", rules)]),
    // Beside a condition on the end, the condition on who and what is asked of the end itself, which says it too.
    ...(begins && status === undefined && kind === undefined ? [sql`r.kind <> 'outcome'`] : []),
    ...(status === undefined ? [] : [sql`r.status = ${columnText(status)}`]),
    ...(code === undefined ? [] : [sql`r.code = ${columnText(code)}`]),
    ...(callId === undefined ? [] : [sql`r.call_id = ${columnText(callId)}`]),
    ...(kind === undefined ? [] : [sql`r.kind = ${kind}`]),
    ...(before === undefined ? [] : [sql`r.index < ${before}`]),
  ];
}

function rowsOf(db: Kysely<Tables>, tenant: string, rest: RawBuilder<unknown>): Promise<readonly Row[]> {
  return inTenant(db, tenant, async (scoped) => {
    const { rows } = await sql<Row>`select ${COLUMNS} from bailiwick.records where tenant_id = ${tenant} and ${rest}`.execute(scoped);
    return rows;
  });
}

const inFlightLeaf = z.object({
  agent: z.string(),
  environment: z.string(),
  workflow: z.string(),
  session: z.string(),
  broker: z.string(),
});

/** Calls that have begun and have no end, oldest first. */
function readInFlight(db: Kysely<Tables>, tenant: string): Promise<readonly CallInFlight[]> {
  return inTenant(db, tenant, async (scoped) => {
    const { rows } = await sql<{ call_id: string; leaf: string }>`
      select o.call_id, r.leaf from bailiwick.open_calls o
        join bailiwick.records r on r.tenant_id = o.tenant_id and r.index = o.index
       where o.tenant_id = ${tenant} order by o.index limit ${MAX_PAGE}`.execute(scoped);
    return rows.flatMap(({ call_id: callId, leaf }) => {
      const parsed = inFlightLeaf.safeParse(JSON.parse(leaf));
      return parsed.success ? [{ callId, ...parsed.data }] : [];
    });
  });
}

interface SealedRow {
  readonly kind: string;
  readonly subject: string | null;
  readonly sealed: Buffer;
}

/** Facts whose key is gone are left out. */
async function readFacts(deps: ReadDeps, tenant: string, callId: string): Promise<JsonObject | undefined> {
  const rows = await inTenant(deps.logDb, tenant, async (scoped) => {
    const found = await sql<SealedRow>`
      select r.kind, f.subject, f.sealed from bailiwick.records r
        join bailiwick.record_facts f on f.tenant_id = r.tenant_id and f.index = r.index
       where r.tenant_id = ${tenant} and r.call_id = ${callId} order by r.index`.execute(scoped);
    return found.rows;
  });
  const people = await deps.subjects.behind(
    tenant,
    rows.flatMap(({ subject }) => subject ?? []),
  );
  const { factsKey } = await deps.secrets(tenant);
  const opened = rows.flatMap(({ kind, subject, sealed }) => {
    const key = subject === null ? factsKey : people.get(subject)?.key;
    return key === undefined ? [] : [openFacts(sealed, key, associatedWith(tenant, callId, kind)).facts];
  });
  return opened.length === 0 ? undefined : Object.assign({}, ...opened);
}

const PSEUDONYM = /"(sub_[\w-]{22})"/g;

async function named(deps: ReadDeps, tenant: string, reading: Promise<readonly Row[]>): Promise<readonly StoredRecord[]> {
  const rows = await reading;
  const mentioned = rows.map(({ leaf }) => [...leaf.matchAll(PSEUDONYM)].map(([, pseudonym = ""]) => pseudonym));
  const people = await deps.subjects.behind(tenant, mentioned.flat());
  return rows.map((row, place) => {
    const own = (mentioned[place] ?? []).flatMap((pseudonym) => {
      const name = people.get(pseudonym)?.name;
      return name === undefined ? [] : [[pseudonym, name] as const];
    });
    return fromRow(row, Object.fromEntries(own));
  });
}

const atOf = z.object({ at: z.string() });

function fromRow({ tenant_id: tenant, index, kind, call_id: callId, leaf }: Row, people: Readonly<Record<string, string>>): StoredRecord {
  return { tenant, index, kind: kinds.parse(kind), callId, at: atIn(leaf), text: leaf, people };
}

function atIn(leaf: string): string {
  return atOf.safeParse(jsonOf(leaf)).data?.at ?? "";
}

const membersSchema = z.record(z.string(), z.unknown());

function misfiledIn(row: Row & Filed): string | undefined {
  const members = membersSchema.safeParse(jsonOf(row.leaf));
  return members.success ? misfiled(row, members.data) : "leaf";
}

/** Undefined for a leaf that somebody changed so that it is no JSON any more: whoever verifies the log is to read it and say so. */
function jsonOf(leaf: string): unknown {
  try {
    return JSON.parse(leaf);
  } catch {
    return undefined;
  }
}

function pageSize(limit: number): number {
  return Math.max(0, Math.min(Math.trunc(limit), MAX_PAGE));
}
