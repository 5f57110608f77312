import { LedgerError } from "../ledger-error.ts";
import { type Hash, isHash } from "../tree/hash.ts";
import { isCount } from "../tree/shape.ts";
import { rangeHash, sourceOfLeaves } from "../tree/source.ts";
import { TILE_WIDTH, type TileAddress, tilePath } from "./address.ts";
import { readTile } from "./hash-tile.ts";

/** A tile to be stored. */
export interface WrittenTile {
  readonly address: TileAddress;
  readonly bytes: Uint8Array;
}

/**
 * The tiles that a log of `size` has to write when leaves with these hashes are appended: those of `newTiles(size, size + leaves.length)`, in that
 * order (C2SP tlog-tiles, "Merkle Tree"). Reads only the partial tile at the right end of each level.
 * @throws LedgerError `tile_missing`, `malformed`; RangeError when size or a hash is none.
 */
export function extendTiles(
  size: number,
  leaves: readonly Hash[],
  read: (address: TileAddress) => Uint8Array | undefined,
): readonly WrittenTile[] {
  if (!isCount(size) || !isCount(size + leaves.length) || !leaves.every(isHash))
    throw new RangeError("tiles grow from a tree size by hashes of 32 bytes");
  const tiles: WrittenTile[] = [];
  for (let level = 0, before = size, added = leaves; added.length > 0; level += 1, before = Math.floor(before / TILE_WIDTH)) {
    const own = extendLevel(level, before, added, read);
    tiles.push(...own);
    added = own.filter(({ address }) => address.width === TILE_WIDTH).map(({ address, bytes }) => rootOfTile(readTile(bytes, address)));
  }
  return tiles;
}

function extendLevel(
  level: number,
  before: number,
  added: readonly Hash[],
  read: (address: TileAddress) => Uint8Array | undefined,
): readonly WrittenTile[] {
  const first = Math.floor(before / TILE_WIDTH);
  const hashes = [...partialTile({ level, index: first, width: before % TILE_WIDTH }, read), ...added];
  return Array.from({ length: Math.ceil(hashes.length / TILE_WIDTH) }, (_, place) => {
    const own = hashes.slice(place * TILE_WIDTH, (place + 1) * TILE_WIDTH);
    return { address: { level, index: first + place, width: own.length }, bytes: Buffer.concat(own) };
  });
}

function partialTile(address: TileAddress, read: (address: TileAddress) => Uint8Array | undefined): readonly Hash[] {
  if (address.width === 0) return [];
  const bytes = read(address);
  if (bytes === undefined)
    throw new LedgerError("tile_missing", `tile \`${tilePath(address)}\` is needed to go on with the log: restore it from its leaf hashes`);
  return readTile(bytes, address);
}

/** The hash that stands for a full tile in the level above. */
function rootOfTile(hashes: readonly Hash[]): Hash {
  return rangeHash(sourceOfLeaves(hashes), { start: 0, end: hashes.length });
}
