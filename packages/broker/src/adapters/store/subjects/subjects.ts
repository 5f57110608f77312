import { createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import type { Pool } from "pg";
import { z } from "zod";
import { KEY_BYTES, seal, unseal } from "../sealing.ts";
import { orUnavailable } from "../unavailable.ts";
import type { TenantSecrets } from "./tenant-secrets.ts";

/** A person as the log knows them. */
export interface Subject {
  /** `sub_` and 22 characters, at random: nothing about the person can be told from it. */
  readonly pseudonym: string;
  readonly name: string;
  /** Seals everything about them. Gone once they are erased. */
  readonly key: KeyObject;
}

/** The people of all tenants: pseudonyms, names and keys. */
export interface Subjects {
  /** The person of this name; made on first sight. @throws Fault `store_unavailable`. */
  of(tenant: string, name: string): Promise<Subject>;
  /** Undefined when nobody of this name was ever recorded, or they were erased. */
  find(tenant: string, name: string): Promise<Subject | undefined>;
  /** Those of these pseudonyms that are known; the erased are not. */
  behind(tenant: string, pseudonyms: readonly string[]): Promise<ReadonlyMap<string, Subject>>;
  /** Drops what memory holds of a person; of everybody when undefined. */
  forget(tenant: string | undefined, pseudonym?: string): void;
}

/** People a broker serves at the same time; the others are read again. */
const MAX_REMEMBERED = 20_000;
const PSEUDONYM_BYTES = 16;

const rowSchema = z.object({ pseudonym: z.string(), wrapped_key: z.instanceof(Buffer), sealed: z.instanceof(Buffer) });

export interface SubjectsDeps {
  readonly pool: Pool;
  readonly secrets: (tenant: string) => Promise<TenantSecrets>;
}

export function subjects({ pool, secrets }: SubjectsDeps): Subjects {
  const byName = new Map<string, Subject>();
  const byPseudonym = new Map<string, Subject>();
  // Whoever was erased while they were being read must not be remembered: no second notice would come.
  let forgotten = 0;
  const remember = (tenant: string, subject: Subject, since: number): Subject => {
    if (since !== forgotten) return subject;
    for (const [map, key] of [
      [byName, subject.name],
      [byPseudonym, subject.pseudonym],
    ] as const) {
      if (map.size >= MAX_REMEMBERED) map.delete(map.keys().next().value ?? "");
      map.set(`${tenant}\0${key}`, subject);
    }
    return subject;
  };
  const open = (tenant: string, row: unknown, { wrapKey }: TenantSecrets, since: number): Subject => {
    const { pseudonym, wrapped_key: wrapped, sealed } = rowSchema.parse(row);
    const key = unseal(wrapKey, wrapped, `person|${tenant}|${pseudonym}`);
    const name = unseal(key, sealed, `name|${tenant}|${pseudonym}`).toString("utf8");
    return remember(tenant, { pseudonym, name, key: createSecretKey(key) }, since);
  };
  const make = (tenant: string, name: string): Promise<Subject> =>
    orUnavailable(async () => {
      const own = await secrets(tenant);
      const since = forgotten;
      for (;;) {
        const { rows } = await pool.query("select * from bailiwick.subject_of($1, $2, $3, $4, $5)", candidate(tenant, name, own));
        // None when they were erased between its two statements.
        if (rows[0] !== undefined) return open(tenant, rows[0], own, since);
      }
    });
  // A thousand calls for somebody never seen before ask the database once.
  const making = new Map<string, Promise<Subject>>();
  return {
    of: async (tenant, given) => {
      const name = given.toWellFormed();
      const key = `${tenant}\0${name}`;
      const known = byName.get(key) ?? making.get(key);
      if (known !== undefined) return known;
      const made = make(tenant, name).finally(() => making.delete(key));
      making.set(key, made);
      return made;
    },
    find: async (tenant, given) => {
      const name = given.toWellFormed();
      const known = byName.get(`${tenant}\0${name}`);
      if (known !== undefined) return known;
      return orUnavailable(async () => {
        const own = await secrets(tenant);
        const since = forgotten;
        const { rows } = await pool.query("select * from bailiwick.subjects_known($1, $2, '{}')", [tenant, own.tag("person", name)]);
        return rows[0] === undefined ? undefined : open(tenant, rows[0], own, since);
      });
    },
    behind: async (tenant, pseudonyms) => {
      const wanted = [...new Set(pseudonyms)];
      const found = new Map<string, Subject>();
      for (const each of wanted) {
        const known = byPseudonym.get(`${tenant}\0${each}`);
        if (known !== undefined) found.set(each, known);
      }
      const missing = wanted.filter((each) => !found.has(each));
      if (missing.length === 0) return found;
      return orUnavailable(async () => {
        const own = await secrets(tenant);
        const since = forgotten;
        const { rows } = await pool.query("select * from bailiwick.subjects_known($1, null, $2)", [tenant, missing]);
        for (const subject of rows.map((row) => open(tenant, row, own, since))) found.set(subject.pseudonym, subject);
        return found;
      });
    },
    forget: (tenant, pseudonym) => {
      forgotten += 1;
      making.clear();
      if (tenant === undefined || pseudonym === undefined) {
        byName.clear();
        byPseudonym.clear();
        return;
      }
      const known = byPseudonym.get(`${tenant}\0${pseudonym}`);
      byPseudonym.delete(`${tenant}\0${pseudonym}`);
      if (known !== undefined) byName.delete(`${tenant}\0${known.name}`);
    },
  };
}

function candidate(tenant: string, name: string, { tag, wrapKey }: TenantSecrets): unknown[] {
  const pseudonym = `sub_${randomBytes(PSEUDONYM_BYTES).toString("base64url")}`;
  const key = randomBytes(KEY_BYTES);
  return [
    tenant,
    tag("person", name),
    pseudonym,
    seal(wrapKey, key, `person|${tenant}|${pseudonym}`),
    seal(key, Buffer.from(name, "utf8"), `name|${tenant}|${pseudonym}`),
  ];
}
