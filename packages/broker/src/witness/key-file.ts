import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { open, readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { formatNoteKey, noteKey, type NoteSigner } from "@bailiwick/ledger";
import { z } from "zod";
import { syncFolder } from "./durable-file.ts";
import { WitnessFault } from "./fault.ts";

const keyFile = z.strictObject({
  /** The public key, as verifiers write it (C2SP signed-note, "Verifier keys"; type 0x04). */
  witness: z.string(),
  /** PKCS #8 in base64. */
  privateKey: z.base64(),
});

/**
 * Makes a witness's key and writes it to a new file that only its owner may read. Returns the verifier key for `log.yaml`.
 * @throws WitnessFault when the file cannot be written or is there already; LedgerError `malformed` for a name that is none.
 */
export async function newKeyFile(path: string, name: string): Promise<string> {
  const { privateKey } = generateKeyPairSync("ed25519");
  const witness = formatNoteKey(signerOf(name, privateKey).key);
  const der = privateKey.export({ type: "pkcs8", format: "der" }).toString("base64");
  try {
    const file = await open(path, "wx", 0o600);
    try {
      await file.writeFile(`${JSON.stringify({ witness, privateKey: der }, undefined, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await syncFolder(dirname(path));
  } catch (error) {
    throw new WitnessFault(`cannot write \`${path}\`, or it is there already; name a new file in a folder that exists`, { cause: error });
  }
  return witness;
}

/** The key of a file that `newKeyFile` wrote. @throws WitnessFault when it cannot be read, others may read it, or it is none. */
export async function readKeyFile(path: string): Promise<NoteSigner> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new WitnessFault(`the witness's key in \`${path}\` cannot be read; start as the user who owns it`, { cause: error });
  });
  if (((await stat(path)).mode & 0o077) !== 0)
    throw new WitnessFault(
      `other users may read the witness's key in \`${path}\`; run \`chmod 600\` on it, or make a new key if they read it`,
    );
  try {
    const { witness, privateKey } = keyFile.parse(JSON.parse(text));
    const name = witness.slice(0, witness.indexOf("+"));
    const signer = signerOf(name, createPrivateKey({ key: Buffer.from(privateKey, "base64"), format: "der", type: "pkcs8" }));
    if (formatNoteKey(signer.key) === witness) return signer;
  } catch {
    // What could not be parsed is not repeated: it may hold the key.
  }
  throw new WitnessFault(`\`${path}\` holds no key of a witness; make one with \`bailiwick witness new-key\``);
}

function signerOf(name: string, privateKey: KeyObject): NoteSigner {
  const { x } = ed25519.parse(privateKey.export({ format: "jwk" }));
  return { key: noteKey(name, Buffer.from(x, "base64url"), "cosignature"), sign: (message) => sign(null, message, privateKey) };
}

const ed25519 = z.object({ kty: z.literal("OKP"), crv: z.literal("Ed25519"), x: z.string() });
