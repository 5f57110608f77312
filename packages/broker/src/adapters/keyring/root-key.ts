import { randomBytes } from "node:crypto";
import { link, mkdir, open, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { Fault } from "../../domain/fault.ts";

/** AES-256. */
const ROOT_KEY_BYTES = 32;

/**
 * The key all other keys are wrapped with, from a text of 32 bytes in base64, base64url or hex (`BAILIWICK_ROOT_KEY`).
 * @throws Fault `credential_unavailable` when the text is no such key; the text itself is never repeated.
 */
export function rootKeyFromText(text: string): Buffer {
  const trimmed = text.trim();
  if (/^[0-9a-f]{64}$/i.test(trimmed)) return Buffer.from(trimmed, "hex");
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed)) {
    const key = Buffer.from(trimmed, "base64");
    if (key.byteLength === ROOT_KEY_BYTES) return key;
  }
  throw new Fault(
    "credential_unavailable",
    "the root key is not 32 bytes in base64 or hex; make one with `openssl rand -base64 32` and give it as BAILIWICK_ROOT_KEY",
  );
}

/**
 * The root key kept in `path` (mode 0600), made at first use and on the disk before it is used.
 * @throws Fault `credential_unavailable` when other users may read the file, or it holds no key.
 */
export async function rootKeyFromFile(path: string): Promise<Buffer> {
  const found = await read(path);
  if (found !== undefined) return found;
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  try {
    await writeFile(temporary, `${randomBytes(ROOT_KEY_BYTES).toString("base64")}\n`, { mode: 0o600, flag: "wx", flush: true });
    // link() keeps the first of two brokers' keys; rename() would replace a key that may already have sealed something.
    await link(temporary, path).catch(() => undefined);
    await syncFolder(dirname(path));
  } finally {
    await rm(temporary, { force: true });
  }
  const made = await read(path);
  if (made === undefined)
    throw new Fault(
      "credential_unavailable",
      `the root key could not be kept in \`${path}\`; make its folder writable, or set BAILIWICK_ROOT_KEY`,
    );
  return made;
}

async function read(path: string): Promise<Buffer | undefined> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new Fault("credential_unavailable", `the root key in \`${path}\` cannot be read; start the broker as the user who owns it`, {
      cause: error,
    });
  });
  if (text === undefined) return undefined;
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0)
    throw new Fault(
      "credential_unavailable",
      `other users may read the root key in \`${path}\`; run \`chmod 600\` on it, and change it if they may have read it`,
    );
  return rootKeyFromText(text);
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
