import { isUtf8 } from "node:buffer";
import { faultAt } from "../export/progress.ts";
import type { ExportFault } from "../export/types.ts";
import { entryBundlePath, TILE_WIDTH } from "../tiles/address.ts";
import { takeEntries } from "../tiles/entry-bundle.ts";
import { pathsOf, readFirst } from "./tile-files.ts";
import type { LogFolder } from "./types.ts";

/** Where the records lie. */
export interface RecordsPlace {
  /** Index of the first record. */
  readonly first: number;
  /** Sizes that checkpoints claim, largest first. */
  readonly sizes: readonly number[];
}

/**
 * Gives the records in the order of the bundles to `take`, one bundle in memory at a time, until it returns false. What stands in a bundle is
 * given as far as it can be read, so that the tree shows which record is wrong. Returns what is wrong with the files themselves.
 */
export function readRecords(folder: LogFolder, { first, sizes }: RecordsPlace, take: (text: string) => boolean): ExportFault | undefined {
  const end = sizes[0] ?? 0;
  let skip = first % TILE_WIDTH;
  for (let bundle = Math.floor(first / TILE_WIDTH); bundle * TILE_WIDTH < end; bundle += 1) {
    const file = readFirst(
      folder,
      pathsOf((width) => entryBundlePath(bundle, width), bundle, 1, sizes),
    );
    // The tree says what is missing: the end of the log, or a piece of it.
    if (file === undefined) return undefined;
    const { entries, rest } = takeEntries(file.bytes);
    // A full bundle may stand for a partial one (C2SP tlog-tiles, "Partial Tiles"); what is past the last checkpoint does not count.
    const own = file.width === TILE_WIDTH ? entries.slice(0, Math.max(0, end - bundle * TILE_WIDTH)) : entries;
    for (const entry of own.slice(skip)) if (!take(textOf(entry))) return undefined;
    if (rest > 0) {
      const at = bundle * TILE_WIDTH + entries.length;
      return faultAt(at, "malformed", `\`${file.path}\` holds ${rest} bytes at record ${at} that are no entry`);
    }
    skip = 0;
  }
  return undefined;
}

/** An entry as a text. What is not UTF-8 has none; a lone surrogate makes the verifier refuse it as it does every such text. */
function textOf(entry: Uint8Array): string {
  const bytes = Buffer.from(entry.buffer, entry.byteOffset, entry.byteLength);
  return isUtf8(bytes) ? bytes.toString("utf8") : `\ud800${bytes.toString("latin1")}`;
}
