import { faultAt } from "../export/progress.ts";
import type { ExportFault } from "../export/types.ts";
import { LedgerError } from "../ledger-error.ts";
import { equalBytes } from "../strict-text.ts";
import { TILE_WIDTH, type TileAddress, tilePath } from "../tiles/address.ts";
import { readTile, sourceOfTiles } from "../tiles/hash-tile.ts";
import type { Hash } from "../tree/hash.ts";
import { rangeHash, rootOf, sourceOfLeaves } from "../tree/source.ts";
import type { LogFolder } from "./types.ts";

/** A file that may hold a tile: the full one, or partial ones as wide as a checkpoint claims, the widest first. */
export interface TileFile {
  readonly path: string;
  readonly width: number;
}

/**
 * Where a tile may lie, asked one after the other: most are full, and a log may have a checkpoint for every few records. `span` is how many records
 * one hash of its level stands for; `sizes` are what checkpoints claim, largest first.
 */
export function* pathsOf(path: (width: number) => string, index: number, span: number, sizes: readonly number[]): Generator<TileFile> {
  yield { path: path(TILE_WIDTH), width: TILE_WIDTH };
  const widths = sizes.map((size) => Math.floor(size / span) - index * TILE_WIDTH).filter((width) => width > 0 && width < TILE_WIDTH);
  for (const width of new Set(widths)) yield { path: path(width), width };
}

/** The first of these files that the folder has. */
export function readFirst(folder: LogFolder, files: Iterable<TileFile>): (TileFile & { readonly bytes: Uint8Array }) | undefined {
  for (const file of files) {
    const bytes = folder.read(file.path);
    if (bytes !== undefined) return { ...file, bytes };
  }
  return undefined;
}

/** Leaf hashes out of the folder's level-0 tiles, one tile in memory; undefined where there is none. @throws LedgerError `malformed` */
export function leafHashesOf(folder: LogFolder, sizes: readonly number[]): (index: number) => Hash | undefined {
  let held = -1;
  let hashes: readonly Hash[] = [];
  return (index) => {
    const tile = Math.floor(index / TILE_WIDTH);
    if (tile !== held) {
      hashes = readAny(folder, tile, sizes) ?? [];
      held = tile;
    }
    return hashes[index % TILE_WIDTH];
  };
}

/**
 * Whether the tiles are those of the tree: each hash of a level is the root of the tile below it, and the whole gives the root. The records have
 * been compared with level 0 before. Tiles of retired records may be gone.
 */
export function tilesFault(
  folder: LogFolder,
  tree: { readonly size: number; readonly root: Hash; readonly first: number },
): ExportFault | undefined {
  const { size, root, first } = tree;
  try {
    for (let level = 0, span = 1; span <= size; level += 1, span *= TILE_WIDTH) {
      const fault = levelFault(folder, { level, span, size, first });
      if (fault !== undefined) return fault;
    }
    const source = sourceOfTiles(size, (address) => readExactly(folder, address));
    return equalBytes(rootOf(source, size), root)
      ? undefined
      : faultAt(0, "hash_tile", `the hash tiles do not give the root of size ${size}`);
  } catch (error) {
    if (error instanceof LedgerError) return faultAt(0, "hash_tile", error.message);
    throw error;
  }
}

function levelFault(
  folder: LogFolder,
  { level, span, size, first }: { readonly level: number; readonly span: number; readonly size: number; readonly first: number },
): ExportFault | undefined {
  const count = Math.floor(size / span);
  let parent: { readonly index: number; readonly hashes: readonly Hash[] } | undefined;
  for (let index = 0; index * TILE_WIDTH < count; index += 1) {
    const start = index * TILE_WIDTH * span;
    const address = { level, index, width: Math.min(TILE_WIDTH, count - index * TILE_WIDTH) };
    const bytes = readExactly(folder, address);
    if (bytes === undefined) {
      if (level === 0 && start + TILE_WIDTH <= first) continue;
      return faultAt(start, "tile_missing", `the folder has no \`${tilePath(address)}\``);
    }
    const hashes = tileAt(bytes, address, start);
    if ("code" in hashes) return hashes;
    if (address.width < TILE_WIDTH) continue;
    const above = { level: level + 1, index: Math.floor(index / TILE_WIDTH), width: widthAbove(size, span, index) };
    if (parent?.index !== above.index) {
      const upper = readExactly(folder, above);
      const read = upper === undefined ? [] : tileAt(upper, above, above.index * TILE_WIDTH * TILE_WIDTH * span);
      if ("code" in read) return read;
      parent = { index: above.index, hashes: read };
    }
    const said = parent.hashes[index % TILE_WIDTH];
    const own = rangeHash(sourceOfLeaves(hashes), { start: 0, end: TILE_WIDTH });
    if (said !== undefined && !equalBytes(said, own))
      return faultAt(start, "hash_tile", `\`${tilePath(above)}\` is wrong about \`${tilePath(address)}\` below it`);
  }
  return undefined;
}

function tileAt(bytes: Uint8Array, address: TileAddress, start: number): readonly Hash[] | ExportFault {
  try {
    return readTile(bytes, address);
  } catch (error) {
    if (error instanceof LedgerError) return faultAt(start, "hash_tile", error.message);
    throw error;
  }
}

function widthAbove(size: number, span: number, index: number): number {
  return Math.min(TILE_WIDTH, Math.floor(size / (span * TILE_WIDTH)) - Math.floor(index / TILE_WIDTH) * TILE_WIDTH);
}

/** A tile of the tree of a known size; a full one may stand for a partial one (C2SP tlog-tiles, "Partial Tiles"). */
export function readExactly(folder: LogFolder, address: TileAddress): Uint8Array | undefined {
  return (
    folder.read(tilePath(address)) ?? (address.width < TILE_WIDTH ? folder.read(tilePath({ ...address, width: TILE_WIDTH })) : undefined)
  );
}

function readAny(folder: LogFolder, index: number, sizes: readonly number[]): readonly Hash[] | undefined {
  const file = readFirst(
    folder,
    pathsOf((width) => tilePath({ level: 0, index, width }), index, 1, sizes),
  );
  return file === undefined ? undefined : readTile(file.bytes, { level: 0, index, width: file.width });
}
