import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { LedgerError } from "@bailiwick/ledger";
import { z } from "zod";
import { type Anchor, type Anchored, AnchorFault } from "../../domain/anchor.ts";
import { orNothing, replaceDurably, syncFolder } from "../../witness/durable-file.ts";
import { anchoredFrom, mayTake } from "./growth.ts";
import { folderOf } from "./log-folder.ts";

/** How much is read from the end; a line holds a checkpoint of at most a few kilobytes. */
const TAIL_BYTES = 128 * 1024;
/** Checkpoints are no secrets, and auditors read them as other users. */
const READABLE = 0o644;
const HISTORY = "checkpoints.jsonl";
const NEWEST = "checkpoint";

const line = z.object({ size: z.int(), note: z.string() });

/**
 * A folder on another volume. Each log has a folder in it with `checkpoints.jsonl`, a line a checkpoint, only ever appended to, and
 * `checkpoint`, the newest. The folder itself is never made: where a volume is not mounted it would land on the very disk it should not be on.
 */
export function fileAnchor(folder: string): Anchor {
  const newest = (origin: string): Promise<Anchored | undefined> =>
    guarded(folder, () => readNewest(folder, join(folder, folderOf(origin))));
  return {
    name: `file ${folder}`,
    kind: "file",
    newest,
    async publish(origin, checkpoint, prove) {
      if (!(await mayTake(await newest(origin), checkpoint, prove))) return [];
      await guarded(folder, () => write(folder, join(folder, folderOf(origin)), checkpoint));
      return [];
    },
  };
}

/** The largest of both files: an old `checkpoint` put back is found by the lines, and lines cut off by the other. */
async function readNewest(root: string, folder: string): Promise<Anchored | undefined> {
  await requireFolder(root);
  const newest = await orNothing(readFile(join(folder, NEWEST), "utf8"));
  const found = [...(newest === undefined ? [] : [newest]), ...(await lastNotes(join(folder, HISTORY)))].map(anchoredFrom);
  return found.toSorted((left, right) => right.size - left.size)[0];
}

async function write(root: string, folder: string, { size, note }: Anchored): Promise<void> {
  await requireFolder(root);
  if ((await mkdir(folder, { recursive: true, mode: 0o755 })) !== undefined) await syncFolder(root);
  const file = await open(join(folder, HISTORY), "a+", READABLE);
  try {
    // A crash may have left half a line, which was never reported as kept; the next one begins a line of its own.
    const gap = (await endsInLine(file)) ? "" : "\n";
    await file.appendFile(`${gap}${JSON.stringify({ size, note })}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  // Other brokers may write to the same volume.
  const draft = join(folder, `.${NEWEST}.${randomBytes(8).toString("hex")}`);
  try {
    await replaceDurably(join(folder, NEWEST), note, { mode: READABLE, draft });
  } finally {
    await rm(draft, { force: true });
  }
}

async function endsInLine(file: Awaited<ReturnType<typeof open>>): Promise<boolean> {
  const { size } = await file.stat();
  if (size === 0) return true;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer.toString() === "\n";
}

/** The last notes; what a crash cut off was never reported as kept. Several brokers may have written out of order. */
async function lastNotes(path: string): Promise<readonly string[]> {
  const file = await orNothing(open(path, "r"));
  if (file === undefined) return [];
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(TAIL_BYTES), 0, TAIL_BYTES, Math.max(0, size - TAIL_BYTES));
    return buffer.subarray(0, bytesRead).toString("utf8").split("\n").slice(0, -1).flatMap(noteIn);
  } finally {
    await file.close();
  }
}

function noteIn(text: string): readonly string[] {
  try {
    const { note } = line.parse(JSON.parse(text));
    return [anchoredFrom(note).note];
  } catch {
    return [];
  }
}

async function requireFolder(folder: string): Promise<void> {
  const found = await orNothing(stat(folder));
  if (found?.isDirectory() !== true)
    throw new AnchorFault("unreachable", `the anchor's folder \`${folder}\` is not there; mount its volume, or make it once by hand`);
}

async function guarded<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AnchorFault) throw error;
    if (error instanceof LedgerError)
      throw new AnchorFault("conflict", `the anchor \`${folder}\` holds something that is no checkpoint; find out who wrote there`, {
        cause: error,
      });
    throw new AnchorFault("unreachable", `the anchor's folder \`${folder}\` cannot be used; check its permissions and free space`, {
      cause: error,
    });
  }
}
