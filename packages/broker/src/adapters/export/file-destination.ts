import { constants } from "node:fs";
import { type FileHandle, link, open, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { headOf, lineEndOf } from "../../insight/export/formats.ts";
import { type Batch, DeliveryFault, type Destination, reasonOf } from "./destination.ts";

/** 100 MiB. */
const ROTATE_AT_BYTES = 104_857_600;
/** No link is followed: whoever may write in the folder must not choose another file. Records are for the owner's eyes. */
const FLAGS = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
const MODE = 0o600;
const LINE_FEED = 0x0a;
const CHUNK_BYTES = 65_536;
/** Names tried for a file that is put aside; the same last record twice means a batch was delivered twice. */
const MAX_NAMES = 1_000;

/**
 * Appends to a file, durably: a batch is taken when it is on the disk. A file that has reached its size is put aside under the index of its last
 * record and never overwritten. What a crash left of a line is cut off; its record comes again.
 */
export function fileDestination(path: string, rotateAtBytes = ROTATE_AT_BYTES): Destination {
  return {
    wants: "lines",
    deliver: async (batch) => {
      try {
        if ((await append(path, batch)) >= rotateAtBytes) await putAside(path, batch.last);
      } catch (error) {
        if (error instanceof DeliveryFault) throw error;
        throw new DeliveryFault("unreachable", `\`${path}\` cannot be written: ${reasonOf(error)}`, { cause: error });
      }
    },
  };
}

/** Returns the size of the file afterwards. */
async function append(path: string, batch: Batch): Promise<number> {
  const file = await open(path, FLAGS, MODE);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new DeliveryFault("refused", `\`${path}\` is no file; name one, or one that does not exist yet`);
    const size = await cutTornLine(file, stat.size);
    const end = lineEndOf(batch.format);
    const text = (size === 0 ? headOf(batch.format) : "") + batch.lines.map((line) => line + end).join("");
    await file.appendFile(text, "utf8");
    await file.datasync();
    // A new name is durable only with its folder.
    if (size === 0) await syncFolder(path);
    return size + Buffer.byteLength(text, "utf8");
  } finally {
    await file.close();
  }
}

/** Cuts off what stands behind the last line feed. Returns the size that is left. */
async function cutTornLine(file: FileHandle, size: number): Promise<number> {
  const buffer = Buffer.alloc(CHUNK_BYTES);
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - CHUNK_BYTES);
    const { bytesRead } = await file.read(buffer, 0, end - start, start);
    const found = buffer.subarray(0, bytesRead).lastIndexOf(LINE_FEED);
    if (found !== -1) {
      const whole = start + found + 1;
      if (whole < size) await file.truncate(whole);
      return whole;
    }
    end = start;
  }
  if (size > 0) await file.truncate(0);
  return 0;
}

/** A hard link fails where a name is taken, which a rename would overwrite. */
async function putAside(path: string, last: number): Promise<void> {
  for (let attempt = 0; attempt < MAX_NAMES; attempt++) {
    const name = `${path}.${String(last).padStart(12, "0")}${attempt === 0 ? "" : `-${attempt}`}`;
    try {
      await link(path, name);
    } catch (error) {
      if (reasonOf(error) === "EEXIST") continue;
      throw error;
    }
    await unlink(path);
    await syncFolder(path);
    return;
  }
  throw new DeliveryFault("refused", `\`${path}\` cannot be put aside: all names for record ${last} are taken; move the old files away`);
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
