import { randomBytes } from "node:crypto";
import { link, mkdir, open, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { Fault } from "../../domain/fault.ts";

/**
 * The text of a key file that only its owner may read; undefined when there is none. `what` names it in errors.
 * @throws Fault `credential_unavailable` when it cannot be read, or other users may read it.
 */
export async function readPrivate(path: string, what: string): Promise<string | undefined> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new Fault("credential_unavailable", `${what} in \`${path}\` cannot be read; start the broker as the user who owns it`, {
      cause: error,
    });
  });
  if (text === undefined) return undefined;
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0)
    throw new Fault(
      "credential_unavailable",
      `other users may read ${what} in \`${path}\`; run \`chmod 600\` on it, and change it if they may have read it`,
    );
  return text;
}

/** Writes the file (mode 0600) unless there is one, and is on the disk when it resolves. */
export async function keepFirst(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  try {
    await writeFile(temporary, text, { mode: 0o600, flag: "wx", flush: true });
    // link() keeps the first of two brokers' keys; rename() would replace a key that may already have sealed something.
    await link(temporary, path).catch(() => undefined);
    await syncFolder(dirname(path));
  } finally {
    await rm(temporary, { force: true });
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
