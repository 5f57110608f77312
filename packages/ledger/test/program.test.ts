import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  byRunAndAgent,
  canonicalize,
  CHECKPOINT_FILE,
  cosignCheckpoint,
  entryBundlePath,
  formatNoteKey,
  formatPolicyText,
  formatSequenceProof,
  formatTlogProof,
  headsMap,
  keyChangeRecord,
  leafHash,
  proveInclusion,
  sourceOfLeaves,
  TILE_WIDTH,
  tilePath,
} from "../src/index.ts";
import { filesOf, LOG_KEY, run, withFolder } from "./support/folder.ts";
import { signer } from "./support/keys.ts";
import { LOG_SIGNER, nth, ORIGIN, plainLog, record, type WrittenLog, writtenLog } from "./support/log.ts";

const SIZE = 600;
const EVERY = 100;
let log: WrittenLog;
let scratch: string;

beforeAll(async () => {
  log = await plainLog(SIZE, EVERY);
  scratch = mkdtempSync(join(tmpdir(), "bailiwick-program-"));
});
afterAll(() => rmSync(scratch, { recursive: true }));

describe("bailiwick-ledger verify", () => {
  test("says what is proven, under which keys", () => {
    withFolder(filesOf(log), (path) => {
      const ran = run("verify", path, "--key", LOG_KEY);
      expect(ran).toEqual({ code: 0, err: "", out: expect.stringMatching(/^log +bailiwick.example\/log\/acme\nsize +600\nroot .*\n/) });
      expect(ran.out).toMatch(/covered +600 records by 6 checkpoints\nkey .*, sizes from 0\n600 records, all proven\n$/);
    });
  });

  test("names the first bad record, and what to do", () => {
    withFolder(filesOf({ ...log, records: log.records.with(141, canonicalize({ forged: 1 })) }), (path) => {
      const ran = run("verify", path, "--key", LOG_KEY);
      expect(ran).toMatchObject({ code: 1, err: "" });
      expect(ran.out).toMatch(
        /NOT PROVEN \(changed\): record 141 was changed [^]* {2}first bad: record 141; [^]* {2}next: keep this folder/,
      );
    });
  });

  test("answers in JSON when asked to", () => {
    withFolder(filesOf(log), (path) => {
      expect(JSON.parse(run("verify", path, "--key", LOG_KEY, "--json").out)).toMatchObject({
        ok: true,
        log: ORIGIN,
        size: SIZE,
        first: 0,
        covered: SIZE,
        keys: [{ key: LOG_KEY, from: 0 }],
        disclosed: 0,
      });
    });
  });

  test("reads an empty log, and one whose last tile is full", async () => {
    for (const size of [0, TILE_WIDTH, 2 * TILE_WIDTH]) {
      const own = await writtenLog(log.records.slice(0, size), [size]);
      withFolder(filesOf(own), (path) => expect(run("verify", path, "--key", LOG_KEY)).toMatchObject({ code: 0, err: "" }));
    }
  });

  test("takes a full tile and a full bundle in the place of partial ones", async () => {
    const [shorter, longer] = [await writtenLog(log.records.slice(0, 300), [100, 300]), filesOf(log)];
    const files = filesOf(shorter);
    for (const path of [entryBundlePath(1, 44), tilePath({ level: 0, index: 1, width: 44 })]) files.delete(path);
    for (const path of [entryBundlePath(1, 256), tilePath({ level: 0, index: 1, width: 256 })])
      files.set(path, longer.get(path) ?? new Uint8Array());
    withFolder(files, (path) => expect(run("verify", path, "--key", LOG_KEY)).toMatchObject({ code: 0, err: "" }));
  });

  test("refuses a folder that is none, or of another log", () => {
    expect(run("verify", join(scratch, "nothing"), "--key", LOG_KEY)).toMatchObject({
      code: 1,
      out: expect.stringContaining("no file `checkpoint`"),
    });
    withFolder(filesOf(log), (path) => {
      const other = formatNoteKey(signer("bailiwick.example/log/globex").key);
      expect(run("verify", path, "--key", other)).toMatchObject({ code: 1, out: expect.stringContaining("NOT PROVEN (foreign)") });
    });
  });

  test("never takes the key from the folder itself", () => {
    withFolder(filesOf(log), (path) => {
      expect(run("verify", path)).toMatchObject({ code: 2, err: expect.stringContaining("--key") });
      expect(run("verify", path, "--policy", join(path, "policy"))).toMatchObject({ code: 0 });
    });
  });

  test("follows rotated keys from the first one, and takes a policy that names both", async () => {
    const next = signer(ORIGIN, "note", "second");
    const change = (kind: "introduce" | "retire", key: typeof next): string => keyChangeRecord({ change: kind, key: key.key });
    const records = [record(0), change("introduce", next), record(2), change("retire", LOG_SIGNER), record(4)];
    const first = await writtenLog(records, [2]);
    const second = await writtenLog(records, [5], [next]);
    const checkpoints = [...first.checkpoints, ...second.checkpoints];
    withFolder(filesOf({ ...second, checkpoints }), (path) => {
      const ran = run("verify", path, "--key", LOG_KEY);
      expect([ran.code, ran.out]).toEqual([0, expect.stringMatching(/sizes from 0 to 3\nkey .*, sizes from 2\n/)]);
      expect(run("verify", path, "--key", LOG_KEY, "--key", formatNoteKey(next.key)).code).toBe(0);
      expect(run("verify", path, "--key", formatNoteKey(next.key)).code).toBe(1);
    });
  });

  test("asks for witnesses as told, and says who cosigned when", async () => {
    const witnesses = [signer("w1.example", "cosignature"), signer("w2.example", "cosignature")];
    const keys = witnesses.map(({ key }) => formatNoteKey(key));
    const newest = await cosignCheckpoint(nth(log.checkpoints, -1), nth(witnesses, 0), 1_764_169_200);
    withFolder(filesOf(log).set(CHECKPOINT_FILE, Buffer.from(newest)), (path) => {
      const trust = ["--key", LOG_KEY, "--witness", nth(keys, 0), "--witness", nth(keys, 1)];
      expect(run("verify", path, ...trust)).toMatchObject({ code: 1, out: expect.stringContaining("quorum_missed") });
      const ran = run("verify", path, ...trust, "--witness-quorum", "1");
      expect(ran).toMatchObject({ code: 0, out: expect.stringMatching(/witness +w1.example.*, 2025-11-26T15:00:00.000Z\n/) });
      expect(run("verify", path, ...trust, "--witness-quorum", "3").code).toBe(2);
      const policy = put(
        "policy",
        formatPolicyText({ logs: [{ key: LOG_SIGNER.key }], witnesses: witnesses.map(({ key }) => ({ key })), quorum: 2 }),
      );
      expect(run("verify", path, "--policy", policy).code).toBe(1);
      expect(run("verify", path, "--policy", policy, "--witness-quorum", "1").code).toBe(0);
    });
  });
});

describe("bailiwick-ledger verify --against", () => {
  test.each([
    ["a signed note", (note: string) => note],
    ["JSON lines", (note: string) => `${JSON.stringify({ size: 1, note: "torn" })}\n${JSON.stringify({ at: 1, seen: { note } })}\n{"half`],
    ["a JSON document", (note: string) => JSON.stringify({ logs: { [ORIGIN]: { checkpoint: note } } }, undefined, 2)],
  ])("compares with checkpoints kept as %s", async (_, written) => {
    const file = put("kept", written(nth(log.checkpoints, 4)));
    withFolder(filesOf(log), (path) => {
      expect(run("verify", path, "--key", LOG_KEY, "--against", file)).toMatchObject({
        code: 0,
        out: expect.stringContaining("with 1 checkpoints kept elsewhere"),
      });
    });
    const cut = { records: log.records.slice(0, 400), leaves: log.leaves.slice(0, 400), checkpoints: log.checkpoints.slice(0, 4) };
    withFolder(filesOf(cut), (path) => {
      expect(run("verify", path, "--key", LOG_KEY).code, "what is left is whole").toBe(0);
      const ran = run("verify", path, "--key", LOG_KEY, "--against", file, "--json");
      expect([ran.code, JSON.parse(ran.out)]).toMatchObject([1, { code: "truncated", at: 400 }]);
    });
    const rewritten = await writtenLog(log.records.with(17, canonicalize({ other: 1 })), [100, 500, 600]);
    withFolder(filesOf(rewritten), (path) => {
      const ran = run("verify", path, "--key", LOG_KEY, "--against", file, "--json");
      expect([ran.code, JSON.parse(ran.out)]).toMatchObject([1, { code: "fork", at: 100 }]);
    });
  });

  test("reads a folder of files, without what git keeps there, and leaves other logs out", async () => {
    const other = signer("bailiwick.example/log/globex");
    const files = new Map(
      Object.entries({
        "acme/checkpoint": nth(log.checkpoints, 2),
        "globex/checkpoint": nth((await writtenLog([record(1)], [1], [other])).checkpoints, 0).replaceAll(ORIGIN, other.key.name),
        "README.md": "checkpoints",
        ".git/checkpoint": nth(log.checkpoints, 1),
      }).map(([name, content]) => [name, Buffer.from(content)] as const),
    );
    withFolder(files, (place) => {
      withFolder(filesOf(log), (path) => {
        expect(run("verify", path, "--key", LOG_KEY, "--against", place)).toMatchObject({
          code: 0,
          out: expect.stringContaining("with 1 checkpoints"),
        });
      });
    });
  });

  test("reads a file that is longer than any text may be", () => {
    const long = put("years.jsonl", log.checkpoints.map((note) => `${JSON.stringify({ note })}\n`).join(""));
    // Without using the space: what follows the lines is a hole.
    truncateSync(long, 600 * 1024 * 1024);
    withFolder(filesOf(log), (path) => {
      expect(run("verify", path, "--key", LOG_KEY, "--against", long)).toMatchObject({
        code: 0,
        out: expect.stringContaining(`with ${log.checkpoints.length} checkpoints`),
      });
    });
    rmSync(long);
  });

  test("fails when there is nothing to compare with", () => {
    const empty = put("empty", "nothing here\n");
    withFolder(filesOf(log), (path) => {
      expect(run("verify", path, "--key", LOG_KEY, "--against", empty).code).toBe(1);
      expect(run("verify", path, "--key", LOG_KEY, "--against", join(scratch, "absent")).code).toBe(3);
    });
  });
});

describe("bailiwick-ledger verify-proof", () => {
  test("shows the record that is proven, or all records of a run, and refuses what was changed", () => {
    const source = sourceOfLeaves(log.leaves);
    const checkpoint = nth(log.checkpoints, -1);
    const prove = (index: number): ReturnType<typeof proveInclusion> => proveInclusion(source, { index, size: SIZE });
    const one = formatTlogProof({ index: 17, hashes: prove(17), checkpoint, extra: Buffer.from(nth(log.records, 17)) });
    expect(run("verify-proof", put("one", one), "--key", LOG_KEY)).toMatchObject({
      code: 0,
      out: expect.stringContaining(nth(log.records, 17)),
    });
    const heads = headsMap();
    for (const [index, text] of log.records.entries()) for (const key of byRunAndAgent(JSON.parse(text))) heads.add(key, index);
    const sequence = { kind: "run", name: "r-3" };
    const records = log.records.flatMap((text, index) => (index % 7 === 3 ? [{ index, text, hashes: prove(index) }] : []));
    const all = formatSequenceProof({ sequence, checkpoint, head: heads.prove(sequence), records });
    const file = put("all", all);
    expect(run("verify-proof", file, "--key", LOG_KEY).out).toMatch(/\nthese are all 86 records of run r-3 up to size 600\n$/);
    expect(JSON.parse(run("verify-proof", file, "--key", LOG_KEY, "--json").out)).toMatchObject({ ok: true, kind: "run", name: "r-3" });
    const fewer = formatSequenceProof({ sequence, checkpoint, head: heads.prove(sequence), records: records.slice(1) });
    for (const [name, text] of Object.entries({
      one: one.replace("index 17", "index 18"),
      all: all.replace("intent", "intend"),
      fewer,
      junk: "junk",
    }))
      expect(run("verify-proof", put(name, text), "--key", LOG_KEY).code, name).toBe(1);
    expect(run("verify-proof", put("one", one), "--key", formatNoteKey(signer(ORIGIN, "note", "other").key)).code).toBe(1);
  });
});

describe("the command line", () => {
  test.each([
    [[]],
    [["verify"]],
    [["verify", "a", "b", "--key", LOG_KEY]],
    [["check", "a", "--key", LOG_KEY]],
    [["verify", "a", "--key", "nonsense"]],
    [["verify", "a", "--key", LOG_KEY, "--policy", "b"]],
    [["verify", "a", "--policy", "absent"]],
    [["verify", "a", "--key", LOG_KEY, "--witness-quorum", "-1"]],
    [["verify", "a", "--surprise"]],
  ])("is refused when it is wrong: %j", (argv) => {
    expect(run(...argv)).toMatchObject({ code: 2, out: "", err: expect.stringMatching(/^error: .+/) });
    expect(JSON.parse(run(...argv, "--json").err)).toMatchObject({ error: { code: "usage" } });
  });

  test("explains itself", () => {
    expect(run("--help")).toMatchObject({ code: 0, err: "", out: expect.stringContaining("usage: bailiwick-ledger verify <folder>") });
  });

  test("shows control characters of a log as escapes", () => {
    const evil = canonicalize({ say: "\u202e\u001b[2K" });
    const source = sourceOfLeaves([leafHash(evil)]);
    const hashes = proveInclusion(source, { index: 0, size: 1 });
    return writtenLog([evil], [1]).then(({ checkpoints }) => {
      const file = put("evil", formatTlogProof({ index: 0, hashes, checkpoint: nth(checkpoints, 0), extra: Buffer.from(evil) }));
      const { code, out } = run("verify-proof", file, "--key", LOG_KEY);
      expect([code, out.includes("\u202e")]).toEqual([0, false]);
    });
  });

  test("is a program that runs alone", () => {
    const program = fileURLToPath(new URL("../bin/bailiwick-ledger.js", import.meta.url));
    withFolder(filesOf(log), (path) => {
      expect(execFileSync(process.execPath, [program, "verify", path, "--key", LOG_KEY], { encoding: "utf8" })).toContain(
        "600 records, all proven",
      );
      const refused = spawnSync(process.execPath, [program, "verify", path], { encoding: "utf8" });
      expect([refused.status, refused.stdout]).toEqual([2, ""]);
    });
  });
});

function put(name: string, content: string): string {
  const path = join(scratch, name);
  writeFileSync(path, content);
  return path;
}
