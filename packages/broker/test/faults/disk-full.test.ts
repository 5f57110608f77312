import { spawnSync } from "node:child_process";
import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { mkdtemp, rm, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { skippedBecause } from "../../../../tools/needs.ts";
import { rowsOf } from "./alone.ts";
import { type FaultServer, faultServer } from "./fault-server.ts";
import { everyPoint, POINTS } from "./points.ts";
import { strikeUnderLoad } from "./under-load.ts";
import type { Verdict } from "./verdict.ts";

const TIMEOUT_MS = 300_000;
/** A new database with its write-ahead log, and room for the calls of all points. */
const DISK_BYTES = 256 * 1024 * 1024;
/** Characters of arguments in each call, so that a few calls fill what is left. */
const PADDING = 20_000;
/** Room that is left when the disk fills up, from point to point. */
const LEFT_STEP_BYTES = 24 * 1024;

test(
  "a disk that fills up, under a table or under the log written ahead, refuses calls and loses no record; with room again the log goes on",
  async (context) => {
    const disk = await mkdtemp(join(tmpdir(), "bailiwick-disk-"));
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_BYTES},mode=0711`, "tmpfs", disk], { encoding: "utf8" });
    if (mounted.status !== 0) {
      await rmdir(disk);
      skippedBecause(context, `a small disk cannot be mounted here (${mounted.stderr.trim()}): run as root, or with the right to mount`);
    }
    try {
      const faulty = await faultServer(disk);
      try {
        const points = Array.from({ length: POINTS["disk full"] }, (_, number) => {
          const [under, left] = [number % 3 === 2 ? ("the log written ahead" as const) : ("a table" as const), number * LEFT_STEP_BYTES];
          return { name: `disk full ${number}: ${left} bytes left, under ${under}`, under, left };
        });
        await everyPoint("disk full", points, {
          atOnce: 1,
          shows: ["succeeded"],
          strike: ({ under, left }) => fillUp(faulty, disk, { left, segment: under === "the log written ahead" }),
        });
      } finally {
        await faulty.close();
      }
    } finally {
      expect(spawnSync("umount", [disk]).status).toBe(0);
      await rm(disk, { recursive: true, force: true });
    }
  },
  TIMEOUT_MS,
);

/** Fills the disk until calls fail, then makes room. */
function fillUp(faulty: FaultServer, disk: string, how: { readonly left: number; readonly segment: boolean }): Promise<Verdict> {
  const ballast = join(disk, "ballast");
  return strikeUnderLoad({
    place: faulty.place(),
    padding: PADDING,
    afterSteps: 40,
    strike: async (seen) => {
      const failures = (): number => seen.filter(({ step }) => step === "refused" || step === "unrecorded").length;
      try {
        fillBut(how.left, ballast);
        const deadline = Date.now() + 30_000;
        while (failures() === 0 && Date.now() < deadline) {
          // A new segment of the log written ahead needs as much room as all calls together; without this it would be needed too rarely.
          if (how.segment) await rowsOf(faulty.databaseUrl, "select pg_switch_wal()").catch(() => undefined);
          else await rowsOf(faulty.databaseUrl, "select 1").catch(() => undefined);
        }
        expect(failures(), "calls that failed on the full disk").toBeGreaterThan(0);
      } finally {
        await rm(ballast, { force: true });
      }
    },
  });
}

/** Takes all room there is, and gives so many bytes back. */
function fillBut(left: number, ballast: string): void {
  const file = openSync(ballast, "w");
  try {
    for (let bytes = 16 * 1024 * 1024; bytes >= 4096; bytes /= 2) while (writes(file, bytes));
    ftruncateSync(file, Math.max(0, fstatSync(file).size - left));
  } finally {
    closeSync(file);
  }
}

/** Whether all of it could be written. */
function writes(file: number, bytes: number): boolean {
  try {
    return writeSync(file, Buffer.alloc(bytes)) === bytes;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOSPC") return false;
    throw error;
  }
}
