import { type Kysely, sql, type Transaction } from "kysely";
import type { KeyObject } from "node:crypto";
import { z } from "zod";
import type { SavedSearch, SavedSearches } from "../../domain/saved-search.ts";
import { seal, unseal } from "./sealing.ts";
import type { Subjects } from "./subjects/subjects.ts";
import type { TenantSecrets } from "./subjects/tenant-secrets.ts";
import { withSubject } from "./subjects/with-subject.ts";
import type { Tables } from "./tables.ts";
import { inTenant } from "./tenant-scope.ts";

export interface SearchDeps {
  readonly db: Kysely<Tables>;
  readonly people: Pick<Subjects, "of" | "forget" | "behind">;
  readonly secrets: (tenant: string) => Promise<TenantSecrets>;
}

interface Row {
  readonly name: string;
  readonly owner: string | null;
  readonly sealed: Buffer;
  readonly saved_at: Date;
}

/** Filters that name people. They are kept as pseudonyms, so that a search knows nobody who was erased. */
const PEOPLE = ["user", "approver"];

/** Searches that are kept under a name; each is sealed under the key of its owner, of the tenant where it has none. */
export function savedSearches(deps: SearchDeps): SavedSearches {
  const { db, people, secrets } = deps;
  const opened = async (tenant: string, rows: readonly Row[]): Promise<readonly SavedSearch[]> => {
    const { factsKey } = await secrets(tenant);
    const owners = await people.behind(
      tenant,
      rows.flatMap(({ owner }) => owner ?? []),
    );
    const plain = rows.flatMap(({ name, owner, sealed, saved_at: savedAt }) => {
      const who = owner === null ? undefined : owners.get(owner);
      if (owner !== null && who === undefined) return [];
      const filter = open(who?.key ?? factsKey, sealed, associatedWith(tenant, name));
      return [{ tenant, name, owner: who?.name, savedAt, filter }];
    });
    return withNames(people, tenant, plain);
  };
  const find = async (tenant: string, name: string): Promise<SavedSearch | undefined> => {
    const rows = await inTenant(db, tenant, (scoped) => rowsOf(scoped, tenant, name));
    return (await opened(tenant, rows))[0];
  };
  return {
    save: async (search) => {
      const { tenant, name, owner } = search;
      const filter = await withPseudonyms(people, tenant, search.filter);
      const write = async (pseudonym: string | null, key: KeyObject): Promise<void> =>
        put(db, search, pseudonym, seal(key, Buffer.from(JSON.stringify(filter), "utf8"), associatedWith(tenant, name)));
      if (owner === undefined) await write(null, (await secrets(tenant)).factsKey);
      else await withSubject(people, tenant, owner, (subject) => write(subject.pseudonym, subject.key));
      return (await find(tenant, name)) ?? search;
    },
    list: async (tenant) => opened(tenant, await inTenant(db, tenant, (scoped) => rowsOf(scoped, tenant, undefined))),
    find,
    remove: (tenant, name) =>
      inTenant(db, tenant, async (scoped) => {
        const { numAffectedRows } = await sql`delete from bailiwick.searches where tenant_id = ${tenant} and name = ${name}`.execute(
          scoped,
        );
        return (numAffectedRows ?? 0n) > 0n;
      }),
  };
}

/** A name is its owner's until they remove the search. */
async function put(db: Kysely<Tables>, { tenant, name, savedAt }: SavedSearch, owner: string | null, sealed: Buffer): Promise<void> {
  await inTenant(db, tenant, (scoped) =>
    sql`
      insert into bailiwick.searches as s (tenant_id, name, owner, sealed, saved_at) values (${tenant}, ${name}, ${owner}, ${sealed}, ${savedAt})
      on conflict (tenant_id, name) do update set sealed = excluded.sealed, saved_at = excluded.saved_at
        where s.owner is not distinct from excluded.owner`.execute(scoped),
  );
}

async function rowsOf(scoped: Transaction<Tables>, tenant: string, name: string | undefined): Promise<readonly Row[]> {
  const named = name === undefined ? sql`true` : sql`name = ${name}`;
  const { rows } = await sql<Row>`
    select name, owner, sealed, saved_at from bailiwick.searches where tenant_id = ${tenant} and ${named} order by name`.execute(scoped);
  return rows;
}

async function withPseudonyms(people: SearchDeps["people"], tenant: string, filter: SavedSearch["filter"]): Promise<SavedSearch["filter"]> {
  const entries = await Promise.all(
    Object.entries(filter).map(
      async ([name, value]) => [name, PEOPLE.includes(name) ? (await people.of(tenant, value)).pseudonym : value] as const,
    ),
  );
  return Object.fromEntries(entries);
}

/** Somebody who was erased stays a pseudonym: it finds nothing, and a search without the condition would find everything. */
async function withNames(people: SearchDeps["people"], tenant: string, searches: readonly SavedSearch[]): Promise<readonly SavedSearch[]> {
  const mentioned = searches.flatMap(({ filter }) => PEOPLE.flatMap((name) => filter[name] ?? []));
  const known = await people.behind(tenant, mentioned);
  return searches.map((search) => ({
    ...search,
    filter: Object.fromEntries(
      Object.entries(search.filter).map(([name, value]) => [name, PEOPLE.includes(name) ? (known.get(value)?.name ?? value) : value]),
    ),
  }));
}

const filterSchema = z.record(z.string(), z.string());

function open(key: KeyObject, sealed: Uint8Array, associated: string): SavedSearch["filter"] {
  return filterSchema.parse(JSON.parse(unseal(key, sealed, associated).toString("utf8")));
}

function associatedWith(tenant: string, name: string): string {
  return `search|${tenant}|${name}`;
}
