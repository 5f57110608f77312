import { describe, expect, test } from "vitest";
import {
  canonicalize,
  cosignCheckpoint,
  exportVerifier,
  formatCheckpoint,
  formatSignedNote,
  growTree,
  type ExportVerdict,
  headsMap,
  keyChangeRecord,
  leafHash,
  leafHashesOfTiles,
  logPolicy,
  newTiles,
  parseSignedNote,
  signNote,
  sourceOfLeaves,
  tilePath,
  verifyExport,
  writeTile,
} from "../src/index.ts";
import { signer } from "./support/keys.ts";
import { LOG_SIGNER, nth, ORIGIN, plainLog, record, writtenLog } from "./support/log.ts";

const POLICY = logPolicy({ origin: ORIGIN, keys: [LOG_SIGNER.key] });

describe("an export", () => {
  test("is verified with the leaf hashes of its tiles, and what was changed is named through them", async () => {
    const { records, leaves, checkpoints } = await plainLog(600, 300);
    const source = sourceOfLeaves(leaves);
    const tiles = new Map(newTiles(0, 600).map((tile) => [tilePath(tile), writeTile(source, tile)]));
    const leafHashAt = leafHashesOfTiles(600, (tile) => tiles.get(tilePath(tile)));
    expect(verifyExport(records, { policy: POLICY, checkpoints, leafHashAt })).toMatchObject({ ok: true, covered: 600 });
    expect(verifyExport(records.with(511, record(0)), { policy: POLICY, checkpoints, leafHashAt })).toMatchObject({
      at: 511,
      until: 512,
      code: "duplicated",
    });
  });
  test("of an empty log verifies with its checkpoint, and not without one", async () => {
    const { checkpoints } = await writtenLog([], [0]);
    expect(verifyExport([], { policy: POLICY, checkpoints })).toMatchObject({ ok: true, size: 0, checkpoints: 1 });
    expect(verifyExport([], { policy: POLICY, checkpoints: [] })).toMatchObject({ ok: false, code: "uncovered", at: 0 });
  });
  test("may end with records that no checkpoint covers only when that is allowed", async () => {
    const { records, checkpoints } = await plainLog(30, 10);
    const options = { policy: POLICY, checkpoints: checkpoints.slice(0, 2) };
    expect(verifyExport(records, options)).toMatchObject({ ok: false, code: "uncovered", at: 20, until: 30 });
    expect(verifyExport(records, { ...options, allowUncovered: true })).toMatchObject({ ok: true, size: 30, covered: 20 });
  });
  test("that no checkpoint vouches for is never accepted, wherever it begins", async () => {
    const { records, checkpoints } = await plainLog(30, 10);
    const options = { policy: POLICY, checkpoints: [], allowUncovered: true };
    expect(verifyExport(records, options)).toMatchObject({ ok: false, code: "uncovered", at: 0 });
    const { frontier } = proven(verifyExport(records, { policy: POLICY, checkpoints }));
    expect(verifyExport([record(30)], { ...options, from: { frontier, heads: [] } })).toMatchObject({
      ok: false,
      code: "uncovered",
      at: 30,
    });
  });
  test("with a tile that cannot be read says so, and no more about the records than it knows", async () => {
    const { records, checkpoints } = await plainLog(30, 10);
    const leafHashAt = leafHashesOfTiles(30, () => new Uint8Array(5));
    expect(verifyExport(records, { policy: POLICY, checkpoints, leafHashAt })).toMatchObject({ ok: false, code: "hash_tile", at: 0 });
    expect(verifyExport(records.with(12, record(99)), { policy: POLICY, checkpoints: checkpoints.slice(1), leafHashAt })).toMatchObject({
      code: "rewritten",
      at: 0,
      until: 20,
    });
  });
  test("goes on where the last one ended, and finds what was changed since", async () => {
    const { records, checkpoints } = await plainLog(90, 30);
    const first = verifyExport(records.slice(0, 60), { policy: POLICY, checkpoints: checkpoints.slice(0, 2) });
    const heads = headsMap();
    for (const [index, text] of records.slice(0, 60).entries()) {
      const { run, agent } = JSON.parse(text);
      heads.add({ kind: "run", name: run }, index);
      heads.add({ kind: "agent", name: agent }, index);
    }
    const from = { frontier: proven(first).frontier, heads: [...heads.heads()] };
    expect(verifyExport(records.slice(60), { policy: POLICY, checkpoints, from })).toMatchObject({
      ok: true,
      size: 90,
      covered: 90,
      skipped: 1,
    });
    expect(verifyExport(records.slice(61), { policy: POLICY, checkpoints, from })).toMatchObject({ ok: false, at: 60, code: "truncated" });
    expect(verifyExport(records.slice(60), { policy: POLICY, checkpoints, from: { ...from, heads: [] } })).toMatchObject({
      ok: false,
      code: "heads",
    });
    const other = { frontier: { size: 60, nodes: from.frontier.nodes.map(() => new Uint8Array(32)) }, heads: from.heads };
    expect(verifyExport(records.slice(60), { policy: POLICY, checkpoints, from: other })).toMatchObject({
      ok: false,
      at: 60,
      code: "rewritten",
    });
  });
  test("with a record that is not canonical JSON is refused, though the log signed it", async () => {
    for (const text of ['{"b":1,"a":2}', '{"a":1,"a":2}', '{"a": 1}', "not json", '{"a":"\\u0061"}', '"\\ud800"']) {
      const records = [record(0), text, record(2)];
      const { checkpoints } = await writtenLogOf(records);
      expect(verifyExport(records, { policy: POLICY, checkpoints })).toMatchObject({ ok: false, code: "not_canonical", at: 1, until: 2 });
    }
  });
  test("with a record of more than 65,535 bytes is refused, though the log signed it", async () => {
    const lone = ['"\ud800"'];
    expect(verifyExport(lone, { policy: POLICY, checkpoints: (await writtenLogOf(['"\ufffd"'])).checkpoints })).toMatchObject({
      ok: false,
      code: "not_canonical",
      at: 0,
    });
    const records = [record(0), canonicalize({ text: "€".repeat(21_845) })];
    const { checkpoints } = await writtenLogOf(records);
    expect(verifyExport(records, { policy: POLICY, checkpoints })).toMatchObject({ ok: false, code: "too_large", at: 1 });
    const largest = [record(0), canonicalize({ t: "x".repeat(65_527) })];
    expect(Buffer.byteLength(nth(largest, 1))).toBe(65_535);
    expect(verifyExport(largest, { policy: POLICY, checkpoints: (await writtenLogOf(largest)).checkpoints })).toMatchObject({ ok: true });
  });
  test("needs the witnesses at its last checkpoint", async () => {
    const { records, checkpoints } = await plainLog(30, 10);
    const witness = signer("w.example", "cosignature");
    const policy = logPolicy({ origin: ORIGIN, keys: [LOG_SIGNER.key], witnesses: [witness.key], quorum: 1 });
    const cosigned = await cosignCheckpoint(nth(checkpoints, -1), witness, 1_764_169_200);
    expect(verifyExport(records, { policy, checkpoints })).toMatchObject({ ok: false, code: "quorum_missed", at: 20 });
    expect(verifyExport(records, { policy, checkpoints: [...checkpoints, cosigned] })).toMatchObject({ ok: true, checkpoints: 4 });
  });
  test("of another tenant's log is refused", async () => {
    const { records, checkpoints } = await plainLog(10, 10);
    const policy = logPolicy({ origin: "bailiwick.example/log/globex", keys: [LOG_SIGNER.key] });
    expect(verifyExport(records, { policy, checkpoints })).toMatchObject({ ok: false, code: "foreign", at: 0 });
  });
  test("with a checkpoint that cannot be read says after which one it stands", async () => {
    const { records, checkpoints } = await plainLog(30, 10);
    expect(verifyExport(records, { policy: POLICY, checkpoints: checkpoints.with(1, "nonsense") })).toMatchObject({
      ok: false,
      code: "malformed",
      at: 10,
    });
  });
  test("with two checkpoints of one size and root that count runs differently is a fork", async () => {
    const { records, checkpoints } = await plainLog(10, 10);
    const { text } = parseSignedNote(nth(checkpoints, 0));
    const bare = await signNote(text.split("\n").slice(0, 3).join("\n") + "\n", [LOG_SIGNER]);
    expect(verifyExport(records, { policy: POLICY, checkpoints: [bare] })).toMatchObject({ ok: true, heads: undefined });
    expect(verifyExport(records, { policy: POLICY, checkpoints: [...checkpoints, bare] })).toMatchObject({ ok: false, code: "fork" });
  });
  test("whose last checkpoint says a wrong number of runs is refused, though the root of heads is right", async () => {
    const { records, checkpoints } = await plainLog(10, 10);
    const { text } = parseSignedNote(nth(checkpoints, 0));
    const changed = text.replace(/heads\/1 10 /, "heads/1 11 ");
    expect(changed).not.toBe(text);
    expect(verifyExport(records, { policy: POLICY, checkpoints: [await signNote(changed, [LOG_SIGNER])] })).toMatchObject({
      code: "heads",
      at: 0,
    });
  });
  test("with a checkpoint of another history blames the checkpoint, unless the log signed it", async () => {
    const { records, checkpoints } = await plainLog(30, 10);
    const other = await writtenLog(records.slice(0, 20).with(15, record(99)), [20]);
    const { text, signatures } = parseSignedNote(nth(other.checkpoints, 0));
    const stranger = await signNote(text, [signer("x.example")]);
    const forged = formatSignedNote({
      text,
      signatures: [...signatures].map((one) => ({ ...one, signature: one.signature.toReversed() })),
    });
    const codes = [stranger, forged, nth(other.checkpoints, 0)].map((note) => {
      const verdict = verifyExport(records, { policy: POLICY, checkpoints: checkpoints.with(1, note) });
      return verdict.ok ? "accepted" : [verdict.code, verdict.at];
    });
    expect(codes).toEqual([
      ["untrusted", 10],
      ["bad_signature", 10],
      ["rewritten", 10],
    ]);
  });
  test("with two faults names the first", async () => {
    const records = [record(0), '{"b":1,"a":2}', record(2), record(3)];
    const checkpoints = [...(await writtenLogOf(records.slice(0, 3))).checkpoints, ...(await writtenLogOf(records)).checkpoints];
    expect(verifyExport(records.slice(0, 3), { policy: POLICY, checkpoints })).toMatchObject({ ok: false, code: "not_canonical", at: 1 });
  });
  test("with a bad record and a bad change of keys under one checkpoint names the first", async () => {
    const retire = keyChangeRecord({ change: "retire", key: LOG_SIGNER.key });
    for (const [records, code] of [
      [[record(0), '{"b":1,"a":2}', retire], "not_canonical"],
      [[record(0), retire, '{"b":1,"a":2}'], "key_out_of_range"],
    ] as const) {
      expect(verifyExport(records, { policy: POLICY, checkpoints: (await writtenLogOf(records)).checkpoints })).toMatchObject({
        code,
        at: 1,
      });
    }
  });
  test("counts a checkpoint that is given twice once", async () => {
    const { records, checkpoints } = await plainLog(30, 10);
    expect(verifyExport(records, { policy: POLICY, checkpoints: [...checkpoints, ...checkpoints] })).toMatchObject({
      ok: true,
      checkpoints: 3,
    });
  });
  test("stops taking records at the first fault", async () => {
    const { records, checkpoints } = await plainLog(30, 10);
    const verifier = exportVerifier({ policy: POLICY, checkpoints });
    const taken = records.with(3, record(99)).map((text) => verifier.push(text));
    expect(taken.indexOf(false)).toBe(9);
    expect(verifier.verdict()).toMatchObject({ ok: false, at: 0, until: 10, code: "rewritten" });
  });
});

/** A checkpoint over records that the verifier is to refuse, without counting them in runs. */
async function writtenLogOf(records: readonly string[]): Promise<{ checkpoints: readonly string[] }> {
  const tree = growTree();
  for (const text of records) tree.push(leafHash(text));
  return {
    checkpoints: [await signNote(formatCheckpoint({ origin: ORIGIN, size: tree.size(), root: tree.root(), extensions: [] }), [LOG_SIGNER])],
  };
}

function proven(verdict: ExportVerdict): Extract<ExportVerdict, { ok: true }> {
  if (!verdict.ok) throw new Error(verdict.why);
  return verdict;
}
