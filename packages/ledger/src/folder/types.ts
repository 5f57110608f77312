import type { ExportFault, ExportProven } from "../export/types.ts";

/** The files of an export folder, by their paths in it. The callbacks do the reading: this package opens no files. */
export interface LogFolder {
  /** The bytes of a file; undefined when the folder has none of that path. */
  read(path: string): Uint8Array | undefined;
  /** The lines of a file, each with its line feed, without reading it whole; undefined when the folder has none of that path. */
  lines(path: string): Iterable<string> | undefined;
}

/** A folder that was verified: every record of it is where it was written. */
export interface FolderProven extends ExportProven {
  readonly origin: string;
  /** Index of the first record; above 0 when older ones were retired. */
  readonly first: number;
  /** Records whose facts are shown and are those the records commit to. */
  readonly disclosed: number;
}

export type FolderVerdict = FolderProven | ExportFault;

/** A line of `checkpoints.jsonl`. */
export interface CheckpointLine {
  readonly size: number;
  readonly note: string;
}
