import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { noteKey, type NoteKeyType, type NoteSigner } from "../../src/index.ts";

/** An Ed25519 signer that is the same in every run: its private key is made of its name. */
export function signer(name: string, type: NoteKeyType = "note", seed: string = name): NoteSigner {
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, `${seed} `)]);
  const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(-32);
  return { key: noteKey(name, publicKey, type), sign: (message) => sign(null, message, privateKey) };
}
