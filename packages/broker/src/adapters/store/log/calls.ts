import { sql, type Transaction } from "kysely";
import type { AuditLog, CallPlace, CallPlaces, CallQuery } from "../../../domain/audit.ts";
import type { Tables } from "../tables.ts";
import { inTenant } from "../tenant-scope.ts";
import {
  byBeginning,
  byEnd,
  decidedSo,
  endConditions,
  endsIt,
  first,
  kindIn,
  ofRuleSet,
  type Plan,
  ruleMet,
  type Search,
  sizeOfPage,
} from "./call-plan.ts";
import { all, boundsOf, type Condition, during, equal, type ReadDeps, ruleSetsWith, wantedOf } from "./query.ts";

/** A rule that stands in more combinations than this is found among the newest records. */
const MAX_RULE_SETS = 100;
/** Records that one look of a follower goes through. */
const MAX_FOLLOWED = 20_000;

/** What a look found, and down to which index it is everything; undefined when nothing is left below. */
interface Look {
  readonly rows: readonly Row[];
  readonly reach: number | undefined;
}

interface Row {
  readonly call_id: string;
  readonly index: number;
}

/** The part of the log's port that finds calls. */
export function callFinder(deps: ReadDeps): Pick<AuditLog, "calls" | "ended"> {
  return {
    calls: (tenant, query) =>
      searching(deps, tenant, query, async (scoped, search) =>
        search === undefined ? { places: [], next: undefined } : page(await find(scoped, search), sizeOfPage(search)),
      ),
    ended: (tenant, query, from) =>
      searching(deps, tenant, query, async (scoped, search) => {
        // Read before the records: what is appended meanwhile is for the next look.
        const size = await sizeOf(scoped, tenant);
        if (search === undefined || from === undefined) return { places: [], next: Math.max(size, from ?? 0) };
        return follow(scoped, search, from, size);
      }),
  };
}

/** Undefined is handed on when nothing can match. */
async function searching<T>(
  deps: ReadDeps,
  tenant: string,
  query: CallQuery,
  work: (scoped: Transaction<Tables>, search: Search | undefined) => Promise<T>,
): Promise<T> {
  const wanted = await wantedOf(deps, tenant, query);
  return inTenant(deps.logDb, tenant, async (scoped) => {
    if (wanted === undefined) return work(scoped, undefined);
    const ruleSets = wanted.rule === undefined ? undefined : await ruleSetsWith(scoped, tenant, wanted.rule);
    if (ruleSets?.length === 0) return work(scoped, undefined);
    return work(scoped, { tenant, query, wanted, ruleSets, bounds: await boundsOf(scoped, tenant, query) });
  });
}

async function find(scoped: Transaction<Tables>, search: Search): Promise<Look> {
  if (endsIt(search)) return walk(scoped, search, byEnd(search));
  const { ruleSets } = search;
  if (ruleSets === undefined) return walk(scoped, search, byBeginning(search));
  // A rule that is common now is met at once among the newest records that hold everything else; one of long ago is not, and neither is one
  // that is rare. Both looks are complete as far as they reach.
  const met = await walk(scoped, search, ruleMet(search, ruleSets));
  if (met.reach === undefined || met.rows.length > sizeOfPage(search) || ruleSets.length > MAX_RULE_SETS) return met;
  const picked = await walkEach(scoped, search, ruleSets);
  return picked.reach === undefined || picked.reach < met.reach ? picked : met;
}

function page({ rows, reach }: Look, limit: number): CallPlaces {
  const places = rows.slice(0, limit).map(placeOf);
  return { places, next: rows.length > limit ? places.at(-1)?.index : reach };
}

async function walk(scoped: Transaction<Tables>, search: Search, { own, other, most }: Plan): Promise<Look> {
  const limit = sizeOfPage(search);
  const walked = newest(search.tenant, own, most);
  const { rows } =
    await sql<Row>`select r.call_id, r.index from (${walked}) r where ${all(other)} order by r.index desc limit ${limit + 1}`.execute(
      scoped,
    );
  const last = rows.at(-1)?.index;
  if (rows.length > limit) return { rows, reach: last };
  const seen = await sql<{ count: number; last: number | null }>`select count(*) as count, min(r.index) as last from (${walked}) r`.execute(
    scoped,
  );
  const { count, last: reach } = seen.rows[0] ?? { count: 0, last: null };
  return { rows, reach: count < most ? undefined : (reach ?? undefined) };
}

/** Each combination of rules in its own order, merged. */
async function walkEach(scoped: Transaction<Tables>, search: Search, ruleSets: readonly string[]): Promise<Look> {
  const { tenant, query, wanted } = search;
  const limit = sizeOfPage(search);
  const { own, most } = ofRuleSet(search, ruleSets);
  const each = sql`unnest(${[...ruleSets]}::text[]) as s (id) cross join lateral (${newest(tenant, own, most)}) r`;
  const cut = await sql<{ reach: number | null }>`
    select max(last) as reach from (select min(r.index) as last from ${each} group by s.id having count(*) >= ${most}) as full_ones`.execute(
    scoped,
  );
  const reach = cut.rows[0]?.reach ?? undefined;
  const other = [
    ...equal("r", [...wanted.who, ...wanted.why]),
    ...during("r", query),
    ...(reach === undefined ? [] : [sql`r.index >= ${reach}`]),
  ];
  // Sorted before other records are asked for, so that they are for no more than the page.
  const { rows } = await sql<Row>`
    select r.call_id, r.index from (select r.* from ${each} where ${all(other)} order by r.index desc) r
     where ${all(first(search))} order by r.index desc limit ${limit + 1}`.execute(scoped);
  return { rows, reach: rows.length > limit ? rows.at(-1)?.index : reach };
}

function newest(tenant: string, own: readonly Condition[], most: number): Condition {
  return sql`select r.* from bailiwick.records r where r.tenant_id = ${tenant} and ${all(own)} order by r.index desc limit ${most}`;
}

async function follow(
  scoped: Transaction<Tables>,
  search: Search,
  from: number,
  size: number,
): Promise<CallPlaces & { readonly next: number }> {
  const { tenant, query, wanted } = search;
  const limit = sizeOfPage(search);
  const to = Math.min(size, from + MAX_FOLLOWED);
  const where = all([
    kindIn("r", ["refusal", "hold", "outcome"]),
    ...equal("r", wanted.who),
    ...endConditions(wanted),
    ...during("r", query),
    ...decidedSo(search),
  ]);
  const { rows } = await sql<Row>`
    select r.call_id, r.index from bailiwick.records r
     where r.tenant_id = ${tenant} and r.index >= ${from} and r.index < ${to} and ${where} order by r.index limit ${limit}`.execute(scoped);
  const last = rows.at(-1);
  return { places: rows.map(placeOf), next: rows.length === limit && last !== undefined ? last.index + 1 : Math.max(to, from) };
}

async function sizeOf(scoped: Transaction<Tables>, tenant: string): Promise<number> {
  const { rows } = await sql<{ size: number }>`select size from bailiwick.logs where tenant_id = ${tenant}`.execute(scoped);
  return rows[0]?.size ?? 0;
}

function placeOf({ call_id: callId, index }: Row): CallPlace {
  return { callId, index };
}
