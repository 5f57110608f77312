import { generateKeyPairSync, sign } from "node:crypto";
import {
  byRunAndAgent,
  canonicalize,
  formatCheckpoint,
  formatHeadsLine,
  growTree,
  type Hash,
  headsMap,
  leafHash,
  type LogKey,
  noteKey,
  type NoteKeyType,
  type NoteSigner,
  proveConsistency,
  rootOf,
  signNote,
  sourceOfLeaves,
} from "@bailiwick/ledger";
import type { Anchored, ProveGrowth } from "../../src/domain/anchor.ts";

/** A signer with a fresh key. */
export function freshSigner(name: string, type: NoteKeyType = "note"): NoteSigner {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  return { key: noteKey(name, raw, type), sign: (message) => sign(null, message, privateKey) };
}

/** A log in memory, made with the ledger alone. Its branch decides what its records say. */
export interface WrittenLog {
  readonly origin: string;
  readonly signer: NoteSigner;
  /** The signed checkpoint of a size. */
  at(size: number, signers?: readonly NoteSigner[]): Promise<Anchored>;
  readonly prove: ProveGrowth;
}

/** `forkAt`: from that record on, a log with another name for its branch has other records. */
export function writtenLog(signer: NoteSigner, size: number, branch = "", forkAt = 0): WrittenLog {
  const records = Array.from({ length: size }, (_, index) =>
    canonicalize({
      agent: "bailiwick://acme/prod/helpdesk/a",
      index,
      run: `r-${index % 7}`,
      ...(index >= forkAt && branch !== "" ? { branch } : {}),
    }),
  );
  const leaves: readonly Hash[] = records.map((text) => leafHash(text));
  const source = sourceOfLeaves(leaves);
  const origin = signer.key.name;
  return {
    origin,
    signer,
    async at(upTo, signers = [signer]) {
      const heads = headsMap();
      for (const [index, text] of records.slice(0, upTo).entries())
        for (const key of byRunAndAgent(JSON.parse(text))) heads.add(key, index);
      const extensions = [formatHeadsLine(heads.commitment())];
      const note = await signNote(formatCheckpoint({ origin, size: upTo, root: rootOf(source, upTo), extensions }), signers);
      return { size: upTo, note };
    },
    prove: (from, to) => Promise.resolve(from === 0 ? [] : proveConsistency(source, from, to)),
  };
}

/** The root of a tree grown leaf by leaf, for checkpoints whose text a test writes itself. */
export function rootAfter(texts: readonly string[]): Hash {
  const tree = growTree();
  for (const text of texts) tree.push(leafHash(text));
  return tree.root();
}

/** Keys of a log of which none was retired. */
export function logKeys(...signers: readonly NoteSigner[]): readonly LogKey[] {
  return signers.map(({ key }) => ({ key, from: 0, until: undefined }));
}
