import { type Hash, rootOf, sourceOfLeaves, sourceOfTiles, TILE_WIDTH, type TileAddress } from "@bailiwick/ledger";

/** A full tile, and its hash in the tile above. */
export interface FullTile {
  readonly level: number;
  readonly tile: number;
  readonly hashes: Buffer;
  readonly root: Hash;
}

/** The right edge of a tree: the partial tile of each level. All that is needed to go on with it. */
export interface Edge {
  readonly size: number;
  /** By level, fewer than 256 hashes each. */
  readonly partial: readonly (readonly Hash[])[];
}

export const EMPTY_EDGE: Edge = { size: 0, partial: [] };

/** Appends leaves; returns the new edge and the tiles that became full (C2SP tlog-tiles). */
export function grow(edge: Edge, leaves: readonly Hash[]): { readonly edge: Edge; readonly full: readonly FullTile[] } {
  const full: FullTile[] = [];
  const partial: Hash[][] = [];
  let added = leaves;
  for (
    let level = 0, before = edge.size;
    level < edge.partial.length || added.length > 0;
    level += 1, before = Math.floor(before / TILE_WIDTH)
  ) {
    const hashes = [...(edge.partial[level] ?? []), ...added];
    const first = Math.floor(before / TILE_WIDTH);
    const roots: Hash[] = [];
    while (hashes.length >= TILE_WIDTH) {
      const own = hashes.splice(0, TILE_WIDTH);
      const root = rootOf(sourceOfLeaves(own), TILE_WIDTH);
      full.push({ level, tile: first + roots.length, hashes: Buffer.concat(own), root });
      roots.push(root);
    }
    partial.push(hashes);
    added = roots;
  }
  return { edge: { size: edge.size + leaves.length, partial }, full };
}

/** The root of the tree (RFC 6962 section 2.1). */
export function rootOfEdge({ size, partial }: Edge): Hash {
  // Whatever lies left of the edge is inside full tiles, whose roots are in the partial tile above.
  const read = ({ level }: TileAddress): Uint8Array => Buffer.concat(partial[level] ?? []);
  return rootOf(sourceOfTiles(size, read), size);
}

/** How many hashes the level has in a tree of this size, and where its last tile begins. */
export function levelOf(size: number, level: number): { readonly hashes: number; readonly edge: number } {
  const hashes = Math.floor(size / TILE_WIDTH ** level);
  return { hashes, edge: Math.floor(hashes / TILE_WIDTH) * TILE_WIDTH };
}
