import { malformed } from "../strict-text.ts";
import { isCount, levelOf, powerCeiling, type Range, splitPoint } from "../tree/shape.ts";

/** Hashes of a full tile: its height is 8 (C2SP tlog-tiles, "Merkle Tree"). */
export const TILE_WIDTH = 256;

/** Which tile. Level 0 holds leaf hashes; each hash of a level above is the root of a full tile below. A width under 256 makes it partial. */
export interface TileAddress {
  readonly level: number;
  readonly index: number;
  readonly width: number;
}

/** A tile of hashes, or a bundle of entries, as a path names it. */
export interface NamedTile {
  readonly level: number | "entries";
  readonly index: number;
  readonly width: number;
}

/** `tile/<L>/<N>[.p/<W>]` (C2SP tlog-tiles, "Merkle Tree"). @throws RangeError when no tree has such a tile. */
export function tilePath({ level, index, width }: TileAddress): string {
  if (!isCount(level) || level > MAX_LEVEL) throw new RangeError(`a tile's level is from 0 to ${MAX_LEVEL}, not ${level}`);
  return `tile/${level}/${indexPath(index, width)}`;
}

/** `tile/entries/<N>[.p/<W>]` (C2SP tlog-tiles, "Log entries"). @throws RangeError when no log has such a bundle. */
export function entryBundlePath(index: number, width: number): string {
  return `tile/entries/${indexPath(index, width)}`;
}

/** What a path names; `level` is `entries` for a bundle of entries. @throws LedgerError `malformed` for any other spelling. */
export function parseTilePath(path: string): NamedTile {
  const [, level, groups, last, width] = TILE_PATH.exec(path) ?? [];
  if (level === undefined || groups === undefined || last === undefined)
    return malformed(`\`${path}\` is not the path of a tile`, "it looks like `tile/0/x001/234` or `tile/entries/000.p/17`");
  const index = Number(`${groups.replaceAll(/[x/]/g, "")}${last}`);
  const address: NamedTile = {
    level: level === "entries" ? level : Number(level),
    index,
    width: width === undefined ? TILE_WIDTH : Number(width),
  };
  // One tile, one path: leading groups of zeroes or a width of 256 would be second names.
  const canonical =
    isCount(index) && address.width <= TILE_WIDTH && (level === "entries" || Number(level) <= MAX_LEVEL) && pathOf(address) === path;
  return canonical
    ? address
    : malformed(`\`${path}\` is not how a tile is addressed`, "leave out groups that are zero and the width of a full tile");
}

/** The tiles that a tree of the new size has and one of the old size had not, lower levels first (C2SP tlog-tiles, "Partial Tiles"). @throws RangeError */
export function newTiles(oldSize: number, newSize: number): readonly TileAddress[] {
  if (!isCount(oldSize) || !isCount(newSize) || oldSize > newSize)
    throw new RangeError(`a tree does not grow from ${oldSize} to ${newSize}`);
  const tiles: TileAddress[] = [];
  for (let level = 0, span = 1; span <= newSize; level += 1, span *= TILE_WIDTH) {
    const hashes = Math.floor(newSize / span);
    const before = Math.floor(oldSize / span);
    if (hashes === before) continue;
    for (let index = Math.floor(before / TILE_WIDTH); index * TILE_WIDTH < hashes; index += 1) {
      tiles.push({ level, index, width: Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH) });
    }
  }
  return tiles;
}

/** The tile of a tree of `size` that holds, or whose hashes make up, the node over the 2^level leaves from index * 2^level on; and where in it. */
export function tileOfNode(
  level: number,
  index: number,
  size: number,
): { readonly tile: TileAddress; readonly from: number; readonly count: number } {
  const tileLevel = Math.floor(level / TILE_HEIGHT);
  const count = 2 ** (level % TILE_HEIGHT);
  const first = index * count;
  const tileIndex = Math.floor(first / TILE_WIDTH);
  const width = Math.min(TILE_WIDTH, Math.floor(size / TILE_WIDTH ** tileLevel) - tileIndex * TILE_WIDTH);
  const from = first - tileIndex * TILE_WIDTH;
  if (from + count > width) throw new RangeError(`a tree of size ${size} has no node ${index} at level ${level}`);
  return { tile: { level: tileLevel, index: tileIndex, width }, from, count };
}

/** The tiles that a prover has to read for these subtrees of a tree of `size`, each once. For callers whose tiles come over a network. */
export function tilesOfRanges(ranges: readonly Range[], size: number): readonly TileAddress[] {
  const tiles = new Map<string, TileAddress>();
  for (const range of ranges.flatMap(perfectRanges)) {
    const length = range.end - range.start;
    const { tile } = tileOfNode(levelOf(length), range.start / length, size);
    tiles.set(tilePath(tile), tile);
  }
  return [...tiles.values()];
}

function perfectRanges({ start, end }: Range): readonly Range[] {
  const length = end - start;
  if (powerCeiling(length) === length) return [{ start, end }];
  const middle = start + splitPoint(length);
  return [...perfectRanges({ start, end: middle }), ...perfectRanges({ start: middle, end })];
}

function pathOf({ level, index, width }: NamedTile): string {
  return level === "entries" ? entryBundlePath(index, width) : tilePath({ level, index, width });
}

function indexPath(index: number, width: number): string {
  if (!isCount(index)) throw new RangeError(`a tile's index is a whole number, not ${index}`);
  if (!isCount(width) || width < 1 || width > TILE_WIDTH) throw new RangeError(`a tile's width is from 1 to ${TILE_WIDTH}, not ${width}`);
  const digits = index.toString();
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, "0").match(/.{3}/g) ?? [];
  const path = groups.map((group, place) => (place === groups.length - 1 ? group : `x${group}`)).join("/");
  return width === TILE_WIDTH ? path : `${path}.p/${width}`;
}

const TILE_HEIGHT = 8;
const MAX_LEVEL = 63;
const TILE_PATH = /^tile\/(entries|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/)*)([0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;
