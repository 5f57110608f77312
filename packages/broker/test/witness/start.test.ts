import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatNoteKey, type NoteSigner, parseNoteKey } from "@bailiwick/ledger";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { newKeyFile } from "../../src/witness/key-file.ts";
import { type RunningWitness, startWitness, type WitnessOptions } from "../../src/witness/start-witness.ts";
import { formatAddCheckpoint, originHash } from "../../src/witness/wire.ts";
import { freshSigner, writtenLog } from "./log.ts";

let root: string;
let keyFile: string;
let stateFolder: string;
const log: NoteSigner = freshSigner("bailiwick.example/log/acme");

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "witness-start-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

let round = 0;
beforeEach(async () => {
  const folder = join(root, String(++round));
  await mkdir(folder);
  keyFile = join(folder, "witness.key");
  stateFolder = join(folder, "state");
  await newKeyFile(keyFile, "witness.example");
});

function start(changes: Partial<WitnessOptions> = {}): Promise<RunningWitness> {
  return startWitness({
    keyFile,
    stateFolder,
    fresh: false,
    logs: [log.key],
    host: "127.0.0.1",
    port: 0,
    now: () => new Date(),
    say: () => undefined,
    ...changes,
  });
}

async function seen(size: number): Promise<void> {
  const witness = await start({ fresh: true });
  const { note } = await writtenLog(log, size).at(size);
  const answer = await fetch(`${witness.url}/add-checkpoint`, { method: "POST", body: formatAddCheckpoint({ old: 0, proof: [], note }) });
  expect(answer.status).toBe(200);
  await witness.close();
}

const memory = (): string => join(stateFolder, `${originHash(log.key.name)}.checkpoint`);

test("a new key is for its owner's eyes, is never written over, and prints the key a verifier needs", async () => {
  const path = join(root, "another.key");
  const vkey = await newKeyFile(path, "w2.example");
  expect(parseNoteKey(vkey)).toMatchObject({ name: "w2.example", type: "cosignature" });
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const before = await readFile(path, "utf8");
  await expect(newKeyFile(path, "w3.example")).rejects.toThrow(/is there already/u);
  expect(await readFile(path, "utf8")).toBe(before);
  await expect(newKeyFile(join(root, "x.key"), "no name")).rejects.toThrow(/cannot name a key/u);
});

test("a witness goes on with what it cosigned before it was stopped", async () => {
  await seen(7);
  const again = await start();
  const { note } = await writtenLog(log, 9, "other").at(9);
  const answer = await fetch(`${again.url}/add-checkpoint`, { method: "POST", body: formatAddCheckpoint({ old: 0, proof: [], note }) });
  expect([answer.status, await answer.text()]).toEqual([409, "7\n"]);
  await again.close();
});

test("a missing memory is refused: a volume that is not mounted looks like one", async () => {
  await expect(start()).rejects.toThrow(/holds no memory of a witness; mount its volume/u);
  await mkdir(stateFolder);
  await expect(start()).rejects.toThrow(/holds no memory of a witness/u);
});

test("`--new` is for the first start only", async () => {
  await seen(7);
  await expect(start({ fresh: true })).rejects.toThrow(/is a witness's memory already/u);
});

test("a memory whose name file is gone is not taken for a new one", async () => {
  await seen(7);
  await rm(join(stateFolder, "witness"));
  await expect(start()).rejects.toThrow(/holds no memory/u);
  await expect(start({ fresh: true })).rejects.toThrow(/is a witness's memory already/u);
});

test("the memory of another key is refused", async () => {
  await seen(7);
  const other = join(root, String(round), "other.key");
  await newKeyFile(other, "witness.example");
  await expect(start({ keyFile: other })).rejects.toThrow(/is the memory of the witness/u);
});

test.each([
  ["cut off", (note: string) => note.slice(0, -20)],
  ["empty", () => ""],
  ["of another size", (note: string) => note.replace("\n7\n", "\n6\n")],
])("a memory that is %s stops the witness from starting", async (_, damage) => {
  await seen(7);
  await writeFile(memory(), damage(await readFile(memory(), "utf8")));
  await expect(start()).rejects.toThrow(/is no checkpoint this witness cosigned; a witness that lost its memory must not go on/u);
});

test("a memory filed under another log's name is not believed", async () => {
  await seen(7);
  const globex = freshSigner("bailiwick.example/log/globex");
  await copyFile(memory(), join(stateFolder, `${originHash(globex.key.name)}.checkpoint`));
  const witness = await start({ logs: [log.key, globex.key] });
  const { note } = await writtenLog(globex, 9).at(9);
  const answer = await fetch(`${witness.url}/add-checkpoint`, { method: "POST", body: formatAddCheckpoint({ old: 7, proof: [], note }) });
  expect(answer.status).toBe(503);
  await witness.close();
});

test("a key that others may read, that is none, or that is gone stops the witness", async () => {
  await chmod(keyFile, 0o640);
  await expect(start({ fresh: true })).rejects.toThrow(/other users may read the witness's key/u);
  await chmod(keyFile, 0o600);
  const text = await readFile(keyFile, "utf8");
  await writeFile(keyFile, text.replace("witness.example", "witness.exampla"));
  await expect(start({ fresh: true })).rejects.toThrow(/holds no key of a witness/u);
  await writeFile(keyFile, "{}");
  await expect(start({ fresh: true })).rejects.toThrow(/holds no key of a witness/u);
  await rm(keyFile);
  await expect(start({ fresh: true })).rejects.toThrow(/cannot be read/u);
});

test("logs without a key, with a witness's key or with one key twice are refused", async () => {
  await expect(start({ logs: [] })).rejects.toThrow(/needs a log/u);
  await expect(start({ logs: [freshSigner("w.example", "cosignature").key] })).rejects.toThrow(/that of a witness/u);
  await expect(start({ logs: [log.key, parseNoteKey(formatNoteKey(log.key))] })).rejects.toThrow(/given twice/u);
});
