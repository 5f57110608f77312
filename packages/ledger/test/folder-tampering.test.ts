import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  canonicalize,
  CHECKPOINT_FILE,
  CHECKPOINTS_FILE,
  entryBundlePath,
  formatCheckpointLine,
  leafHash,
  newTiles,
  parseSignedNote,
  parseTilePath,
  signNote,
  sourceOfLeaves,
  TILE_WIDTH,
  tilePath,
  writeEntryBundle,
  writeTile,
} from "../src/index.ts";
import { type Files, filesOf, LOG_KEY, onDisk, run, sizeOf } from "./support/folder.ts";
import { signer } from "./support/keys.ts";
import { nth, ORIGIN, plainLog, type WrittenLog, writtenLog } from "./support/log.ts";

const SIZE = 600;
const EVERY = 100;
const RUNS_EACH = 130;
let log: WrittenLog;
let files: Files;
let disk: ReturnType<typeof onDisk>;

beforeAll(async () => {
  log = await plainLog(SIZE, EVERY);
  files = filesOf(log);
  disk = onDisk(files);
});
afterAll(() => disk.remove());

/** Files as an attacker leaves them; `undefined` removes one. */
interface Forgery {
  readonly changes: Readonly<Record<string, Uint8Array | undefined>>;
  /** The first bad record; for a fault of a checkpoint, the first that no good one before it covers. Undefined where no record is bad. */
  readonly at: number | undefined;
}
type Dice = readonly [number, number, number];

const FORGERIES: Readonly<Record<string, (dice: Dice) => Forgery | undefined | Promise<Forgery | undefined>>> = {
  "a flipped bit in a bundle, in an entry or in its length"([one, two, three]) {
    const [path, bytes] = pick(bundles(), one);
    const place = two % bytes.byteLength;
    return { changes: { [path]: flipped(bytes, place, three) }, at: start(path) + entryAt(path, place) };
  },
  "a flipped bit in a hash tile"([one, two, three]) {
    const [path, bytes] = pick(hashTiles(), one);
    const place = two % bytes.byteLength;
    const { level } = parseTilePath(path);
    const span = level === 0 ? 1 : TILE_WIDTH;
    return { changes: { [path]: flipped(bytes, place, three) }, at: start(path) + Math.floor(place / 32) * span };
  },
  "a flipped bit in the checkpoints"([one, two]) {
    const text = Buffer.from(read(CHECKPOINTS_FILE));
    const place = one % text.byteLength;
    const line = text.subarray(0, place).toString("latin1").split("\n").length - 1;
    return { changes: { [CHECKPOINTS_FILE]: flipped(text, place, two) }, at: line * EVERY };
  },
  "a flipped bit in the newest checkpoint"([one, two]) {
    const bytes = read(CHECKPOINT_FILE);
    return { changes: { [CHECKPOINT_FILE]: flipped(bytes, one % bytes.byteLength, two) }, at: undefined };
  },
  "a dropped record": ([one]) => ({ changes: rebundled(log.records.toSpliced(one % SIZE, 1)), at: one % SIZE }),
  "two swapped records"([one, two]) {
    const [at, other] = [Math.min(one % SIZE, two % SIZE), Math.max(one % SIZE, two % SIZE)];
    if (at === other) return undefined;
    return { changes: rebundled(log.records.with(at, nth(log.records, other)).with(other, nth(log.records, at))), at };
  },
  "a record written twice"([one, two]) {
    const from = one % SIZE;
    const at = from + 1 + (two % (SIZE - from));
    if (at === SIZE) return undefined;
    return { changes: rebundled(log.records.toSpliced(at, 0, nth(log.records, from))), at };
  },
  "a stretch in another order"([one, two, three]) {
    const at = one % (SIZE - 1);
    const length = 2 + (two % (SIZE - at - 1));
    const turn = 1 + (three % (length - 1));
    const stretch = log.records.slice(at, at + length);
    return { changes: rebundled(log.records.toSpliced(at, length, ...stretch.slice(turn), ...stretch.slice(0, turn))), at };
  },
  "a record put in"([one, two]) {
    return { changes: rebundled(log.records.toSpliced(one % SIZE, 0, canonicalize({ forged: two }))), at: one % SIZE };
  },
  "a bundle that is cut off"([one, two]) {
    const [path, bytes] = pick(bundles(), one);
    const length = two % bytes.byteLength;
    return { changes: { [path]: bytes.subarray(0, length) }, at: start(path) + entryAt(path, length) };
  },
  "a bundle with something after its entries"([one, two]) {
    const [path, bytes] = pick(bundles(), one);
    const full = parseTilePath(path).width;
    return { changes: { [path]: Buffer.concat([bytes, Uint8Array.of(two % 256)]) }, at: start(path) + full };
  },
  "a hash tile that is cut off"([one, two]) {
    const [path, bytes] = pick(hashTiles(), one);
    return { changes: { [path]: bytes.subarray(0, two % bytes.byteLength) }, at: start(path) };
  },
  "a bundle removed"([one]) {
    const [path] = pick(bundles(), one);
    return { changes: { [path]: undefined }, at: start(path) };
  },
  "a hash tile removed"([one]) {
    const [path] = pick(hashTiles(), one);
    return { changes: { [path]: undefined }, at: start(path) };
  },
  "two bundles exchanged": () => ({
    changes: { [entryBundlePath(0, 256)]: read(entryBundlePath(1, 256)), [entryBundlePath(1, 256)]: read(entryBundlePath(0, 256)) },
    at: 0,
  }),
  "the end cut off with its tiles"([one]) {
    const size = one % SIZE;
    const { records, leaves } = log;
    // A partial bundle as wide as no checkpoint says is none of the log's.
    const read = size % EVERY === 0 ? size : size - (size % TILE_WIDTH);
    return {
      changes: replaced({ records: records.slice(0, size), leaves: leaves.slice(0, size), checkpoints: log.checkpoints }),
      at: read - (read % EVERY),
    };
  },
  "the end cut off, and the checkpoints over it but one"([one]) {
    const size = EVERY * (1 + (one % (SIZE / EVERY - 1)));
    const { records, leaves, checkpoints } = log;
    const own = { records: records.slice(0, size), leaves: leaves.slice(0, size), checkpoints: checkpoints.slice(0, size / EVERY) };
    return { changes: { ...replaced(own), [CHECKPOINT_FILE]: Buffer.from(nth(checkpoints, -1)) }, at: size };
  },
  "a record rewritten with its tile"([one]) {
    const at = one % SIZE;
    const text = canonicalize({ rewritten: one });
    const own = { records: log.records.with(at, text), leaves: log.leaves.with(at, leafHash(text)), checkpoints: log.checkpoints };
    return { changes: replaced(own), at: at - (at % EVERY) };
  },
  async "a history rewritten and signed with another key"([one]) {
    return {
      changes: replaced(
        await writtenLog(log.records.with(one % SIZE, canonicalize({ forged: one })), sizes(), [signer(ORIGIN, "note", "thief")]),
      ),
      at: 0,
    };
  },
  async "a checkpoint signed with another key"([one, two]) {
    const place = one % log.checkpoints.length;
    const note = await signNote(parseSignedNote(nth(log.checkpoints, place)).text, [signer(ORIGIN, "note", `seed ${two}`)]);
    return { changes: { [CHECKPOINTS_FILE]: lines(log.checkpoints.with(place, note)) }, at: place * EVERY };
  },
  async "a fork signed by the log itself"([one, two]) {
    const place = one % log.checkpoints.length;
    const size = (place + 1) * EVERY;
    const forked = await writtenLog(log.records.slice(0, size).with(two % size, canonicalize({ forked: two })), [size]);
    return { changes: { [CHECKPOINTS_FILE]: lines(log.checkpoints.toSpliced(place, 0, nth(forked.checkpoints, 0))) }, at: place * EVERY };
  },
};

describe("every tampering with a folder on disk is found by the auditor's program, at the first bad record", () => {
  test.each(Object.entries(FORGERIES))("%s", { timeout: 120_000 }, async (_, forge) => {
    let forged = 0;
    await fc.assert(
      fc.asyncProperty(fc.tuple(fc.nat(), fc.nat(), fc.nat()), async (dice) => {
        const forgery = await forge(dice);
        fc.pre(forgery !== undefined);
        forged += 1;
        expect(found(forgery)).toMatchObject({ exit: 1, ok: false, ...(forgery.at === undefined ? {} : { at: forgery.at }) });
      }),
      { numRuns: RUNS_EACH },
    );
    expect(forged).toBeGreaterThanOrEqual(RUNS_EACH);
  });
  test("these are more than 2,000 tamperings", () => {
    expect(Object.keys(FORGERIES).length * RUNS_EACH).toBeGreaterThan(2_000);
  });
  test("and the folder itself is proven, before and after", () => {
    const ran = run("verify", disk.path, "--key", LOG_KEY, "--json");
    expect([ran.code, JSON.parse(ran.out)]).toMatchObject([0, { ok: true, size: SIZE, covered: SIZE, checkpoints: 6 }]);
  });
});

function found({ changes }: Forgery): object {
  for (const [path, content] of Object.entries(changes)) {
    if (content !== undefined) disk.put(path, content);
    else if (files.has(path)) disk.drop(path);
  }
  const ran = run("verify", disk.path, "--key", LOG_KEY, "--json");
  for (const path of Object.keys(changes)) {
    const original = files.get(path);
    if (original === undefined) disk.drop(path);
    else disk.put(path, original);
  }
  const said: object = ran.out === "" ? { err: ran.err } : JSON.parse(ran.out);
  return { ...said, exit: ran.code };
}

/** The bundles of other records, and the files of the log's bundles gone that these have not. */
function rebundled(records: readonly string[]): Forgery["changes"] {
  const changes: Record<string, Uint8Array | undefined> = {};
  for (const [path] of bundles()) changes[path] = undefined;
  for (let bundle = 0; bundle * TILE_WIDTH < records.length; bundle += 1) {
    const own = records.slice(bundle * TILE_WIDTH, (bundle + 1) * TILE_WIDTH).map((text) => Buffer.from(text));
    // Under the path that the checkpoints call for, as an attacker would who wants it to be read.
    const width = Math.min(TILE_WIDTH, SIZE - bundle * TILE_WIDTH);
    changes[entryBundlePath(bundle, width)] = writeEntryBundle(own);
  }
  return changes;
}

/** All files of another log in the places of ours. */
function replaced(other: WrittenLog): Forgery["changes"] {
  const changes: Record<string, Uint8Array | undefined> = {};
  for (const path of files.keys()) if (path.startsWith("tile/")) changes[path] = undefined;
  const source = sourceOfLeaves(other.leaves);
  for (const tile of newTiles(0, other.records.length)) changes[tilePath(tile)] = writeTile(source, tile);
  for (let bundle = 0; bundle * TILE_WIDTH < other.records.length; bundle += 1) {
    const own = other.records.slice(bundle * TILE_WIDTH, (bundle + 1) * TILE_WIDTH).map((text) => Buffer.from(text));
    changes[entryBundlePath(bundle, own.length)] = writeEntryBundle(own);
  }
  return { ...changes, [CHECKPOINTS_FILE]: lines(other.checkpoints), [CHECKPOINT_FILE]: Buffer.from(nth(other.checkpoints, -1)) };
}

function lines(notes: readonly string[]): Uint8Array {
  return Buffer.from(notes.map((note) => formatCheckpointLine({ size: sizeOf(note), note })).join(""));
}

function bundles(): readonly (readonly [string, Uint8Array])[] {
  return [...files].filter(([path]) => path.startsWith("tile/entries/"));
}

function hashTiles(): readonly (readonly [string, Uint8Array])[] {
  return [...files].filter(([path]) => /^tile\/\d/.test(path));
}

function pick<T>(items: readonly T[], number: number): T {
  return nth(items, number % items.length);
}

function read(path: string): Uint8Array {
  return nth([files.get(path) ?? new Uint8Array()], 0);
}

function flipped(bytes: Uint8Array, place: number, bit: number): Uint8Array {
  return Uint8Array.from(bytes, (byte, at) => (at === place ? byte ^ (1 << (bit % 8)) : byte));
}

/** Index of the first record that a tile stands for. */
function start(path: string): number {
  const { level, index } = parseTilePath(path);
  return index * TILE_WIDTH * (level === "entries" ? 1 : TILE_WIDTH ** level);
}

/** Which entry of a bundle a byte belongs to. */
function entryAt(path: string, place: number): number {
  let end = 0;
  const first = start(path);
  return log.records.slice(first, first + TILE_WIDTH).findIndex((text) => (end += 2 + Buffer.byteLength(text)) > place);
}

function sizes(): readonly number[] {
  return log.checkpoints.map((_, place) => (place + 1) * EVERY);
}
