import { LedgerError } from "../ledger-error.ts";
import { openNote, type VerifiedSignature } from "../note/open.ts";
import { parseSignedNote } from "../note/signed-note.ts";
import { type Checkpoint, parseCheckpointText } from "./checkpoint.ts";
import { covers, type LogKey, type LogPolicy } from "./policy.ts";
import { isMet, type Quorum } from "./quorum.ts";

/** A checkpoint that the policy accepts, and who vouched for it. */
export interface OpenedCheckpoint extends Checkpoint {
  readonly signers: readonly LogKey[];
  /** Each witness once. */
  readonly cosignatures: readonly VerifiedSignature[];
}

/**
 * Verifies a signed checkpoint (C2SP tlog-checkpoint, C2SP tlog-cosignature): of this log, signed by one of its keys that may sign this size,
 * and cosigned by enough witnesses. Unknown signatures are ignored; one of a known key that does not fit refuses the whole.
 * @throws LedgerError `malformed`, `foreign`, `untrusted`, `bad_signature`, `key_out_of_range`, `quorum_missed`
 */
export function openCheckpoint(note: string, policy: LogPolicy): OpenedCheckpoint {
  const opened = openSigned(note, policy);
  requireQuorum(opened.size, opened.cosignatures, policy.quorum);
  return opened;
}

/** @throws LedgerError `quorum_missed` */
export function requireQuorum(size: number, cosignatures: readonly VerifiedSignature[], quorum: Quorum): void {
  const cosigners = cosignatures.map(({ key }) => key);
  if (isMet(quorum, cosigners)) return;
  const names = cosigners.length === 0 ? "no witness" : `only ${cosigners.map(({ name }) => `\`${name}\``).join(", ")}`;
  throw new LedgerError(
    "quorum_missed",
    `${names} cosigned size ${size}, and ${quorum.needed} of ${quorum.of.length} have to: wait for them, or ask why they do not`,
  );
}

/** The same, whatever the number of witnesses. For checkpoints that a later, cosigned one covers. */
export function openSigned(note: string, policy: LogPolicy): OpenedCheckpoint {
  const checkpoint = parseCheckpointText(parseSignedNote(note).text);
  if (checkpoint.origin !== policy.origin)
    throw new LedgerError(
      "foreign",
      `the checkpoint is of log \`${checkpoint.origin}\`, not of \`${policy.origin}\`: compare which log was exported`,
    );
  const { verified } = openNote(note, [...policy.keys.map(({ key }) => key), ...policy.witnesses]);
  const logKeys = policy.keys.filter(({ key }) => verified.some((one) => one.key === key));
  const signers = logKeys.filter((key) => covers(key, checkpoint.size));
  if (logKeys.length === 0)
    throw new LedgerError("untrusted", "witnesses cosigned the checkpoint, but no key of the log signed it: ask the log for it");
  if (signers.length === 0)
    throw new LedgerError(
      "key_out_of_range",
      `the key that signed size ${checkpoint.size} may not sign it: it was retired before, or comes later`,
    );
  const cosignatures = policy.witnesses.flatMap((key) => verified.filter((one) => one.key === key).slice(0, 1));
  return { ...checkpoint, signers, cosignatures };
}
