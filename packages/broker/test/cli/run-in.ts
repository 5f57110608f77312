import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { z } from "zod";
import { runLedger } from "@bailiwick/ledger/program";
import type { LogEvidence } from "../../src/domain/evidence.ts";
import { type ServedHouse, serveRestHouse } from "../people-support/serve.ts";
import { runCli } from "../../src/cli/program.ts";

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command in a folder, against the broker that a data folder names. */
export async function runIn(folder: string, data: string, args: readonly string[]): Promise<Ran> {
  const [out, err] = [collector(), collector()];
  const io = {
    stdin: Readable.from([""]),
    stdout: out.stream,
    stderr: err.stream,
    env: {},
    cwd: folder,
    fetch: globalThis.fetch,
    now: () => new Date(),
  };
  const code = await runCli([...args, "--data", data], io, { up: async () => 0 }, "0.0.0-test");
  return { code, out: out.text(), err: err.text() };
}

/** Runs the auditor's own program in a folder. */
export function ledgerIn(folder: string, argv: readonly string[]): Ran {
  let [out, err] = ["", ""];
  const code = runLedger(argv, { cwd: folder, out: (text) => (out += text), err: (text) => (err += text) });
  return { code, out, err };
}

/** The paths of all files of a folder. */
export async function filesBelow(path: string): Promise<readonly string[]> {
  return (await readdir(path, { recursive: true, withFileTypes: true }))
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name));
}

function collector(): { stream: PassThrough; text(): string } {
  const stream = new PassThrough();
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return { stream, text: () => Buffer.concat(chunks).toString() };
}

const keysSchema = z.object({ logs: z.array(z.object({ keys: z.array(z.object({ key: z.string() })) })) });

/** Keys that `audit keys --json` printed, of the first log. */
export function keysIn({ out }: Ran): readonly string[] {
  return keysSchema.parse(JSON.parse(out)).logs[0]?.keys.map(({ key }) => key) ?? [];
}

export function parsedPolicy(text: string): { key: string } {
  return { key: /^log (\S+)/u.exec(text)?.[1] ?? "" };
}

/** A broker that shows this of its logs. */
export function serveWith(evidence: LogEvidence): Promise<ServedHouse> {
  return serveRestHouse({ evidence });
}
