import { parseCheckpointText } from "../checkpoint/checkpoint.ts";
import { openSigned } from "../checkpoint/open.ts";
import type { LogPolicy } from "../checkpoint/policy.ts";
import { faultAt } from "../export/progress.ts";
import type { ExportFault } from "../export/types.ts";
import { LedgerError } from "../ledger-error.ts";
import { parseSignedNote } from "../note/signed-note.ts";
import { equalBytes } from "../strict-text.ts";
import { TILE_WIDTH } from "../tiles/address.ts";
import { sourceOfTiles } from "../tiles/hash-tile.ts";
import type { Hash } from "../tree/hash.ts";
import { type HashSource, rootOf } from "../tree/source.ts";
import { readExactly } from "./tile-files.ts";
import type { LogFolder } from "./types.ts";

/** A tree whose tiles were found to give its root, and where its records begin. */
interface BegunTree {
  readonly size: number;
  readonly first: number;
}

interface Before {
  readonly size: number;
  readonly root: Hash;
  readonly note: string;
  /** Kept in a second place, so that comparing it was asked for. */
  readonly elsewhere: boolean;
}

/**
 * Whether the log goes on from the checkpoints that lie before its first record: no record says so, but the tree's tiles do. Otherwise a second
 * history would only have to call its beginning retired. Without the tiles a checkpoint of a second place is refused, one of the folder passed over.
 */
export function beforeBaseFault(
  folder: LogFolder,
  { size, first }: BegunTree,
  checkpoints: { readonly policy: LogPolicy; readonly own: readonly string[]; readonly also: readonly string[] },
): ExportFault | undefined {
  const { policy, own, also } = checkpoints;
  const found = [...own.flatMap((note) => before(note, first, false)), ...also.flatMap((note) => before(note, first, true))];
  let tile = -1;
  let source: HashSource | undefined;
  for (const one of found.toSorted((left, right) => left.size - right.size)) {
    // One source keeps the tiles it read, and a long log has many.
    if (source === undefined || tile !== Math.floor(one.size / TILE_WIDTH)) {
      source = sourceOfTiles(size, (address) => readExactly(folder, address));
      tile = Math.floor(one.size / TILE_WIDTH);
    }
    const fault = faultOf(source, one, policy);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function before(note: string, first: number, elsewhere: boolean): readonly Before[] {
  const { size, root } = parseCheckpointText(parseSignedNote(note).text);
  return size > 0 && size < first ? [{ size, root, note, elsewhere }] : [];
}

function faultOf(source: HashSource, { size, root, note, elsewhere }: Before, policy: LogPolicy): ExportFault | undefined {
  let own: Hash;
  try {
    own = rootOf(source, size);
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    const what = `the folder lacks the hash tiles that show whether the log goes on from the checkpoint of size ${size} kept elsewhere`;
    return elsewhere ? faultAt(size - 1, "tile_missing", what) : undefined;
  }
  if (equalBytes(own, root)) return undefined;
  try {
    openSigned(note, policy);
  } catch (error) {
    if (error instanceof LedgerError) return faultAt(0, error.code, error.message);
    throw error;
  }
  return {
    ok: false,
    code: "fork",
    at: 0,
    until: size,
    why: `the log does not go on from the signed checkpoint of size ${size}: its retired records were others`,
  };
}
