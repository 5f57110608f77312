import {
  type Checkpoint,
  emptyRoot,
  LedgerError,
  type NoteKey,
  openNote,
  parseCheckpointText,
  parseSignedNote,
  verifyConsistency,
} from "@bailiwick/ledger";
import { type AddCheckpoint, parseAddCheckpoint } from "./wire.ts";

/** A request that may be answered, unless the log's state says otherwise. */
export interface ReadRequest extends Omit<AddCheckpoint, "note"> {
  readonly checkpoint: Checkpoint;
  /** What is signed. */
  readonly text: string;
  /** The checkpoint with the signatures of the log's trusted keys and no others. */
  readonly signed: ReturnType<typeof parseSignedNote>;
}

/** What a witness last cosigned of one log. */
export interface Held {
  readonly size: number;
  readonly text: string;
}

/** Why nothing is cosigned, with the status of the answer. */
export interface NotCosigned {
  readonly ok: false;
  readonly status: 400 | 403 | 404 | 409 | 422;
  readonly why: string;
}

/**
 * Reads a request and verifies the log's signature (C2SP tlog-witness, "add-checkpoint"): 400 malformed, 404 a log this witness does not
 * know, 403 not signed by a key of it.
 */
export function readRequest(body: string, logs: readonly NoteKey[]): { readonly ok: true; readonly request: ReadRequest } | NotCosigned {
  try {
    const { old, proof, note } = parseAddCheckpoint(body);
    const { text, signatures } = parseSignedNote(note);
    const checkpoint = parseCheckpointText(text);
    const keys = logs.filter(({ name }) => name === checkpoint.origin);
    if (keys.length === 0) return no(404, "this witness was not told of the log; its operator adds the log's key");
    openNote(note, keys);
    // Others' signatures are not passed on as if this witness had looked at them.
    const own = signatures.filter((one) => keys.some(({ name, id }) => name === one.name && id === one.id));
    if (old > checkpoint.size) return no(400, `the old size ${old} is larger than the checkpoint's ${checkpoint.size}`);
    return { ok: true, request: { old, proof, checkpoint, text, signed: { text, signatures: own } } };
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    return no(error.code === "untrusted" || error.code === "bad_signature" ? 403 : 400, error.message);
  }
}

/**
 * Whether the checkpoint goes on from the one that was cosigned last (C2SP tlog-witness, "add-checkpoint"): 409 the log is mistaken about which
 * that is, 422 it does not go on from it. Stricter than the specification in one thing: of one size only one text is cosigned, extension
 * lines included. They hold how many records each run has, and two statements of that would be two histories.
 */
export function judge({ old, proof, checkpoint, text }: ReadRequest, held: Held | undefined): { readonly ok: true } | NotCosigned {
  const last = held?.size ?? 0;
  if (old !== last) return no(409, String(last));
  if (checkpoint.size === 0 && !same(checkpoint.root, emptyRoot())) return no(422, "an empty log has the root of the empty tree");
  if (old === 0 && proof.length > 0) return no(422, "from size 0 there is nothing to prove; send no proof");
  if (held !== undefined && checkpoint.size === held.size && text !== held.text)
    return no(422, `another checkpoint of size ${held.size} was cosigned`);
  if (held === undefined || held.size === 0) return { ok: true };
  const claim = { size1: held.size, root1: parseCheckpointText(held.text).root, size2: checkpoint.size, root2: checkpoint.root };
  return verifyConsistency(claim, proof)
    ? { ok: true }
    : no(422, `the proof does not show that size ${checkpoint.size} goes on from the cosigned size ${held.size}`);
}

function no(status: NotCosigned["status"], why: string): NotCosigned {
  return { ok: false, status, why };
}

function same(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}
