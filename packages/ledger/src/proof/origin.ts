import { parseCheckpointText } from "../checkpoint/checkpoint.ts";
import { parseSignedNote } from "../note/signed-note.ts";
import { parseSequenceProof } from "./sequence-proof-file.ts";
import { parseTlogProof, TLOG_PROOF_HEADER } from "./tlog-proof.ts";

/** The log that a proof of either kind names, for choosing the keys to verify it with; nothing is verified. @throws LedgerError `malformed` */
export function originOfProof(text: string): string {
  const { checkpoint } = text.startsWith(TLOG_PROOF_HEADER) ? parseTlogProof(text) : parseSequenceProof(text);
  return parseCheckpointText(parseSignedNote(checkpoint).text).origin;
}
