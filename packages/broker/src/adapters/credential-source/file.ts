import { type FileHandle, open } from "node:fs/promises";
import { Fault } from "../../domain/fault.ts";
import { MAX_VALUE_BYTES, usableValue, type ValueSource } from "./value-source.ts";

/** Values in files that only the broker's user (or root) may read. Read anew each time, so a replaced file counts on the next look. */
export function fileSource(): ValueSource {
  return {
    async read(place) {
      const file = await openIfThere(place);
      if (file === undefined) return undefined;
      try {
        const { mtimeMs, mtime } = await requirePrivate(file, place);
        return { value: usableValue(await readText(file, place), `file:${place}`), version: Math.trunc(mtimeMs), since: mtime };
      } finally {
        await file.close();
      }
    },
  };
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new Fault("credential_unavailable", `the file \`${path}\` cannot be read; let the broker's user read it, and nobody else`);
  }
}

/** Asked of the open file, not of its name: it could be another file by then. */
async function requirePrivate(file: FileHandle, path: string): Promise<{ mtimeMs: number; mtime: Date }> {
  const found = await file.stat();
  const owner = process.getuid?.();
  if (!found.isFile()) throw new Fault("credential_unavailable", `\`${path}\` is no file; name one that holds nothing but the value`);
  if ((found.mode & 0o077) !== 0 || (owner !== undefined && found.uid !== owner && found.uid !== 0)) {
    throw new Fault(
      "credential_unavailable",
      `others than the broker's user may read or own \`${path}\`; run \`chmod 600\` on it, and change the credential if they may have read it`,
    );
  }
  if (found.size > MAX_VALUE_BYTES)
    throw new Fault("credential_unavailable", `\`${path}\` is larger than ${MAX_VALUE_BYTES} bytes; name the right file`);
  return found;
}

async function readText(file: FileHandle, path: string): Promise<string> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_VALUE_BYTES + 1), 0, MAX_VALUE_BYTES + 1, 0);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(buffer.subarray(0, bytesRead));
  } catch {
    throw new Fault("credential_unavailable", `\`${path}\` holds no UTF-8 text; name the right file`);
  }
}
