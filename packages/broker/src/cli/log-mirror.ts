import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  BASE_FILE,
  canonicalize,
  CHECKPOINT_FILE,
  CHECKPOINTS_FILE,
  entryBundlePath,
  formatCheckpointLine,
  LedgerError,
  newTiles,
  type NoteKey,
  openNote,
  parseCheckpointText,
  parseNoteKey,
  parseSignedNote,
  POLICY_FILE,
  TILE_WIDTH,
  tilePath,
} from "@bailiwick/ledger";
import type { z } from "zod";
import { checkpointsSchema, logBaseSchema, logKeysSchema } from "../rest-contract/log-evidence.ts";
import type { BrokerClient } from "./broker-client.ts";
import { CliFailure } from "./failure.ts";

/** What a broker says of a log. Nothing in it is believed. */
export interface MirroredLog {
  readonly keys: z.output<typeof logKeysSchema>;
  /** Where the mirror's records begin. */
  readonly first: number;
  /** Records up to the newest checkpoint, and what of them was fetched now. */
  readonly size: number;
  readonly fetched: number;
  /** The newest checkpoint. */
  readonly note: string;
}

/** Witnesses are sent a checkpoint every five seconds (adapters/anchors); a second round is waited for. */
const LOOK_MS = 1_000;
const MAX_LOOKS = 12;

/** Files fetched at the same time. */
const AT_ONCE = 8;

/**
 * Brings a folder up to the newest checkpoint of a log (docs/spec/log-proofs.md, "An export folder"). What is full never changes and is not fetched
 * again, so an interrupted mirror goes on where it was. Undefined while the log has no checkpoint.
 * @throws CliFailure
 */
export async function mirrorLog(broker: BrokerClient, tenant: string, folder: string): Promise<MirroredLog | undefined> {
  const log = `/audit/logs/${encodeURIComponent(tenant)}`;
  const keys = await broker.get(`${log}/keys`, logKeysSchema);
  const newest = await broker.file(`${log}/checkpoint`);
  if (newest === undefined) return undefined;
  const note = await cosigned(broker, log, keys, Buffer.from(newest).toString("utf8"));
  const { size } = parseCheckpointText(parseSignedNote(note).text);
  const kept = await keptNote(folder, keys.origin);
  const isNew = kept === undefined;
  if (kept !== undefined) requireGrowth(folder, kept, note);
  const base = await broker.get(`${log}/base`, logBaseSchema);
  // A mirror keeps what the log has dropped since.
  if (isNew && base.size > 0) await replace(join(folder, BASE_FILE), `${canonicalize(base)}\n`);
  const first = await firstOf(folder);
  const fetched = await fetchAll(broker, log, folder, filesOf(first, size));
  await replace(join(folder, POLICY_FILE), keys.policy);
  await mirrorCheckpoints(broker, log, folder, size);
  // Last: a folder whose checkpoint is there holds everything under it.
  await replace(join(folder, CHECKPOINT_FILE), note);
  return { keys, first, size, fetched, note };
}

/**
 * The first checkpoint from the newest on that the broker's witnesses have cosigned. They are sent one every few seconds, so of a log that is written
 * to all the time the newest never has their quorum. The newest itself when none comes: the verifier says what is missing.
 */
async function cosigned(broker: BrokerClient, log: string, { witnesses, quorum }: MirroredLog["keys"], newest: string): Promise<string> {
  const keys = witnesses.map(parseNoteKey);
  const has = (note: string): boolean => cosigners(note, keys) >= quorum;
  const beyond = String(Math.max(0, parseCheckpointText(parseSignedNote(newest).text).size - 1));
  for (let look = 0; look < MAX_LOOKS; look += 1) {
    if (has(newest)) return newest;
    if (look > 0) await sleep(LOOK_MS);
    const { checkpoints } = await broker.get(`${log}/checkpoints`, checkpointsSchema, { beyond });
    const found = checkpoints.find(({ note }) => has(note));
    if (found !== undefined) return found.note;
  }
  return newest;
}

function cosigners(note: string, witnesses: readonly NoteKey[]): number {
  if (witnesses.length === 0) return 0;
  try {
    return new Set(openNote(note, witnesses).verified.map(({ key }) => key)).size;
  } catch (error) {
    if (error instanceof LedgerError) return 0;
    throw error;
  }
}

/** A file of the mirror. */
interface MirrorFile {
  readonly path: string;
  /** The same of a full tile, which a partial one may have become. */
  readonly full: string;
  readonly partial: boolean;
  /** Whether the log may have dropped it. */
  readonly retired: boolean;
}

function filesOf(base: number, size: number): readonly MirrorFile[] {
  const tiles = newTiles(0, size).map((tile) => ({
    path: tilePath(tile),
    full: tilePath({ ...tile, width: TILE_WIDTH }),
    partial: tile.width < TILE_WIDTH,
    retired: tile.level === 0 && (tile.index + 1) * TILE_WIDTH <= base,
  }));
  const first = Math.floor(base / TILE_WIDTH);
  const bundles = Array.from({ length: Math.max(0, Math.ceil(size / TILE_WIDTH) - first) }, (_, place) => {
    const width = Math.min(TILE_WIDTH, size - (first + place) * TILE_WIDTH);
    const full = entryBundlePath(first + place, TILE_WIDTH);
    return { path: entryBundlePath(first + place, width), full, partial: width < TILE_WIDTH, retired: false };
  });
  return [...tiles, ...bundles];
}

/** Fetches what the folder does not have. Returns how many files that were. */
async function fetchAll(broker: BrokerClient, log: string, folder: string, files: readonly MirrorFile[]): Promise<number> {
  let next = 0;
  let fetched = 0;
  const work = async (): Promise<void> => {
    for (let file = files[next++]; file !== undefined; file = files[next++]) {
      if (await isThere(join(folder, file.path))) continue;
      const bytes = await broker.file(`${log}/${file.path}`);
      if (bytes === undefined && !file.retired)
        throw new CliFailure("refused", `the log's newest checkpoint covers \`${file.path}\`, and the broker does not have it`, [
          "run the command again, or into a new folder if records were retired since the last time",
          "if this stays, the log's database lacks records: keep it as it is, and compare it with a backup",
        ]);
      if (bytes !== undefined) {
        await requireSameBeginning(folder, file, bytes);
        await replace(join(folder, file.path), bytes);
      }
      await removeOlder(folder, file);
      fetched += 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return fetched;
}

/** Partial tiles of earlier checkpoints say nothing that the new one does not. */
async function removeOlder(folder: string, { path, full, partial }: MirrorFile): Promise<void> {
  const older = join(folder, `${full}.p`);
  if (!partial) return rm(older, { recursive: true, force: true });
  for (const name of await readdir(older)) if (name !== basename(path)) await rm(join(older, name));
}

/**
 * INVARIANT: what the folder holds is not overwritten by a log that is another one than it was: it may be the only copy of what was cut off.
 * @throws CliFailure
 */
async function requireSameBeginning(folder: string, { path, full }: MirrorFile, bytes: Uint8Array): Promise<void> {
  const older = join(folder, `${full}.p`);
  for (const name of await readdir(older).catch(() => [])) {
    if (name === basename(path) || !/^\d+$/u.test(name)) continue;
    const before = await readFile(join(older, name));
    if (Buffer.compare(before, bytes.subarray(0, before.byteLength)) !== 0) throw rewritten(folder, `\`${path}\` does not go on from it`);
  }
}

/** @throws CliFailure when the log is smaller than what it signed before, or says something else of the same size. */
function requireGrowth(folder: string, kept: string, note: string): void {
  const [before, now] = [kept, note].map((one) => parseSignedNote(one).text);
  if (before === undefined || now === undefined || before === now) return;
  const [was, is] = [parseCheckpointText(before).size, parseCheckpointText(now).size];
  if (is < was) throw rewritten(folder, `the log has ${is} records, and the folder holds a signed checkpoint of ${was}`);
  if (is === was) throw rewritten(folder, `the log signed another checkpoint of ${is} records`);
}

function rewritten(folder: string, what: string): CliFailure {
  return new CliFailure("refused", `the log is not the one that \`${folder}\` is a mirror of: ${what}; the folder is left as it is`, [
    "keep the folder and the log's database as they are: together they show what was changed",
    "mirror the log into a new folder, and compare it with `bailiwick audit verify <new folder> --against <this folder>`",
  ]);
}

/** Adds the checkpoints beyond those that the folder has, up to a size. */
async function mirrorCheckpoints(broker: BrokerClient, log: string, folder: string, size: number): Promise<void> {
  const file = join(folder, CHECKPOINTS_FILE);
  const kept = (await readIfThere(file)) ?? "";
  let text = kept.slice(0, kept.lastIndexOf("\n") + 1);
  let beyond = lastSize(text);
  for (;;) {
    const { checkpoints, next } = await broker.get(`${log}/checkpoints`, checkpointsSchema, { beyond: String(beyond) });
    text += checkpoints
      .filter((one) => one.size <= size)
      .map(formatCheckpointLine)
      .join("");
    if (next === undefined || next > size) break;
    beyond = next;
  }
  await replace(file, text);
}

function lastSize(lines: string): number {
  const [size] = /(?<=^\{"size":)\d{1,16}(?=,[^\n]*\n$)/mu.exec(lines.slice(lines.lastIndexOf("\n", lines.length - 2) + 1)) ?? [];
  return Number(size ?? 0);
}

/** The newest checkpoint of the mirror; undefined when the folder holds none yet. @throws CliFailure when it holds that of another log. */
async function keptNote(folder: string, origin: string): Promise<string | undefined> {
  const kept = await readIfThere(join(folder, CHECKPOINT_FILE));
  if (kept === undefined || kept.startsWith(`${origin}\n`)) return kept;
  throw new CliFailure("refused", `\`${folder}\` is the mirror of another log than \`${origin}\``, [
    "name a folder of its own for each log",
  ]);
}

/** Where the mirror's records begin. */
async function firstOf(folder: string): Promise<number> {
  const kept = await readIfThere(join(folder, BASE_FILE));
  return kept === undefined ? 0 : logBaseSchema.parse(JSON.parse(kept)).size;
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Writes a file whole: a reader, or a mirror that goes on, never sees half of one. */
async function replace(path: string, content: Uint8Array | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.draft`;
  await writeFile(draft, content);
  await rename(draft, path);
}
