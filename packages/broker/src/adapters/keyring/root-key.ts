import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { Fault } from "../../domain/fault.ts";
import { keepFirst, readPrivate } from "./keep-first.ts";
import { rootKeyFromToken } from "./pkcs11-root-key.ts";

/** AES-256. */
export const ROOT_KEY_BYTES = 32;

/**
 * The root key of a broker: BAILIWICK_ROOT_KEY (a text, or a `pkcs11:` URI of the key that wraps it), else the file `root-key` in the
 * data folder.
 * @throws Fault `credential_unavailable`.
 */
export function openRootKey(dataFolder: string, environment: (name: string) => string | undefined): Promise<Buffer> {
  const given = environment("BAILIWICK_ROOT_KEY");
  if (given === undefined || given === "") return rootKeyFromFile(join(dataFolder, "root-key"));
  if (given.startsWith("pkcs11:")) return rootKeyFromToken(given, join(dataFolder, "root-key.pkcs11"), environment);
  return Promise.resolve().then(() => rootKeyFromText(given));
}

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
  const found = await readPrivate(path, "the root key");
  if (found !== undefined) return rootKeyFromText(found);
  await keepFirst(path, `${randomBytes(ROOT_KEY_BYTES).toString("base64")}\n`);
  const made = await readPrivate(path, "the root key");
  if (made === undefined)
    throw new Fault(
      "credential_unavailable",
      `the root key could not be kept in \`${path}\`; make its folder writable, or set BAILIWICK_ROOT_KEY`,
    );
  return rootKeyFromText(made);
}
