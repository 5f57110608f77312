import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { formatNoteKey, LedgerError, type NoteKey, openNote, parseCheckpointText } from "@bailiwick/ledger";
import { orNothing, replaceDurably, syncFolder } from "./durable-file.ts";
import { WitnessFault } from "./fault.ts";
import type { Held } from "./judge.ts";
import { originHash } from "./wire.ts";

/** What a witness cosigned last of a log. */
export interface HeldCheckpoint extends Held {
  /** With the signatures of the log and the cosignature of this witness. */
  readonly note: string;
}

/** What a witness remembers: one file a log, in a folder that one process holds. */
export interface WitnessState {
  /** @throws WitnessFault when the disk does not give back what was kept. */
  held(origin: string): Promise<HeldCheckpoint | undefined>;
  /** On the disk when it resolves. One call at a time for one log. @throws WitnessFault */
  keep(origin: string, held: HeldCheckpoint): Promise<void>;
  close(): void;
}

const KEY_FILE = "witness";
const LOCK_FILE = "lock";

/** Makes the folder of a new witness. @throws WitnessFault when it is one already or cannot be made. */
export async function newState(folder: string, key: NoteKey): Promise<void> {
  const made = await mkdir(folder, { recursive: true, mode: 0o700 }).then(
    () => readdir(folder),
    (error: unknown) => unusable(folder, error),
  );
  if (made.some((name) => name === KEY_FILE || name.endsWith(SUFFIX)))
    throw new WitnessFault(`\`${folder}\` is a witness's memory already; start without \`--new\``);
  await replaceDurably(join(folder, KEY_FILE), `${formatNoteKey(key)}\n`).catch((error: unknown) => unusable(folder, error));
  await syncFolder(join(folder, "..")).catch((error: unknown) => unusable(folder, error));
}

/**
 * Takes a witness's folder and reads all of it. A folder that is not there is refused: a volume that was not mounted looks like a witness that
 * has seen nothing, and one that forgot may sign a second history.
 * @throws WitnessFault when it is missing, held by another process, of another key, or not readable.
 */
export async function openState(folder: string, key: NoteKey): Promise<WitnessState> {
  const owner = await orNothing(readFile(join(folder, KEY_FILE), "utf8")).catch((error: unknown) => unusable(folder, error));
  if (owner === undefined)
    throw new WitnessFault(`\`${folder}\` holds no memory of a witness; mount its volume, or start a new witness with \`--new\``);
  if (owner !== `${formatNoteKey(key)}\n`)
    throw new WitnessFault(`\`${folder}\` is the memory of the witness \`${owner.trim()}\`; start it with that key`);
  const lock = lockFolder(folder);
  try {
    const files = (await readdir(folder)).filter((name) => name.endsWith(SUFFIX));
    for (const name of files) await readHeld(join(folder, name), key);
    return stateOf(folder, key, lock);
  } catch (error) {
    lock.close();
    throw error instanceof WitnessFault ? error : unusable(folder, error);
  }
}

function stateOf(folder: string, key: NoteKey, lock: DatabaseSync): WitnessState {
  const known = new Map<string, HeldCheckpoint>();
  /** Sizes that were on the disk: whatever the disk says later, a witness does not go back. */
  const floor = new Map<string, number>();
  const pathOf = (origin: string): string => join(folder, `${originHash(origin)}${SUFFIX}`);
  return {
    async held(origin) {
      const remembered = known.get(origin);
      if (remembered !== undefined) return remembered;
      const path = pathOf(origin);
      const held = await readHeld(path, key);
      if ((held?.size ?? 0) < (floor.get(origin) ?? 0))
        throw new WitnessFault(`\`${path}\` went back to an older checkpoint; find out who replaced it and make a new key`);
      if (held !== undefined && parseCheckpointText(held.text).origin !== origin)
        throw new WitnessFault(`\`${path}\` holds a checkpoint of another log; find out who replaced it and make a new key`);
      if (held !== undefined) known.set(origin, held);
      return held;
    },
    async keep(origin, held) {
      const path = pathOf(origin);
      // After a failed write nobody knows what the disk holds: the next request reads it anew.
      floor.set(origin, Math.max(floor.get(origin) ?? 0, known.get(origin)?.size ?? 0));
      known.delete(origin);
      await replaceDurably(path, held.note).catch((error: unknown) => {
        throw new WitnessFault(`\`${path}\` cannot be written; free space, or make its folder writable`, { cause: error });
      });
      known.set(origin, held);
    },
    close: () => lock.close(),
  };
}

/** Whatever stands in the folder has to be a checkpoint this witness cosigned. */
async function readHeld(path: string, key: NoteKey): Promise<HeldCheckpoint | undefined> {
  try {
    const note = await orNothing(readFile(path, "utf8"));
    if (note === undefined) return undefined;
    const { text } = openNote(note, [key]);
    return { size: parseCheckpointText(text).size, text, note };
  } catch (error) {
    const why = error instanceof LedgerError ? "is no checkpoint this witness cosigned" : "cannot be read";
    throw new WitnessFault(`\`${path}\` ${why}; a witness that lost its memory must not go on: retire its key and start a new one`, {
      cause: error,
    });
  }
}

/**
 * A lock that the system itself gives back when its holder dies, and that holds across containers that share a volume, where process ids
 * say nothing. Node has file locks only by way of SQLite, which takes them on a file nothing is written to.
 */
function lockFolder(folder: string): DatabaseSync {
  const path = join(folder, LOCK_FILE);
  try {
    const lock = new DatabaseSync(path, { timeout: 0 });
    lock.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    throw new WitnessFault(`\`${path}\` is held by another process, or cannot be made; one witness at a time may use \`${folder}\``, {
      cause: error,
    });
  }
}

function unusable(folder: string, cause: unknown): never {
  throw new WitnessFault(`the witness's memory in \`${folder}\` cannot be used; check that its volume is mounted and writable`, { cause });
}

const SUFFIX = ".checkpoint";
