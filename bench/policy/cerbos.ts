import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { freePort, stopChild } from "../gateway/child.ts";
import { cerbosCall, cerbosFiles } from "./cerbos-form.ts";
import { grpcLine, httpLine } from "./cerbos-lines.ts";
import type { Remote } from "./contender.ts";
import type { Workload } from "./workload.ts";

/** A started cerbos server and the ways to ask it. */
export interface Cerbos {
  readonly contenders: readonly Remote[];
  stop(): Promise<void>;
}

/** Beyond this the size is reported without cerbos. */
export const CERBOS_LOADS_WITHIN_MS = 60_000;
const MANY_CALLERS = 32;
const POLL_MS = 10;

/**
 * cerbos on free loopback ports with its policies in `folder`: no telemetry, no audit log, no watching of files.
 * `undefined` when it did not load them in time.
 * @throws Error with what it said when it ended by itself.
 */
export async function startCerbos(workload: Workload, folder: string): Promise<Cerbos | undefined> {
  const policies = join(folder, "policies");
  await mkdir(policies, { recursive: true });
  for (const [name, text] of cerbosFiles(workload)) await writeFile(join(policies, name), text);
  const [http, grpc] = [await freePort(), await freePort()];
  const config = join(folder, "config.yaml");
  await writeFile(config, JSON.stringify(configOf(policies, http, grpc)));
  const started = performance.now();
  const child = spawn(serverBinary(), ["server", `--config=${config}`, "--log-level=error"], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {},
  });
  if (!(await isReady(child, `http://127.0.0.1:${http}/_cerbos/health`))) {
    await stopChild(child);
    return undefined;
  }
  const loadMs = performance.now() - started;
  const calls = workload.questions.map(cerbosCall);
  const lines = [httpLine(http, calls, MANY_CALLERS), grpcLine(grpc, calls)];
  const contenders = lines.flatMap((line) =>
    [1, MANY_CALLERS].map((callers): Remote => {
      const name = `cerbos ${line.name}, ${callers} caller${callers === 1 ? "" : "s"}`;
      return { kind: "remote", name, callers, loadMs, decide: (question) => line.ask(question) };
    }),
  );
  return {
    contenders,
    async stop() {
      for (const line of lines) await line.close();
      await stopChild(child);
    },
  };
}

function configOf(directory: string, http: number, grpc: number): Readonly<Record<string, unknown>> {
  return {
    server: { httpListenAddr: `127.0.0.1:${http}`, grpcListenAddr: `127.0.0.1:${grpc}` },
    storage: { driver: "disk", disk: { directory, watchForChanges: false } },
    audit: { enabled: false },
    telemetry: { disabled: true },
  };
}

/** The server itself: its launcher is a second process that does not pass signals on. */
function serverBinary(): string {
  const launcher = createRequire(import.meta.url).resolve("cerbos/package.json");
  return createRequire(launcher).resolve(`@cerbos/cerbos-${process.platform}-${process.arch}`);
}

async function isReady(child: ChildProcess, url: string): Promise<boolean> {
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000)));
  const deadline = performance.now() + CERBOS_LOADS_WITHIN_MS;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`cerbos ended with ${child.exitCode} before it was ready: ${said}`);
    const healthy = await fetch(url).then(
      async (response) => (await response.text()) !== "" && response.ok,
      () => false,
    );
    if (healthy) return true;
    await setTimeout(POLL_MS);
  }
  return false;
}
