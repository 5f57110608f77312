import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  consistencyRanges,
  entryBundlePath,
  extendTiles,
  inclusionRanges,
  leafHash,
  newTiles,
  parseTilePath,
  proveConsistency,
  proveInclusion,
  readEntryBundle,
  rootOf,
  sourceOfLeaves,
  sourceOfTiles,
  type TileAddress,
  tilePath,
  tilesOfRanges,
  writeEntryBundle,
  writeTile,
} from "../src/index.ts";
import { codeOf, leavesOf, nth } from "./support/log.ts";

const SIZE = 70_000;
const LEAVES = leavesOf(SIZE);
const SOURCE = sourceOfLeaves(LEAVES);
const TILES = new Map(newTiles(0, SIZE).map((tile) => [tilePath(tile), writeTile(SOURCE, tile)]));
const read = (tile: TileAddress): Uint8Array | undefined => TILES.get(tilePath(tile));

describe("addresses", () => {
  test.each([
    [{ level: 0, index: 0, width: 256 }, "tile/0/000"],
    [{ level: 0, index: 1_234_067, width: 256 }, "tile/0/x001/x234/067"],
    [{ level: 2, index: 999, width: 1 }, "tile/2/999.p/1"],
    [{ level: 1, index: 1000, width: 255 }, "tile/1/x001/000.p/255"],
  ])("%j is `%s`, and back", (tile, path) => {
    expect(tilePath(tile)).toBe(path);
    expect(parseTilePath(path)).toEqual(tile);
  });
  test("a bundle of entries has an address of its own", () => {
    expect(entryBundlePath(1_234_067, 3)).toBe("tile/entries/x001/x234/067.p/3");
    expect(parseTilePath("tile/entries/x001/x234/067.p/3")).toEqual({ level: "entries", index: 1_234_067, width: 3 });
  });
  test("every address has one path, and every path one address", () => {
    const address = fc.record({ level: fc.nat(63), index: fc.maxSafeNat(), width: fc.integer({ min: 1, max: 256 }) });
    fc.assert(
      fc.property(address, (tile) => {
        expect(parseTilePath(tilePath(tile))).toEqual(tile);
      }),
    );
  });
  test.each([
    "tile/0/0",
    "tile/00/000",
    "tile/64/000",
    "tile/0/x000/001",
    "tile/0/000.p/0",
    "tile/0/000.p/256",
    "tile/0/000.p/01",
    "tile/0/000.p/300",
    "tile/0/x001/0000",
    "tile/0/001/000",
    "/tile/0/000",
    "tile/0/000/",
    "tile/8/0/000",
    "tile/data/000",
    "tile/-1/000",
    "tile/0/x999/x999/x999/x999/x999/999",
    "tile/0/000\n",
    "",
  ])("`%s` is not the path of a tile", (path) => {
    expect(codeOf(() => parseTilePath(path))).toBe("malformed");
  });
  test.each([
    { level: 64, index: 0, width: 256 },
    { level: 0, index: -1, width: 256 },
    { level: 0, index: 0, width: 0 },
    { level: 0, index: 0, width: 257 },
  ])("%j has no path", (tile) => {
    expect(() => tilePath(tile)).toThrow(RangeError);
  });
  test("a tree does not shrink, and has no node beyond its leaves", () => {
    expect(() => newTiles(5, 4)).toThrow(RangeError);
    expect(() => rootOf(SOURCE, SIZE + 1)).toThrow(RangeError);
    expect(() => rootOf(SOURCE, -1)).toThrow(RangeError);
    expect(() => sourceOfTiles(300, read).node(0, 300)).toThrow(RangeError);
    expect(() => sourceOfTiles(300, read).node(8, 1)).toThrow(RangeError);
  });
  test("a tree of 70,000 has the tiles that the specification lists", () => {
    const counted = newTiles(0, SIZE).map(({ level, width }) => `${level}:${width}`);
    const counts = Map.groupBy(counted, (one) => one);
    expect([...counts].map(([name, all]) => [name, all.length])).toEqual([
      ["0:256", 273],
      ["0:112", 1],
      ["1:256", 1],
      ["1:17", 1],
      ["2:1", 1],
    ]);
  });
  test("a tree of 256 has one full tile and one of width 1 above it", () => {
    expect(newTiles(0, 256)).toEqual([
      { level: 0, index: 0, width: 256 },
      { level: 1, index: 0, width: 1 },
    ]);
  });
  test("what a log writes as it grows is, in the end, every tile of its tree", () => {
    fc.assert(
      fc.property(fc.nat(SIZE), fc.nat(SIZE), (one, two) => {
        const [cut, size] = [Math.min(one, two), Math.max(one, two)];
        const whole = newTiles(0, size).map(tilePath);
        const grown = new Set([...newTiles(0, cut), ...newTiles(cut, size)].map(tilePath));
        expect(whole.filter((path) => !grown.has(path))).toEqual([]);
        expect(newTiles(size, size)).toEqual([]);
      }),
    );
  });
});

describe("a log that grows", () => {
  test("writes the tiles that its whole tree has, reading only its own partial ones", () => {
    fc.assert(
      fc.property(fc.nat(SIZE), fc.nat(3000), (size, more) => {
        const end = Math.min(size + more, SIZE);
        const asked: TileAddress[] = [];
        const written = extendTiles(size, LEAVES.slice(size, end), (tile) => {
          asked.push(tile);
          return writeTile(SOURCE, tile);
        });
        expect(written.map(({ address }) => address)).toEqual(newTiles(size, end));
        for (const { address, bytes } of written) expect(Buffer.compare(bytes, writeTile(SOURCE, address))).toBe(0);
        expect(asked.every(({ level, width }) => width === Math.floor(size / 256 ** level) % 256)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
  test("does not go on from a tile that is gone or of another length, or with a hash that is none", () => {
    expect(codeOf(() => extendTiles(5, LEAVES.slice(0, 1), () => undefined))).toBe("tile_missing");
    expect(codeOf(() => extendTiles(5, LEAVES.slice(0, 1), () => new Uint8Array(4 * 32)))).toBe("malformed");
    expect(() => extendTiles(0, [new Uint8Array(31)], () => undefined)).toThrow(RangeError);
    expect(extendTiles(5, [], () => undefined)).toEqual([]);
  });
});

describe("proofs out of tiles", () => {
  test("are those out of the whole tree", () => {
    const tiled = sourceOfTiles(SIZE, read);
    expect(rootOf(tiled, SIZE)).toEqual(rootOf(SOURCE, SIZE));
    fc.assert(
      fc.property(fc.nat(SIZE - 1), fc.integer({ min: 1, max: SIZE }), (index, size1) => {
        expect(proveInclusion(tiled, { index, size: SIZE })).toEqual(proveInclusion(SOURCE, { index, size: SIZE }));
        expect(proveConsistency(tiled, size1, SIZE)).toEqual(proveConsistency(SOURCE, size1, SIZE));
      }),
    );
  });
  test("need exactly the tiles that are listed beforehand", () => {
    fc.assert(
      fc.property(fc.nat(SIZE - 1), fc.integer({ min: 1, max: SIZE }), (index, size1) => {
        for (const [ranges, prove] of [
          [inclusionRanges({ index, size: SIZE }), proveInclusion],
          [consistencyRanges(size1, SIZE), undefined],
        ] as const) {
          const asked = new Set<string>();
          const source = sourceOfTiles(SIZE, (tile) => (asked.add(tilePath(tile)), read(tile)));
          if (prove === undefined) proveConsistency(source, size1, SIZE);
          else prove(source, { index, size: SIZE });
          expect([...asked].toSorted()).toEqual(tilesOfRanges(ranges, SIZE).map(tilePath).toSorted());
        }
      }),
    );
  });
  test("stop with the name of a tile that is missing, or has another length", () => {
    const place = { index: 5, size: SIZE };
    expect(() =>
      proveInclusion(
        sourceOfTiles(SIZE, () => undefined),
        place,
      ),
    ).toThrow(/tile\/0\/000/);
    expect(
      codeOf(() =>
        proveInclusion(
          sourceOfTiles(SIZE, () => undefined),
          place,
        ),
      ),
    ).toBe("tile_missing");
    for (const length of [0, 31, 256 * 32 - 1, 256 * 32 + 1]) {
      expect(
        codeOf(() =>
          proveInclusion(
            sourceOfTiles(SIZE, () => new Uint8Array(length)),
            place,
          ),
        ),
      ).toBe("malformed");
    }
  });
  test("can be read from a full tile where the partial one is gone", () => {
    const full = sourceOfTiles(300, (tile) => TILES.get(tilePath({ ...tile, width: 256 })) ?? read(tile) ?? writeTile(SOURCE, tile));
    expect(rootOf(full, 300)).toEqual(rootOf(SOURCE, 300));
  });
});

describe("bundles of entries", () => {
  const entries = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 20 });
  test("are read as they were written, and the leaf hashes are those of the level-0 tile", () => {
    fc.assert(
      fc.property(entries, (all) => {
        const back = readEntryBundle(writeEntryBundle(all), all.length);
        expect(back.map((one) => [...one])).toEqual(all.map((one) => [...one]));
        expect(back.map((one) => leafHash(one))).toEqual(all.map((one) => leafHash(one)));
      }),
    );
  });
  test("are refused when cut off, longer, or of another width", () => {
    fc.assert(
      fc.property(entries, fc.nat(), (all, pick) => {
        const bundle = writeEntryBundle(all);
        expect(codeOf(() => readEntryBundle(bundle.subarray(0, pick % bundle.length), all.length))).toBe("malformed");
        expect(codeOf(() => readEntryBundle(Buffer.concat([bundle, Uint8Array.of(0)]), all.length))).toBe("malformed");
        expect(codeOf(() => readEntryBundle(bundle, all.length + 1))).toBe("malformed");
        expect(codeOf(() => readEntryBundle(bundle, all.length - 1))).toBe("malformed");
      }),
    );
  });
  test("hold 1 to 256 entries", () => {
    const entry = Uint8Array.of(1);
    expect(readEntryBundle(writeEntryBundle(Array.from({ length: 256 }, () => entry)), 256)).toHaveLength(256);
    for (const length of [0, 257]) expect(() => writeEntryBundle(Array.from({ length }, () => entry))).toThrow(RangeError);
  });
  test("hold entries of up to 65,535 bytes, and not one more", () => {
    const largest = new Uint8Array(65_535).fill(7);
    expect(nth(readEntryBundle(writeEntryBundle([largest]), 1), 0)).toHaveLength(65_535);
    expect(codeOf(() => writeEntryBundle([new Uint8Array(65_536)]))).toBe("too_large");
  });
});
