import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Replaces a file by a new text; on the disk when it resolves, and a crash leaves the old one or the new one.
 * `draft` is what it is written to first; each of several writers at a time needs its own.
 */
export async function replaceDurably(path: string, text: string, { mode = 0o600, draft = `${path}.draft` } = {}): Promise<void> {
  const file = await open(draft, "w", mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  await syncFolder(dirname(path));
}

/** Makes what was created or renamed in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Undefined when nothing is at the path. */
export async function orNothing<T>(reading: Promise<T>): Promise<T | undefined> {
  return reading.catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  });
}
