import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { runCli } from "../../src/cli/program.ts";
import { companyFiles } from "./company.ts";

/** A policy folder on disk in which commands that need no broker are run, on Monday 2026-11-23 at 10:00 UTC. */
export interface PolicyCli {
  /** Changes one file of the company. */
  write(path: string, text: string): Promise<void>;
  run(...args: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }>;
  remove(): Promise<void>;
}

export async function makePolicyCli(): Promise<PolicyCli> {
  const folder = await mkdtemp(join(tmpdir(), "bailiwick-policy-cli-"));
  const write = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  };
  for (const { path, text } of companyFiles) await write(path, text);
  return {
    write,
    run: async (...args) => {
      const texts = { out: "", err: "" };
      const stream = (name: "out" | "err"): PassThrough =>
        new PassThrough().on("data", (chunk: Buffer) => (texts[name] += chunk.toString()));
      const io = {
        stdin: Readable.from([]),
        stdout: stream("out"),
        stderr: stream("err"),
        env: {},
        cwd: folder,
        fetch: globalThis.fetch,
        now: () => new Date("2026-11-23T10:00:00Z"),
      };
      const code = await runCli(args, io, { up: async () => 0 }, "0");
      return { code, ...texts };
    },
    remove: async () => rm(folder, { recursive: true, force: true }),
  };
}
