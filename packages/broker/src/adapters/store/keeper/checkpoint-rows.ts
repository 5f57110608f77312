import { z } from "zod";
import type { SignedCheckpoint } from "../../../domain/evidence.ts";
import type { Queryable } from "../queryable.ts";

const rowsSchema = z.array(z.object({ size: z.number(), at: z.date(), note: z.string(), lines: z.array(z.string()) }));
const SELECT = `select size, at, note,
  array(select line from bailiwick.cosignatures s where s.tenant_id = c.tenant_id and s.size = c.size order by s.at, s.witness) as lines
  from bailiwick.checkpoints c where tenant_id = $1`;

export async function newestCheckpoint(db: Queryable, tenant: string): Promise<SignedCheckpoint | undefined> {
  const { rows } = await db.query({ text: `${SELECT} order by size desc limit 1`, values: [tenant] });
  return withLines(rows)[0];
}

/** The newest one beyond a size that so many witnesses cosigned; the newest at all while there is none. */
export async function newestWitnessed(
  db: Queryable,
  tenant: string,
  { beyond, quorum }: { readonly beyond: number; readonly quorum: number },
): Promise<SignedCheckpoint | undefined> {
  if (quorum === 0) return newestCheckpoint(db, tenant);
  const { rows } = await db.query({
    text: `${SELECT} and size > $2 and (select count(*) from bailiwick.cosignatures s where s.tenant_id = c.tenant_id and s.size = c.size) >= $3
            order by size desc limit 1`,
    values: [tenant, beyond, quorum],
  });
  return withLines(rows)[0] ?? newestCheckpoint(db, tenant);
}

/** Those beyond a size, smallest first. */
export async function checkpointsBeyond(
  db: Queryable,
  tenant: string,
  beyond: number,
  limit: number,
): Promise<readonly SignedCheckpoint[]> {
  const { rows } = await db.query({ text: `${SELECT} and size > $2 order by size limit $3`, values: [tenant, beyond, limit] });
  return withLines(rows);
}

export async function writeCheckpoint(db: Queryable, tenant: string, size: number, note: string): Promise<void> {
  await db.query({
    text: "insert into bailiwick.checkpoints (tenant_id, size, at, note) values ($1, $2, clock_timestamp(), $3)",
    values: [tenant, size, note],
  });
}

/** What a witness answered; once each. A line begins with the witness's name (C2SP signed-note). */
export async function writeCosignatures(db: Queryable, tenant: string, size: number, lines: readonly string[]): Promise<void> {
  for (const line of lines) {
    const [, witness] = /^— (\S+) \S+$/.exec(line) ?? [];
    if (witness === undefined) continue;
    await db.query({
      text: "insert into bailiwick.cosignatures (tenant_id, size, witness, line) values ($1, $2, $3, $4) on conflict do nothing",
      values: [tenant, size, witness, line],
    });
  }
}

function withLines(rows: readonly unknown[]): readonly SignedCheckpoint[] {
  return rowsSchema
    .parse(rows)
    .map(({ size, at, note, lines }) => ({ size, at, note: `${note}${lines.map((line) => `${line}\n`).join("")}` }));
}
