import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatNoteKey, logPolicy, openCheckpoint, parseCheckpointText, parseNoteKey, parseSignedNote } from "@bailiwick/ledger";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Anchored } from "../../src/domain/anchor.ts";
import { formatAddCheckpoint } from "../../src/witness/wire.ts";
import { freshSigner, writtenLog, type WrittenLog } from "./log.ts";
import { runProgram, startWitnessProcess } from "./process.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "witness-process-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const log = freshSigner("bailiwick.example/log/acme");

async function newWitness(name: string): Promise<{ readonly vkey: string; readonly args: readonly string[] }> {
  const key = join(root, `${name}.key`);
  const made = await runProgram(["witness", "new-key", "--name", name, "--out", key]);
  expect(made).toMatchObject({ code: 0, stderr: expect.stringContaining("log.yaml") });
  return { vkey: made.stdout.trim(), args: ["--key", key, "--state", join(root, `${name}-state`), "--log", formatNoteKey(log.key)] };
}

test("one witness at a time may use its memory, and a killed one leaves it free", { timeout: 60_000 }, async () => {
  const { args } = await newWitness("w1.example");
  const first = await startWitnessProcess([...args, "--new"]);
  await expect(startWitnessProcess(args)).rejects.toThrow(/is held by another process/u);
  await first.kill("SIGKILL");
  const second = await startWitnessProcess(args);
  await second.kill("SIGTERM");
  expect(second.process.exitCode).toBe(0);
});

test("a key that is none and a port that is none are wrong usage", async () => {
  const { args } = await newWitness("w2.example");
  const bad = await runProgram(["witness", "run", ...args.slice(0, 4), "--log", "bailiwick.example+1+2"]);
  expect(bad).toMatchObject({ code: 2, stderr: expect.stringContaining("not a verifier key") });
  expect((await runProgram(["witness", "run", ...args, "--port", "http"])).code).toBe(2);
  expect((await runProgram(["witness", "run", ...args])).code).toBe(3);
});

const BRANCHES = 4;
const FORK_AT = 5;
const ROUNDS = 8;
const STEP = 3;
/** Answers of a round after which it is killed, with requests under way. */
const KILL_AFTER = [1, 2, 3, 5, 8, 13, 4, 6];

interface Signed {
  readonly branch: number;
  readonly size: number;
}

test("a witness that is killed again and again never cosigns two histories", { timeout: 120_000 }, async () => {
  const { vkey, args } = await newWitness("w3.example");
  const policy = logPolicy({ origin: log.key.name, keys: [log.key], witnesses: [parseNoteKey(vkey)], quorum: 1 });
  const branches = Array.from({ length: BRANCHES }, (_, branch) => writtenLog(log, 1_000, `b${branch}`, FORK_AT));
  const signed: Signed[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const witness = await startWitnessProcess(round === 0 ? [...args, "--new"] : args);
    let answers = 0;
    const clients = branches.map((branch, place) =>
      pushOn(branch, witness.url, (checkpoint, line) => {
        expect(openCheckpoint(checkpoint.note + line, policy).size).toBe(checkpoint.size);
        signed.push({ branch: place, size: checkpoint.size });
        if (++answers === KILL_AFTER[round]) witness.process.kill("SIGKILL");
      }),
    );
    await Promise.all(clients);
    await witness.kill("SIGKILL");
    expect(answers).toBeGreaterThanOrEqual(KILL_AFTER[round] ?? 1);
  }
  // Up to where they fork all branches are one history.
  const later = signed.filter(({ size }) => size > FORK_AT);
  expect(later.length).toBeGreaterThan(ROUNDS);
  expect(new Set(later.map(({ branch }) => branch)).size).toBe(1);
  expect(later.map(({ size }) => size)).toEqual(later.map(({ size }) => size).toSorted((left, right) => left - right));
});

/** Sends ever larger checkpoints of one branch, from whatever the witness says it holds, until the witness is gone or refuses the branch. */
async function pushOn(branch: WrittenLog, url: string, got: (checkpoint: Anchored, line: string) => void): Promise<void> {
  for (let old = 0, refused = 0; refused < 5;) {
    const checkpoint = await branch.at(old + STEP);
    const body = formatAddCheckpoint({ old, proof: await branch.prove(old, checkpoint.size), note: checkpoint.note });
    const answer = await fetch(`${url}/add-checkpoint`, { method: "POST", body })
      .then(async (one) => ({ status: one.status, text: await one.text() }))
      .catch(() => undefined);
    if (answer === undefined) return;
    if (answer.status === 200) {
      got(checkpoint, answer.text);
      old = parseCheckpointText(parseSignedNote(checkpoint.note).text).size;
    } else if (answer.status === 409) old = Number(answer.text);
    else refused += 1;
  }
}
