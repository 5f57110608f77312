import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Seen, Step } from "./callers.ts";
import type { Place } from "./under-load.ts";

/** Where a broker dies by its own hand: at the `times`th time it comes to a step. */
export interface Death {
  readonly step: Step;
  readonly times: number;
  /** Before anybody was told of the step; else this many turns of the event loop after it. */
  readonly moment: "before" | number;
}

/**
 * Runs a broker with callers as a process of its own until it is dead, by its own hand or by `kill`. Returns what its callers saw.
 * @throws Error when it ended in another way.
 */
export async function runUntilDead(
  place: Place,
  death: Death | undefined,
  kill?: (child: ChildProcess) => Promise<void>,
): Promise<readonly Seen[]> {
  const folder = await mkdtemp(join(tmpdir(), "bailiwick-journal-"));
  try {
    const journal = join(folder, "journal");
    const work = { place, journal, brokerId: `broker-${randomBytes(6).toString("hex")}`, death };
    const child = spawn(process.execPath, [join(import.meta.dirname, "caller-child.ts"), JSON.stringify(work)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const gone = new Promise<string>((settle) => child.once("exit", (code, signal) => settle(signal ?? `exit code ${code}`)));
    if (kill !== undefined) {
      await Promise.race([once(child.stdout, "data"), gone]);
      await kill(child);
    }
    const ended = await gone;
    if (ended !== "SIGKILL") throw new Error(`the broker ended with ${ended} instead of being killed`);
    const lines = (await readFile(journal, "utf8")).split("\n");
    return lines.flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Seen]));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
