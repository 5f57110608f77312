import { LedgerError } from "../ledger-error.ts";
import { type Hash, HASH_BYTES } from "../tree/hash.ts";
import { rangeHash, sourceOfLeaves, type HashSource } from "../tree/source.ts";
import { TILE_WIDTH, type TileAddress, tileOfNode, tilePath } from "./address.ts";

/** The bytes of a tile: its hashes one after the other (C2SP tlog-tiles, "Merkle Tree"). */
export function writeTile(source: HashSource, { level, index, width }: TileAddress): Uint8Array {
  const first = index * TILE_WIDTH;
  const hashes = Array.from({ length: width }, (_, place) => source.node(level * TILE_HEIGHT, first + place));
  return Buffer.concat(hashes);
}

/**
 * The hashes of a tile. @throws LedgerError `malformed` unless it holds exactly as many as its address says. A full tile may stand for a
 * partial one that is gone (C2SP tlog-tiles, "Partial Tiles"); only the hashes of the partial one are returned.
 */
export function readTile(bytes: Uint8Array, address: TileAddress): readonly Hash[] {
  if (bytes.byteLength !== address.width * HASH_BYTES && bytes.byteLength !== TILE_WIDTH * HASH_BYTES) {
    throw new LedgerError(
      "malformed",
      `tile \`${tilePath(address)}\` has ${bytes.byteLength} bytes, not ${address.width * HASH_BYTES}: fetch it again`,
    );
  }
  return Array.from({ length: address.width }, (_, place) => bytes.subarray(place * HASH_BYTES, (place + 1) * HASH_BYTES));
}

/**
 * Proofs read out of tiles: a source for `proveInclusion` and `proveConsistency` over the tree of `size`. Tiles are not believed: a proof
 * out of wrong tiles does not verify. `read` returns undefined for a tile it does not have.
 * @throws LedgerError from `node`: `tile_missing`, `malformed`.
 */
export function sourceOfTiles(size: number, read: (address: TileAddress) => Uint8Array | undefined): HashSource {
  const tiles = new Map<string, HashSource>();
  function hashesOf(address: TileAddress): HashSource {
    const path = tilePath(address);
    const known = tiles.get(path);
    if (known !== undefined) return known;
    const bytes = read(address);
    if (bytes === undefined)
      throw new LedgerError("tile_missing", `tile \`${path}\` is needed for the proof and was not given: fetch it from the log`);
    const hashes = sourceOfLeaves(readTile(bytes, address));
    tiles.set(path, hashes);
    return hashes;
  }
  return {
    node(level, index) {
      const { tile, from, count } = tileOfNode(level, index, size);
      return rangeHash(hashesOf(tile), { start: from, end: from + count });
    },
  };
}

/** A lookup of leaf hashes in level-0 tiles, as `verifyExport` takes it; undefined where no tile was given. @throws LedgerError `malformed` */
export function leafHashesOfTiles(
  size: number,
  read: (address: TileAddress) => Uint8Array | undefined,
): (index: number) => Hash | undefined {
  let index0 = -1;
  let hashes: readonly Hash[] = [];
  return (index) => {
    const tileIndex = Math.floor(index / TILE_WIDTH);
    if (index >= size) return undefined;
    if (tileIndex !== index0) {
      const address = { level: 0, index: tileIndex, width: Math.min(TILE_WIDTH, size - tileIndex * TILE_WIDTH) };
      const bytes = read(address);
      hashes = bytes === undefined ? [] : readTile(bytes, address);
      index0 = tileIndex;
    }
    return hashes[index - tileIndex * TILE_WIDTH];
  };
}

const TILE_HEIGHT = 8;
