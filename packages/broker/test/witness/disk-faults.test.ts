import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatNoteKey } from "@bailiwick/ledger";
import { beforeEach, expect, test } from "vitest";
import { needsProgram } from "../../../../tools/needs.ts";
import { newKeyFile } from "../../src/witness/key-file.ts";
import { formatAddCheckpoint, originHash } from "../../src/witness/wire.ts";
import { freshSigner, writtenLog } from "./log.ts";
import { startWitnessProcess } from "./process.ts";

beforeEach((context) => needsProgram(context, "strace", "strace"));

test.each([
  ["fsync", "EIO"],
  ["write,pwrite64", "ENOSPC"],
  ["rename,renameat,renameat2", "EIO"],
])("when the disk answers %s with %s, nothing is cosigned and nothing is lost", { timeout: 60_000 }, async (call, error) => {
  const folder = await mkdtemp(join(tmpdir(), "witness-disk-"));
  const signer = freshSigner("bailiwick.example/log/acme");
  const log = writtenLog(signer, 100);
  await newKeyFile(join(folder, "key"), "witness.example");
  const args = ["--key", join(folder, "key"), "--state", join(folder, "state"), "--log", formatNoteKey(signer.key)];
  const witness = await startWitnessProcess([...args, "--new"]);
  const add = async (old: number, size: number): Promise<{ status: number; text: string }> => {
    const body = formatAddCheckpoint({ old, proof: await log.prove(old, size), note: (await log.at(size)).note });
    const answer = await fetch(`${witness.url}/add-checkpoint`, { method: "POST", body });
    return { status: answer.status, text: await answer.text() };
  };
  const file = join(folder, "state", `${originHash(signer.key.name)}.checkpoint`);
  expect((await add(0, 10)).status).toBe(200);
  const before = await readFile(file, "utf8");

  const fault = await injected(witness.process, `${file}.draft`, `${call}:error=${error}`);
  const refused = await add(10, 20);
  expect(refused.status).toBe(503);
  expect(refused.text).not.toContain("\u2014");
  await fault.end();
  expect(await readFile(file, "utf8")).toBe(before);

  expect((await add(10, 20)).status).toBe(200);
  await witness.kill("SIGKILL");
  const again = await startWitnessProcess(args);
  expect(await (await fetch(`${again.url}/${originHash(signer.key.name)}/checkpoint`)).text()).toContain("\n20\n");
  await again.kill("SIGTERM");
  await rm(folder, { recursive: true, force: true });
});

/** Lets system calls of a running process fail, but only on one file. */
async function injected(running: ChildProcess, path: string, what: string): Promise<{ end(): Promise<void> }> {
  const strace = spawn("strace", ["-f", "-p", String(running.pid), "-P", path, "-e", `inject=${what}`]);
  await new Promise<void>((resolve, reject) => {
    let said = "";
    strace.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes("attached")) resolve();
    });
    strace.once("close", () => reject(new Error(`strace ended: ${said}`)));
  });
  return {
    end: async () => {
      strace.kill("SIGINT");
      await once(strace, "close");
    },
  };
}
