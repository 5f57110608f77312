import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import {
  byRunAndAgent,
  canonicalize,
  formatCheckpoint,
  formatHeadsLine,
  formatSequenceProof,
  formatTlogProof,
  growTree,
  headsMap,
  type HeadsMap,
  leafHash,
  logPolicy,
  openSequenceProof,
  openTlogProof,
  parseSignedNote,
  parseTlogProof,
  proveInclusion,
  type SequenceProof,
  signNote,
  sourceOfLeaves,
} from "../src/index.ts";
import { signer } from "./support/keys.ts";
import { codeOf, LOG_SIGNER, nth, ORIGIN, plainLog, type WrittenLog } from "./support/log.ts";

const SIZE = 60;
const POLICY = logPolicy({ origin: ORIGIN, keys: [LOG_SIGNER.key] });
let log: WrittenLog;
let heads: HeadsMap;

beforeAll(async () => {
  log = await plainLog(SIZE, 20);
  heads = headsMap();
  for (const [index, text] of log.records.entries()) for (const key of byRunAndAgent(JSON.parse(text))) heads.add(key, index);
});

function tlogProof(index: number): string {
  const hashes = proveInclusion(sourceOfLeaves(log.leaves), { index, size: SIZE });
  return formatTlogProof({ index, hashes, checkpoint: nth(log.checkpoints, -1), extra: Buffer.from(nth(log.records, index), "utf8") });
}

function sequenceProof(kind: string, name: string, change: (proof: SequenceProof) => SequenceProof = (proof) => proof): string {
  const source = sourceOfLeaves(log.leaves);
  const records = log.records.flatMap((text, index) => {
    const own = byRunAndAgent(JSON.parse(text)).some((one) => one.kind === kind && one.name === name);
    return own ? [{ index, text, hashes: proveInclusion(source, { index, size: SIZE }) }] : [];
  });
  const sequence = { kind, name };
  return formatSequenceProof(change({ sequence, checkpoint: nth(log.checkpoints, -1), head: heads.prove(sequence), records }));
}

describe("a tlog-proof", () => {
  test("of every record verifies offline, and shows the record", () => {
    for (const [index, text] of log.records.entries()) {
      const { record, index: found, checkpoint } = openTlogProof(tlogProof(index), POLICY);
      expect([Buffer.from(record).toString("utf8"), found, checkpoint.size]).toEqual([text, index, SIZE]);
      expect(codeOf(() => openTlogProof(tlogProof(index), POLICY, nth(log.records, (index + 1) % SIZE)))).toBe("not_included");
    }
  });
  test("without the record in it verifies with the record beside it", () => {
    const bare = formatTlogProof({ ...parseTlogProof(tlogProof(5)), extra: undefined });
    expect(openTlogProof(bare, POLICY, nth(log.records, 5)).index).toBe(5);
    expect(codeOf(() => openTlogProof(bare, POLICY))).toBe("malformed");
  });
  test("is not written with parts that would read back as others", () => {
    const whole = parseTlogProof(tlogProof(5));
    for (const wrong of [{ index: -1 }, { hashes: [new Uint8Array(31)] }, { extra: new Uint8Array(0) }, { checkpoint: "" }]) {
      expect(codeOf(() => formatTlogProof({ ...whole, ...wrong }))).toBe("malformed");
    }
  });
  test("has at most as many hashes as the largest tree is deep", () => {
    const whole = parseTlogProof(tlogProof(5));
    const written = [53, 54].map((length) => formatTlogProof({ ...whole, hashes: Array.from({ length }, () => new Uint8Array(32)) }));
    expect(written.map((text) => codeOf(() => parseTlogProof(text)))).toEqual(["accepted", "malformed"]);
  });
  test("of a text that has no UTF-8 form does not exist", () => {
    expect(codeOf(() => openTlogProof(tlogProof(5), POLICY, "\ud800"))).toBe("malformed");
  });
  test("has the lines of the specification", () => {
    const [header, extra, index, ...rest] = tlogProof(5).split("\n");
    expect(header).toBe("c2sp.org/tlog-proof@v1");
    expect(extra).toBe(`extra ${Buffer.from(nth(log.records, 5)).toString("base64")}`);
    expect(index).toBe("index 5");
    expect(rest.slice(6, 9)).toEqual(["", ORIGIN, String(SIZE)]);
  });
  test("is refused when any character of it is changed, left out or put in", () => {
    const whole = tlogProof(37);
    for (let at = 0; at < whole.length; at += 1) {
      for (const changed of [
        whole.slice(0, at) + String.fromCharCode(whole.charCodeAt(at) ^ 1) + whole.slice(at + 1),
        whole.slice(0, at) + whole.slice(at + 1),
        whole.slice(0, at) + "A" + whole.slice(at),
        whole.slice(0, at),
      ]) {
        if (changed !== whole) expect(codeOf(() => openTlogProof(changed, POLICY))).not.toBe("accepted");
      }
    }
  });
  test("is refused under another log's or another key's policy", () => {
    expect(codeOf(() => openTlogProof(tlogProof(3), logPolicy({ origin: "other.example", keys: [LOG_SIGNER.key] })))).toBe("foreign");
    expect(codeOf(() => openTlogProof(tlogProof(3), logPolicy({ origin: ORIGIN, keys: [signer(ORIGIN, "note", "x").key] })))).toBe(
      "untrusted",
    );
  });
  test.each([
    "",
    "\n\n",
    "c2sp.org/tlog-proof@v1",
    "c2sp.org/tlog-proof@v1\n\n",
    "c2sp.org/tlog-proof@v1\nindex 01\n\nx",
    "c2sp.org/tlog-proof@v1\nextra \nindex 1\n\nx",
    "c2sp.org/tlog-proof@v2\nindex 1\n\nx",
    "c2sp.org/tlog-proof@v1\nindex 1\nextra QQ==\n\nx",
  ])("%j is not one", (text) => {
    expect(codeOf(() => parseTlogProof(text))).toBe("malformed");
  });
});

describe("a proof of a sequence", () => {
  test("shows all records of each run and each agent", () => {
    for (const { kind, name } of heads.heads()) {
      const { records } = openSequenceProof(sequenceProof(kind, name), POLICY);
      const own = log.records.filter((text) => byRunAndAgent(JSON.parse(text)).some((one) => one.kind === kind && one.name === name));
      expect(records.map(({ text }) => text)).toEqual(own);
    }
  });
  test("shows that a run has no records", () => {
    expect(openSequenceProof(sequenceProof("run", "r-none"), POLICY).records).toEqual([]);
  });
  test("is refused when a record is left out, at the beginning, inside or at the end", () => {
    fc.assert(
      fc.property(fc.nat(), (pick) => {
        const cut = sequenceProof("run", "r-3", (proof) => ({
          ...proof,
          records: proof.records.toSpliced(pick % proof.records.length, 1),
        }));
        expect(codeOf(() => openSequenceProof(cut, POLICY))).toBe("incomplete");
      }),
    );
  });
  test("is refused when a record stands twice for one left out, or is another run's", () => {
    const twice = sequenceProof("run", "r-3", (proof) => ({ ...proof, records: proof.records.with(1, nth(proof.records, 0)) }));
    expect(codeOf(() => openSequenceProof(twice, POLICY))).toBe("incomplete");
    const hashes = proveInclusion(sourceOfLeaves(log.leaves), { index: 4, size: SIZE });
    const foreign = sequenceProof("run", "r-3", (proof) => ({
      ...proof,
      records: proof.records.with(0, { index: 4, text: nth(log.records, 4), hashes }).toSorted((left, right) => left.index - right.index),
    }));
    expect(codeOf(() => openSequenceProof(foreign, POLICY))).toBe("incomplete");
  });
  test("is refused when a record's text is another", () => {
    const changed = sequenceProof("run", "r-3", (proof) => ({
      ...proof,
      records: proof.records.with(0, { ...nth(proof.records, 0), text: canonicalize({ run: "r-3", forged: true }) }),
    }));
    expect(codeOf(() => openSequenceProof(changed, POLICY))).toBe("not_included");
  });
  test("is refused with an older head, of the time when the run had fewer records", () => {
    const older = headsMap();
    for (const [index, text] of log.records.slice(0, 40).entries())
      for (const key of byRunAndAgent(JSON.parse(text))) older.add(key, index);
    const stale = sequenceProof("run", "r-3", (proof) => ({
      ...proof,
      head: older.prove(proof.sequence),
      records: proof.records.filter(({ index }) => index < 40),
    }));
    expect(codeOf(() => openSequenceProof(stale, POLICY))).toBe("not_included");
  });
  test("says nothing when its run is said to be absent by another run's proof", () => {
    const hidden = sequenceProof("run", "r-3", (proof) => ({ ...proof, records: [], head: heads.prove({ kind: "run", name: "r-4" }) }));
    expect(codeOf(() => openSequenceProof(hidden, POLICY))).toBe("not_included");
  });
  test("under a checkpoint that commits to no sequences proves nothing", async () => {
    const text = parseSignedNote(nth(log.checkpoints, -1)).text.split("\n").slice(0, 3).join("\n");
    const bare = await signNote(`${text}\n`, [LOG_SIGNER]);
    expect(
      codeOf(() =>
        openSequenceProof(
          sequenceProof("run", "r-3", (proof) => ({ ...proof, checkpoint: bare })),
          POLICY,
        ),
      ),
    ).toBe("incomplete");
  });
  test("is refused when the log says another last record than the proof shows", async () => {
    const own = headsMap();
    own.restore({ kind: "run", name: "r-3", count: 1, lastIndex: 10 });
    const { text } = parseSignedNote(nth(log.checkpoints, -1));
    const heads = `${text.split("\n").slice(0, 3).join("\n")}\n${formatHeadsLine(own.commitment())}\n`;
    const checkpoint = await signNote(heads, [LOG_SIGNER]);
    const shown = (at: number): string =>
      sequenceProof("run", "r-3", (proof) => ({
        ...proof,
        checkpoint,
        head: own.prove(proof.sequence),
        records: proof.records.filter(({ index }) => index === at),
      }));
    expect([3, 10].map((at) => codeOf(() => openSequenceProof(shown(at), POLICY)))).toEqual(["incomplete", "accepted"]);
  });
  test("of an agent is not made of records of a run with the agent's name", async () => {
    const own = headsMap();
    const sequence = { kind: "agent", name: "r-3" };
    own.restore({ ...sequence, count: 1, lastIndex: 10 });
    const { text } = parseSignedNote(nth(log.checkpoints, -1));
    const checkpoint = await signNote(`${text.split("\n").slice(0, 3).join("\n")}\n${formatHeadsLine(own.commitment())}\n`, [LOG_SIGNER]);
    const posed = sequenceProof("run", "r-3", (proof) => ({
      ...proof,
      sequence,
      checkpoint,
      head: own.prove(sequence),
      records: proof.records.filter(({ index }) => index === 10),
    }));
    expect(codeOf(() => openSequenceProof(posed, POLICY))).toBe("incomplete");
  });
  test("counts a record that is no canonical JSON in no run, though the log holds it", async () => {
    const text = '{ "run": "r-x" }';
    const tree = growTree();
    tree.push(leafHash(text));
    const own = headsMap();
    const sequence = { kind: "run", name: "r-x" };
    own.add(sequence, 0);
    const checkpoint = await signNote(
      formatCheckpoint({ origin: ORIGIN, size: 1, root: tree.root(), extensions: [formatHeadsLine(own.commitment())] }),
      [LOG_SIGNER],
    );
    const proof = formatSequenceProof({ sequence, checkpoint, head: own.prove(sequence), records: [{ index: 0, text, hashes: [] }] });
    expect(codeOf(() => openSequenceProof(proof, POLICY))).toBe("incomplete");
  });
  test("is refused when any character of it is changed", () => {
    const whole = sequenceProof("run", "r-5");
    for (let at = 0; at < whole.length; at += 1) {
      const changed = whole.slice(0, at) + String.fromCharCode(whole.charCodeAt(at) ^ 1) + whole.slice(at + 1);
      expect(codeOf(() => openSequenceProof(changed, POLICY))).not.toBe("accepted");
    }
  });
  test.each(["", "[]", "{}", "null", '{"type":"bailiwick-sequence-proof/1"}', '{"a":"\\ud800"}'])("%j is not one", (text) => {
    expect(codeOf(() => openSequenceProof(text, POLICY))).toBe("malformed");
  });
});
