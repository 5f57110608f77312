import { mkdir, mkdtemp, readFile, rm, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { emptyRoot, formatCheckpoint, logPolicy, type NoteSigner, openCheckpoint, parseSignedNote, signNote } from "@bailiwick/ledger";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Anchored } from "../../src/domain/anchor.ts";
import { newKeyFile } from "../../src/witness/key-file.ts";
import { type RunningWitness, startWitness } from "../../src/witness/start-witness.ts";
import { formatAddCheckpoint, originHash } from "../../src/witness/wire.ts";
import { freshSigner, rootAfter, writtenLog } from "./log.ts";

const NOW = new Date("2026-11-26T12:00:00Z");

let folder: string;
let keyFile: string;
let witness: RunningWitness;
let log: NoteSigner;
let rotated: NoteSigner;
const said: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "witness-"));
  keyFile = join(folder, "witness.key");
  await newKeyFile(keyFile, "witness.example");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let round = 0;
beforeEach(async () => {
  log = freshSigner("bailiwick.example/log/acme");
  rotated = freshSigner("bailiwick.example/log/acme");
  said.length = 0;
  witness = await startWitness({
    keyFile,
    stateFolder: join(folder, `state-${++round}`),
    fresh: true,
    logs: [log.key, rotated.key, freshSigner("bailiwick.example/log/globex").key],
    host: "127.0.0.1",
    port: 0,
    now: () => NOW,
    say: (line) => void said.push(line),
  });
  return () => witness.close();
});

async function post(body: string | Uint8Array): Promise<{ status: number; type: string | null; text: string }> {
  const answer = await fetch(`${witness.url}/add-checkpoint`, {
    method: "POST",
    body: typeof body === "string" ? body : Uint8Array.from(body),
  });
  return { status: answer.status, type: answer.headers.get("content-type"), text: await answer.text() };
}

const add = (old: number, checkpoint: Anchored, proof: readonly Uint8Array[] = []): ReturnType<typeof post> =>
  post(formatAddCheckpoint({ old, proof, note: checkpoint.note }));

test("a log's first checkpoint and its growth are cosigned, and open with a quorum of one", async () => {
  const written = writtenLog(log, 300);
  const policy = logPolicy({ origin: log.key.name, keys: [log.key], witnesses: [witness.key], quorum: 1 });
  const first = await written.at(7);
  const one = await add(0, first);
  expect(one).toMatchObject({ status: 200, text: expect.stringMatching(/^\u2014 witness\.example \S+\n$/u) });
  expect(openCheckpoint(first.note + one.text, policy)).toMatchObject({ size: 7, cosignatures: [{ time: NOW.getTime() / 1000 }] });
  const second = await written.at(300);
  const two = await add(7, second, await written.prove(7, 300));
  expect(openCheckpoint(second.note + two.text, policy).size).toBe(300);
  expect(() => openCheckpoint(second.note, policy)).toThrow(/cosigned size 300/u);
  // The cosignature is of this checkpoint and no other.
  expect(() => openCheckpoint(second.note + one.text, policy)).toThrow(/does not fit/u);
});

test("a checkpoint that is sent again is cosigned again", async () => {
  const first = await writtenLog(log, 7).at(7);
  expect((await add(0, first)).status).toBe(200);
  expect((await add(7, first)).status).toBe(200);
});

test("a log that is mistaken about what was cosigned last is told the size", async () => {
  const written = writtenLog(log, 20);
  await add(0, await written.at(7));
  const answer = await add(0, await written.at(20));
  expect(answer).toEqual({ status: 409, type: "text/x.tlog.size", text: "7\n" });
  expect((await add(8, await written.at(20), await written.prove(8, 20))).text).toBe("7\n");
  expect((await add(7, await written.at(20), await written.prove(7, 20))).status).toBe(200);
});

test("what does not go on from the cosigned checkpoint is refused, kept as evidence, and changes nothing", async () => {
  const written = writtenLog(log, 40);
  const other = writtenLog(log, 40, "other", 5);
  await add(0, await written.at(20));
  const refusals = [
    await add(20, await other.at(40), await other.prove(20, 40)),
    await add(20, await other.at(20)),
    await add(20, await written.at(40), []),
    await add(20, await written.at(40), (await written.prove(20, 40)).toReversed()),
  ];
  expect(refusals.map(({ status }) => status)).toEqual([422, 422, 422, 422]);
  expect(said).toHaveLength(4);
  expect(said[0]).toContain((await other.at(40)).note);
  // From size 0 nobody gets around it either.
  expect(await add(0, await other.at(40))).toMatchObject({ status: 409, text: "20\n" });
  expect((await add(20, await written.at(40), await written.prove(20, 40))).status).toBe(200);
});

test("a smaller checkpoint than the last one is never cosigned", async () => {
  const written = writtenLog(log, 40);
  await add(0, await written.at(40));
  expect(await add(20, await written.at(20))).toMatchObject({ status: 409, text: "40\n" });
  expect((await add(40, await written.at(20))).status).toBe(400);
});

test("of one size only one text is cosigned: two counts of a run's records are two histories", async () => {
  const checkpoint = (line: string): Promise<string> =>
    signNote(formatCheckpoint({ origin: log.key.name, size: 2, root: rootAfter(["a", "b"]), extensions: [line] }), [log]);
  expect((await add(0, { size: 2, note: await checkpoint("bailiwick-heads/1 1 AAAA") })).status).toBe(200);
  expect((await add(2, { size: 2, note: await checkpoint("bailiwick-heads/1 2 AAAA") })).status).toBe(422);
});

test("an empty log is cosigned once its root is that of the empty tree", async () => {
  const checkpoint = (root: Uint8Array): Promise<string> =>
    signNote(formatCheckpoint({ origin: log.key.name, size: 0, root, extensions: [] }), [log]);
  expect((await add(0, { size: 0, note: await checkpoint(Buffer.alloc(32, 1)) })).status).toBe(422);
  expect((await add(0, { size: 0, note: await checkpoint(emptyRoot()) })).status).toBe(200);
  const written = writtenLog(log, 3);
  expect((await add(0, await written.at(3), [Buffer.alloc(32)])).status).toBe(422);
  expect((await add(0, await written.at(3))).status).toBe(200);
});

test("only the log's own keys count: its old and its new one, and no signature that does not fit", async () => {
  const written = writtenLog(log, 30);
  expect((await add(0, await written.at(10, [freshSigner(log.key.name)]))).status).toBe(403);
  const good = await written.at(10);
  const [signature = ""] = /\u2014 .*\n$/u.exec(good.note) ?? [];
  const forged = (await written.at(11)).note.replace(/\u2014 .*\n$/u, signature);
  expect((await add(0, { size: 11, note: forged })).status).toBe(403);
  expect((await add(0, await writtenLog(freshSigner("other.example/log"), 10).at(10))).status).toBe(404);
  expect((await add(0, good)).status).toBe(200);
  expect((await add(10, await written.at(30, [rotated]), await written.prove(10, 30))).status).toBe(200);
});

test("what is no request is refused without a look at the log", async () => {
  const { note } = await writtenLog(log, 3).at(3);
  const hash = Buffer.alloc(32).toString("base64");
  const bodies = [
    "",
    "old 0\n",
    `old 00\n\n${note}`,
    `old -1\n\n${note}`,
    `old 9007199254740993\n\n${note}`,
    `new 0\n\n${note}`,
    `old 0\n${hash.slice(0, -1)}\n\n${note}`,
    `old 0\n${hash} \n\n${note}`,
    `old 0\n${`${hash}\n`.repeat(64)}\n${note}`,
    `old 0\n\n${note.slice(0, -1)}`,
    `old 0\n\n${note.split("\n\n")[0] ?? ""}\n`,
    `old 0\r\n\r\n${note}`,
  ];
  const statuses = await Promise.all(bodies.map(async (body) => (await post(body)).status));
  expect(statuses).toEqual(bodies.map(() => 400));
  expect((await post(Buffer.from([0x6f, 0x6c, 0x64, 0xff]))).status).toBe(400);
  expect((await post("a".repeat(1_000_000))).status).toBe(413);
  expect((await post(`old 0\n\n${note}`)).status).toBe(200);
});

test("what it holds is shown under the hash of the log's origin, with both signatures and no others", async () => {
  const at = `${witness.url}/${originHash(log.key.name)}/checkpoint`;
  expect((await fetch(at)).status).toBe(404);
  const stranger = freshSigner("stranger.example");
  const { note } = await writtenLog(log, 7).at(7, [log, stranger]);
  await post(`old 0\n\n${note}`);
  const shown = await (await fetch(at)).text();
  expect(parseSignedNote(shown).signatures.map(({ name }) => name)).toEqual([log.key.name, "witness.example"]);
  expect(openCheckpoint(shown, logPolicy({ origin: log.key.name, keys: [log.key], witnesses: [witness.key], quorum: 1 })).size).toBe(7);
  expect((await fetch(`${witness.url}/`)).status).toBe(200);
  expect((await fetch(at, { method: "DELETE" })).status).toBe(405);
  expect((await fetch(`${witness.url}/add-checkpoint`)).status).toBe(405);
  expect((await fetch(`${witness.url}/${"0".repeat(64)}/checkpoint`)).status).toBe(404);
});

test("of many histories that are sent at once, one is cosigned and the others learn its size", async () => {
  const branches = Array.from({ length: 30 }, (_, branch) => writtenLog(log, 10 + branch, `b${branch}`));
  const answers = await Promise.all(branches.map(async (branch, place) => add(0, await branch.at(10 + place))));
  const signed = answers.flatMap(({ status }, place) => (status === 200 ? [place] : []));
  expect(signed).toHaveLength(1);
  const size = `${10 + (signed[0] ?? 0)}\n`;
  expect(answers.filter(({ status }) => status === 409).map(({ text }) => text)).toEqual(Array.from({ length: 29 }, () => size));
});

test("what cannot be written is not cosigned, and the witness goes on from what is on the disk", async () => {
  const written = writtenLog(log, 40);
  const file = join(folder, `state-${round}`, `${originHash(log.key.name)}.checkpoint`);
  await add(0, await written.at(10));
  const kept = await readFile(file, "utf8");
  await mkdir(`${file}.draft`);
  const refused = await add(10, await written.at(20), await written.prove(10, 20));
  expect(refused.status).toBe(503);
  expect(refused.text).not.toContain("\u2014");
  expect(said.join("\n")).toContain("cannot be written");
  expect(await readFile(file, "utf8")).toBe(kept);
  await rmdir(`${file}.draft`);
  expect((await add(10, await written.at(20), await written.prove(10, 20))).status).toBe(200);
});

test("a memory that was put back while it runs is noticed before anything is cosigned", async () => {
  const written = writtenLog(log, 40);
  const file = join(folder, `state-${round}`, `${originHash(log.key.name)}.checkpoint`);
  await add(0, await written.at(10));
  const old = await readFile(file, "utf8");
  await add(10, await written.at(20), await written.prove(10, 20));
  await mkdir(`${file}.draft`);
  await add(20, await written.at(40), await written.prove(20, 40));
  await rmdir(`${file}.draft`);
  await writeFile(file, old);
  const answer = await add(10, await written.at(40), await written.prove(10, 40));
  expect(answer.status).toBe(503);
  expect(said.at(-1)).toContain("went back to an older checkpoint");
});
