import { type Kysely, sql, type Transaction } from "kysely";
import {
  MAX_TOKEN_VALUE_CHARS,
  MAX_TOKENS_OF_RUN,
  MIN_TOKEN_VALUE_CHARS,
  type Named,
  type StandIn,
  tokenText,
  type TokenOwner,
  type TokenVault,
} from "../../domain/token.ts";
import { seal, unseal } from "./sealing.ts";
import type { Subject, Subjects } from "./subjects/subjects.ts";
import type { TenantSecrets } from "./subjects/tenant-secrets.ts";
import { withSubject } from "./subjects/with-subject.ts";
import type { Tables } from "./tables.ts";
import { inTenant } from "./tenant-scope.ts";

export interface TokenDeps {
  readonly db: Kysely<Tables>;
  readonly people: Subjects;
  readonly secrets: (tenant: string) => Promise<TenantSecrets>;
  readonly now: () => Date;
}

interface Row {
  readonly name: string;
  readonly number: number;
  readonly sealed: Buffer;
}

export function tokenVault(deps: TokenDeps): TokenVault {
  const { db, people, secrets } = deps;
  const read = async (owner: TokenOwner, which: ReadonlySet<string> | undefined): Promise<readonly StandIn[]> => {
    const subject = await people.find(owner.tenant, owner.user);
    if (subject === undefined) return [];
    const rows = await inTenant(db, owner.tenant, async (scoped) => {
      const found = await sql<Row>`
        select name, number, sealed from bailiwick.tokens
         where tenant_id = ${owner.tenant} and run = ${owner.run} and subject = ${subject.pseudonym} order by name, number`.execute(scoped);
      return found.rows;
    });
    return rows
      .filter(({ name, number }) => which?.has(tokenText(name, number)) !== false)
      .map((row) => ({ token: tokenText(row.name, row.number), value: open(owner, subject, row) }));
  };
  return {
    assign: async (owner, values) => {
      const { tag } = await secrets(owner.tenant);
      const wanted = new Map<string, Named>();
      for (const each of values) {
        const digest = tag("token", `${owner.run}\0${each.value}`);
        if (isNamed(each.value) && !wanted.has(digest)) wanted.set(digest, each);
      }
      if (wanted.size === 0) return [];
      return withSubject(people, owner.tenant, owner.user, (subject) =>
        inTenant(db, owner.tenant, (scoped) => assign(scoped, { owner, subject, at: deps.now() }, wanted)),
      );
    },
    find: async (owner, tokens) => (tokens.length === 0 ? [] : read(owner, new Set(tokens))),
    all: (owner) => read(owner, undefined),
  };
}

function isNamed({ length }: string): boolean {
  return length >= MIN_TOKEN_VALUE_CHARS && length <= MAX_TOKEN_VALUE_CHARS;
}

interface Assigning {
  readonly owner: TokenOwner;
  readonly subject: Subject;
  readonly at: Date;
}

/** One broker at a time for a run, so that no number is given twice and no value gets two. */
async function assign(
  scoped: Transaction<Tables>,
  { owner, subject, at }: Assigning,
  wanted: ReadonlyMap<string, Named>,
): Promise<readonly StandIn[]> {
  const { tenant, run } = owner;
  const { pseudonym } = subject;
  await sql`select pg_advisory_xact_lock(hashtextextended(${`bailiwick.tokens ${tenant} ${run} ${pseudonym}`}, 0))`.execute(scoped);
  const { rows } = await sql<{ name: string; number: number; digest: string }>`
    select name, number, digest from bailiwick.tokens where tenant_id = ${tenant} and run = ${run} and subject = ${pseudonym}`.execute(
    scoped,
  );
  const byDigest = new Map(rows.map((row) => [row.digest, tokenText(row.name, row.number)]));
  const last = new Map<string, number>();
  for (const { name, number } of rows) last.set(name, Math.max(last.get(name) ?? 0, number));
  const given: StandIn[] = [];
  const made: Row[] = [];
  const digests: string[] = [];
  let room = MAX_TOKENS_OF_RUN - rows.length;
  for (const [digest, { name, value }] of wanted) {
    const known = byDigest.get(digest);
    if (known !== undefined) given.push({ token: known, value });
    if (known !== undefined || room === 0) continue;
    const number = (last.get(name) ?? 0) + 1;
    last.set(name, number);
    room -= 1;
    made.push({ name, number, sealed: seal(subject.key, Buffer.from(value, "utf8"), associatedWith(owner, subject, { name, number })) });
    digests.push(digest);
    given.push({ token: tokenText(name, number), value });
  }
  if (made.length === 0) return given;
  // In one statement: the other brokers of the run wait meanwhile.
  await sql`
    insert into bailiwick.tokens (tenant_id, run, subject, name, number, digest, sealed, at)
    select ${tenant}, ${run}, ${pseudonym}, made.name, made.number, made.digest, made.sealed, ${at}
      from unnest(${made.map(({ name }) => name)}::text[], ${made.map(({ number }) => number)}::int[], ${digests}::text[],
        ${made.map(({ sealed }) => sealed)}::bytea[]) as made (name, number, digest, sealed)`.execute(scoped);
  return given;
}

function open(owner: TokenOwner, subject: Subject, row: Row): string {
  return unseal(subject.key, row.sealed, associatedWith(owner, subject, row)).toString("utf8");
}

function associatedWith({ tenant, run }: TokenOwner, { pseudonym }: Subject, { name, number }: Pick<Row, "name" | "number">): string {
  return `token|${tenant}|${run}|${pseudonym}|${name}|${number}`;
}
