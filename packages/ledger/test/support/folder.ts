import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  CHECKPOINT_FILE,
  CHECKPOINTS_FILE,
  entryBundlePath,
  formatCheckpointLine,
  formatNoteKey,
  formatPolicyText,
  newTiles,
  parseCheckpointText,
  parseSignedNote,
  POLICY_FILE,
  sourceOfLeaves,
  TILE_WIDTH,
  tilePath,
  writeEntryBundle,
  writeTile,
} from "../../src/index.ts";
import { runLedger } from "../../program/program.ts";
import { LOG_SIGNER, nth, type WrittenLog } from "./log.ts";

/** The files of an export folder by their paths. */
export type Files = Map<string, Uint8Array>;

/** The export folder of a log, as a broker writes it. */
export function filesOf({ records, leaves, checkpoints }: WrittenLog): Files {
  const files: Files = new Map();
  const source = sourceOfLeaves(leaves);
  const entries = records.map((text) => Buffer.from(text));
  for (let bundle = 0; bundle * TILE_WIDTH < entries.length; bundle += 1) {
    const own = entries.slice(bundle * TILE_WIDTH, (bundle + 1) * TILE_WIDTH);
    files.set(entryBundlePath(bundle, own.length), writeEntryBundle(own));
  }
  for (const tile of newTiles(0, entries.length)) files.set(tilePath(tile), writeTile(source, tile));
  files.set(CHECKPOINTS_FILE, Buffer.from(checkpoints.map((note) => formatCheckpointLine({ size: sizeOf(note), note })).join("")));
  files.set(CHECKPOINT_FILE, Buffer.from(nth(checkpoints, -1)));
  files.set(POLICY_FILE, Buffer.from(formatPolicyText({ logs: [{ key: LOG_SIGNER.key }], witnesses: [], quorum: 0 })));
  return files;
}

export function sizeOf(note: string): number {
  return parseCheckpointText(parseSignedNote(note).text).size;
}

/** A folder on disk that is removed with `remove`. */
export function onDisk(files: ReadonlyMap<string, Uint8Array>): {
  readonly path: string;
  put(name: string, content: Uint8Array | string): void;
  drop(name: string): void;
  remove(): void;
} {
  const path = mkdtempSync(join(tmpdir(), "bailiwick-folder-"));
  const put = (name: string, content: Uint8Array | string): void => {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content);
  };
  for (const [name, content] of files) put(name, content);
  return { path, put, drop: (name) => rmSync(join(path, name)), remove: () => rmSync(path, { recursive: true }) };
}

/** Does something with a folder that is there meanwhile. */
export function withFolder(files: ReadonlyMap<string, Uint8Array>, work: (path: string) => unknown): void {
  const disk = onDisk(files);
  try {
    work(disk.path);
  } finally {
    disk.remove();
  }
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the auditor's program in this process. */
export function run(...argv: readonly string[]): Ran {
  let [out, err] = ["", ""];
  const code = runLedger(argv, { cwd: tmpdir(), out: (text) => (out += text), err: (text) => (err += text) });
  return { code, out, err };
}

export const LOG_KEY = formatNoteKey(LOG_SIGNER.key);
