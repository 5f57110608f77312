import { type Hash, leafHash, readTile, TILE_WIDTH, type TileAddress } from "@bailiwick/ledger";
import { z } from "zod";
import type { Queryable } from "../queryable.ts";
import { type Edge, type FullTile, levelOf } from "./edge.ts";

const leafRows = z.array(z.object({ leaf: z.string() }));
const rootRows = z.array(z.object({ root: z.instanceof(Buffer) }));
const tileRows = z.array(z.object({ hashes: z.instanceof(Buffer) }));

/** Leaves in order, from index `from` up to `to` (exclusive); fewer when some were retired. The tenant of the transaction is set. */
export async function readLeaves(db: Queryable, tenant: string, from: number, to: number): Promise<readonly string[]> {
  if (from >= to) return [];
  const { rows } = await db.query({
    name: "read_leaves",
    text: "select leaf from bailiwick.records where tenant_id = $1 and index >= $2 and index < $3 order by index",
    values: [tenant, from, to],
  });
  return leafRows.parse(rows).map(({ leaf }) => leaf);
}

const countedRows = z.array(z.object({ leaf: z.string(), run: z.string().nullable(), agent: z.string().nullable() }));

/** The same with what the records count in: the columns are the leaf's own members, and reading them costs less than parsing it. */
export async function readCounted(db: Queryable, tenant: string, from: number, to: number): Promise<z.output<typeof countedRows>> {
  const { rows } = await db.query({
    name: "read_counted",
    text: "select leaf, run, agent from bailiwick.records where tenant_id = $1 and index >= $2 and index < $3 order by index",
    values: [tenant, from, to],
  });
  return countedRows.parse(rows);
}

/** The right edge of the tree of this size, from what is stored. */
export async function readEdge(db: Queryable, tenant: string, size: number): Promise<Edge> {
  const partial: (readonly Hash[])[] = [];
  for (let level = 0; TILE_WIDTH ** level <= size; level += 1) {
    const { hashes, edge } = levelOf(size, level);
    partial.push(await hashesOf(db, tenant, level, edge, hashes));
  }
  return { size, partial };
}

/** A tile of the tree, or undefined when it does not have it. A narrower one than is stored is cut from it. */
export async function tileBytes(
  db: Queryable,
  tenant: string,
  size: number,
  { level, index, width }: TileAddress,
): Promise<Uint8Array | undefined> {
  const { hashes } = levelOf(size, level);
  if (index * TILE_WIDTH + width > hashes) return undefined;
  const { rows } = await db.query({
    text: "select hashes from bailiwick.tiles where tenant_id = $1 and level = $2 and tile = $3",
    values: [tenant, level, index],
  });
  const [full] = tileRows.parse(rows);
  if (full !== undefined) return Buffer.concat(readTile(full.hashes, { level, index, width }));
  return Buffer.concat(await hashesOf(db, tenant, level, index * TILE_WIDTH, index * TILE_WIDTH + width));
}

/** Written by whichever broker gets there first; they all write the same. */
export async function writeTiles(db: Queryable, tenant: string, tiles: readonly FullTile[]): Promise<void> {
  if (tiles.length === 0) return;
  await db.query({
    text: `insert into bailiwick.tiles (tenant_id, level, tile, hashes, root)
           select $1, level, tile, hashes, root from unnest($2::int[], $3::bigint[], $4::bytea[], $5::bytea[]) as t (level, tile, hashes, root)
           on conflict do nothing`,
    values: [
      tenant,
      tiles.map(({ level }) => level),
      tiles.map(({ tile }) => tile),
      tiles.map(({ hashes }) => hashes),
      tiles.map(({ root }) => Buffer.from(root)),
    ],
  });
}

/** The hashes of one level from one place to another: leaf hashes, or the roots of the full tiles below. */
async function hashesOf(db: Queryable, tenant: string, level: number, from: number, to: number): Promise<readonly Hash[]> {
  if (level === 0) return (await readLeaves(db, tenant, from, to)).map((leaf) => leafHash(leaf));
  const { rows } = await db.query({
    text: "select root from bailiwick.tiles where tenant_id = $1 and level = $2 and tile >= $3 and tile < $4 order by tile",
    values: [tenant, level - 1, from, to],
  });
  return rootRows.parse(rows).map(({ root }) => root);
}
