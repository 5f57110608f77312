import { beforeAll, describe, expect, test } from "vitest";
import {
  BASE_FILE,
  byRunAndAgent,
  canonicalize,
  CHECKPOINTS_FILE,
  commit,
  entryBundlePath,
  FACTS_FILE,
  formatBase,
  formatCheckpointLine,
  formatFactsLine,
  growTree,
  headsMap,
  leafHash,
  TILE_WIDTH,
  tilePath,
  writeEntryBundle,
} from "../src/index.ts";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { pathsOf } from "../src/folder/tile-files.ts";
import { filesOf, LOG_KEY, type Ran, run, withFolder } from "./support/folder.ts";
import { nth, plainLog, record, type WrittenLog, writtenLog } from "./support/log.ts";

const SIZE = 600;
const EVERY = 100;
const SALT = "5a".repeat(32);
let log: WrittenLog;

beforeAll(async () => {
  log = await plainLog(SIZE, EVERY);
});

describe("a folder whose older records were retired", () => {
  function retired(from = 300): Map<string, Uint8Array> {
    const files = filesOf(log);
    const [tree, heads] = [growTree(), headsMap()];
    const all = new Map<string, { kind: string; name: string; count: number; lastIndex: number }>();
    for (const [index, text] of log.records.slice(0, from).entries()) {
      tree.push(leafHash(text));
      for (const key of byRunAndAgent(JSON.parse(text))) {
        heads.add(key, index);
        const id = canonicalize([key.kind, key.name]);
        all.set(id, { ...key, count: (all.get(id)?.count ?? 0) + 1, lastIndex: index });
      }
    }
    for (let bundle = 0; (bundle + 1) * TILE_WIDTH <= from; bundle += 1) files.delete(entryBundlePath(bundle, TILE_WIDTH));
    return files.set(BASE_FILE, Buffer.from(formatBase({ frontier: tree.frontier(), heads: [...all.values()] })));
  }

  test("is proven from there on, whether or not the hash tiles before are there", () => {
    const files = retired();
    withFolder(files, (path) => {
      expect(run("verify", path, "--key", LOG_KEY)).toMatchObject({ code: 0, out: expect.stringContaining("begins    at record 300") });
    });
    files.delete(tilePath({ level: 0, index: 0, width: TILE_WIDTH }));
    withFolder(files, (path) =>
      expect(run("verify", path, "--key", LOG_KEY)).toMatchObject({ code: 0, out: expect.stringContaining("300 records, all proven") }),
    );
  });

  test.each([
    ["a tile before is wrong", tilePath({ level: 0, index: 0, width: TILE_WIDTH }), "hash_tile"],
    ["a hash of the frontier is wrong", BASE_FILE, "rewritten"],
  ])("is not proven when %s", (_, path, code) => {
    const files = retired();
    const bytes = Buffer.from(files.get(path) ?? "");
    const at = path === BASE_FILE ? bytes.indexOf('"frontier":["') + 20 : 40;
    bytes[at] = bytes[at] === 0x41 ? 0x42 : 0x41;
    withFolder(files.set(path, bytes), (folder) => {
      const ran = run("verify", folder, "--key", LOG_KEY, "--json");
      expect([ran.code, JSON.parse(ran.out)]).toMatchObject([1, { code }]);
    });
  });

  test("goes on from checkpoints before its beginning, as its hash tiles show", async () => {
    const [own, other] = [
      nth(log.checkpoints, 1),
      nth((await writtenLog([record(7), ...log.records.slice(1, 200)], [200])).checkpoints, 0),
    ];
    const against = (note: string, files = retired()): Ran => {
      let ran: Ran = { code: -1, out: "", err: "" };
      withFolder(files.set("../elsewhere", Buffer.from(note)), (path) => {
        ran = run("verify", path, "--key", LOG_KEY, "--against", join(path, "../elsewhere"), "--json");
        rmSync(join(path, "../elsewhere"));
      });
      return ran;
    };
    expect(against(own)).toMatchObject({ code: 0 });
    expect(JSON.parse(against(other).out)).toMatchObject({ ok: false, code: "fork", at: 0, until: 200 });
    const without = retired();
    without.delete(tilePath({ level: 0, index: 0, width: TILE_WIDTH }));
    expect(JSON.parse(against(own, without).out)).toMatchObject({ ok: false, code: "tile_missing" });
    const [origin = "", size = "", , ...rest] = own.split("\n");
    const unsigned = [origin, size, Buffer.alloc(32).toString("base64"), ...rest].join("\n");
    expect(JSON.parse(against(unsigned).out)).toMatchObject({ ok: false, code: "bad_signature" });
  });

  test("is bound by the root also where neither a record nor a tile above says what a hash has to be", () => {
    const path = tilePath({ level: 0, index: 2, width: 88 });
    const bytes = Buffer.from(retired(550).get(path) ?? "");
    bytes[3 * 32] = (bytes[3 * 32] ?? 0) ^ 1;
    withFolder(retired(550), (folder) => expect(run("verify", folder, "--key", LOG_KEY).code).toBe(0));
    withFolder(retired(550).set(path, bytes), (folder) => {
      expect(run("verify", folder, "--key", LOG_KEY)).toMatchObject({
        code: 1,
        out: expect.stringContaining("do not give the root of size 600"),
      });
    });
  });

  test("is refused when its base is no base", () => {
    for (const text of ["{}", "[]", '{"frontier":[],"heads":[],"size":3}\n', '{"frontier":[], "heads":[],"size":0}\n'])
      withFolder(retired().set(BASE_FILE, Buffer.from(text)), (path) =>
        expect(run("verify", path, "--key", LOG_KEY)).toMatchObject({ code: 1, out: expect.stringContaining("malformed") }),
      );
  });
});

describe("facts that are shown beside records", () => {
  const facts = { args: { amount: 12 }, user: "ana" };
  const salts = { args: SALT, user: "a5".repeat(32) };
  const committed = canonicalize({
    facts: { args: commit(facts.args, Buffer.from(salts.args, "hex")), user: commit(facts.user, Buffer.from(salts.user, "hex")) },
    kind: "intent",
  });
  async function shown(...lines: readonly string[]): Promise<Ran> {
    const files = filesOf(await writtenLog([record(0), committed, record(2)], [3])).set(FACTS_FILE, Buffer.from(lines.join("")));
    let ran: Ran = { code: -1, out: "", err: "" };
    withFolder(files, (path) => (ran = run("verify", path, "--key", LOG_KEY, "--json")));
    return ran;
  }

  test("are those the records commit to, all of them or some", async () => {
    for (const line of [
      { index: 1, facts, salts },
      { index: 1, facts: { user: facts.user }, salts: { user: salts.user } },
    ])
      expect(JSON.parse((await shown(formatFactsLine(line))).out)).toMatchObject({ ok: true, disclosed: 1 });
  });

  test.each([
    ["another value", 1, formatFactsLine({ index: 1, facts: { ...facts, user: "eve" }, salts })],
    ["another salt", 1, formatFactsLine({ index: 1, facts, salts: { ...salts, user: SALT } })],
    ["no salt", 1, formatFactsLine({ index: 1, facts, salts: { args: SALT } })],
    ["a salt of nothing", 1, formatFactsLine({ index: 1, facts: { args: facts.args }, salts })],
    ["a member the record does not have", 1, formatFactsLine({ index: 1, facts: { why: 1 }, salts: { why: SALT } })],
    ["facts of a record without any", 0, formatFactsLine({ index: 0, facts, salts })],
    ["facts of a record that is not there", 3, formatFactsLine({ index: 3, facts, salts })],
    ["the same record twice", 2, formatFactsLine({ index: 1, facts, salts }).repeat(2)],
    ["another spelling", 0, `{"index":1, "facts":{},"salts":{}}\n`],
    ["a line that is cut off", 0, formatFactsLine({ index: 1, facts, salts }).slice(0, -1)],
    ["no JSON", 0, "x\n"],
  ])("are refused: %s", async (_, at, lines) => {
    const ran = await shown(lines);
    expect([ran.code, JSON.parse(ran.out)]).toMatchObject([1, { code: "facts", at }]);
  });
});

test("bytes that are no UTF-8 are not taken for the replacement character that was written", async () => {
  const own = await writtenLog([record(0), canonicalize({ say: "\ufffd" })], [2]);
  const files = filesOf(own);
  const path = entryBundlePath(0, 2);
  withFolder(files, (folder) => expect(run("verify", folder, "--key", LOG_KEY).code).toBe(0));
  const forged = Buffer.from(canonicalize({ say: "!" }).replace("!", "\u00ff"), "latin1");
  withFolder(files.set(path, writeEntryBundle([Buffer.from(record(0)), forged])), (folder) => {
    const ran = run("verify", folder, "--key", LOG_KEY, "--json");
    expect([ran.code, JSON.parse(ran.out)]).toMatchObject([1, { at: 1, until: 2 }]);
  });
});

test("checkpoints stand in the order of their sizes", () => {
  const lines = log.checkpoints.map((note, place) => formatCheckpointLine({ size: (place + 1) * EVERY, note }));
  const [first = "", second = "", ...more] = lines;
  withFolder(filesOf(log).set(CHECKPOINTS_FILE, Buffer.from([second, first, ...more].join(""))), (path) =>
    expect(run("verify", path, "--key", LOG_KEY)).toMatchObject({ code: 1, out: expect.stringContaining("malformed") }),
  );
});

test("paths of partial tiles are only made when there is no full one", () => {
  const made: number[] = [];
  const [first] = pathsOf((width) => `${made.push(width)}`, 3, 1, [1_000, 900, 800]);
  expect([first?.width, made]).toEqual([TILE_WIDTH, [TILE_WIDTH]]);
  expect([...pathsOf(String, 3, 1, [1_000, 900, 800])].map(({ width }) => width)).toEqual([TILE_WIDTH, 232, 132, 32]);
});

test("many checkpoints are read a line at a time, and a line that never ends is refused", () => {
  const lines = log.checkpoints.map((note, place) => formatCheckpointLine({ size: (place + 1) * EVERY, note }));
  withFolder(filesOf(log).set(CHECKPOINTS_FILE, Buffer.from(lines.join(""))), (path) =>
    expect(run("verify", path, "--key", LOG_KEY).code).toBe(0),
  );
  withFolder(filesOf(log).set(CHECKPOINTS_FILE, Buffer.from(lines.join("").slice(0, -1))), (path) =>
    expect(run("verify", path, "--key", LOG_KEY)).toMatchObject({ code: 1, out: expect.stringContaining("malformed") }),
  );
});
