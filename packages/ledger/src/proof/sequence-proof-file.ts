import { canonicalize } from "../canonicalize.ts";
import { decodeBase64, malformed } from "../strict-text.ts";
import { type Hash, isHash } from "../tree/hash.ts";
import { isCount } from "../tree/shape.ts";
import type { SequenceProof, SequenceRecord } from "./sequence-proof.ts";

export const SEQUENCE_PROOF_TYPE = "bailiwick-sequence-proof/1";

/** Reads a proof of a sequence without believing it. @throws LedgerError `malformed` for anything but exactly what `formatSequenceProof` writes. */
export function parseSequenceProof(text: string): SequenceProof {
  // One proof, one text: whatever is in the file besides, or written otherwise, makes it another.
  if (!isCanonical(text)) return notOne();
  const file = membersOf(JSON.parse(text), ["checkpoint", "head", "records", "sequence", "type"]);
  const head = membersOf(file["head"], ["line", "siblings"]);
  const [kind, name] = arrayOf(file["sequence"]);
  const { checkpoint } = file;
  const { line } = head;
  const proper =
    typeof checkpoint === "string" && typeof kind === "string" && typeof name === "string" && (line === null || typeof line === "string");
  if (!proper || file["type"] !== SEQUENCE_PROOF_TYPE || arrayOf(file["sequence"]).length !== 2) return notOne();
  return {
    sequence: { kind, name },
    checkpoint,
    head: { line: line ?? undefined, siblings: hashesOf(head["siblings"]) },
    records: arrayOf(file["records"]).map(recordOf),
  };
}

function recordOf(value: unknown): SequenceRecord {
  const { index, proof, text } = membersOf(value, ["index", "proof", "text"]);
  return typeof index === "number" && isCount(index) && typeof text === "string" ? { index, text, hashes: hashesOf(proof) } : notOne();
}

function hashesOf(value: unknown): readonly Hash[] {
  return arrayOf(value).map((one) => {
    const hash = typeof one === "string" ? decodeBase64(one) : undefined;
    return hash !== undefined && isHash(hash) ? hash : notOne();
  });
}

function membersOf<Name extends string>(value: unknown, names: readonly Name[]): Readonly<Record<Name, unknown>> {
  if (typeof value !== "object" || value === null || Object.keys(value).length !== names.length) return notOne();
  const members: Partial<Record<Name, unknown>> = {};
  for (const name of names) members[name] = Object.hasOwn(value, name) ? Reflect.get(value, name) : notOne();
  return members as Record<Name, unknown>;
}

function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : notOne();
}

function isCanonical(text: string): boolean {
  try {
    return canonicalize(JSON.parse(text)) === text;
  } catch {
    return false;
  }
}

function notOne(): never {
  return malformed("the file is not the proof of a sequence", "pass it as it was written");
}
