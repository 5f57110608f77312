import { formatSignedNote, LedgerError, type NoteKey, openNote, parseSignedNote } from "@bailiwick/ledger";
import { type Anchor, type Anchored, AnchorFault, type ProveGrowth } from "../../domain/anchor.ts";
import { formatAddCheckpoint, heldPath, parseHeldSize, SIZE_TYPE } from "../../witness/wire.ts";
import { type Answered, boundedRequest } from "./bounded-request.ts";
import { anchoredFrom, signatureLine } from "./growth.ts";

/** Somebody else may publish for the same log at the same time; after so many attempts the next round tries again. */
const MAX_ATTEMPTS = 3;

/** A witness (C2SP tlog-witness) at a URL, believed only as far as its key signs. */
export function witnessAnchor({ key, url }: { readonly key: NoteKey; readonly url: string }): Anchor {
  const base = url.replace(/\/+$/u, "");
  /** Sizes the witness said it holds; it may not go back from them. */
  const seen = new Map<string, number>();
  const newest = async (origin: string): Promise<Anchored | undefined> => {
    const answer = await boundedRequest({ method: "GET", url: `${base}/${heldPath(origin)}` });
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw refused(key, answer);
    return heldIn(answer.text, origin, key);
  };
  return {
    name: `witness ${key.name}`,
    kind: "witness",
    newest,
    async publish(origin, checkpoint, prove) {
      let old = seen.get(origin) ?? (await newest(origin))?.size ?? 0;
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        if (old > checkpoint.size) throw ahead(key, old, checkpoint.size);
        const answer = await submit(base, { old, checkpoint, prove });
        if (answer.status === 200) {
          seen.set(origin, checkpoint.size);
          return [cosignatureIn(answer.text, checkpoint, key)];
        }
        old = heldInstead(answer, key, seen.get(origin) ?? 0);
        seen.set(origin, old);
      }
      throw new AnchorFault("unreachable", `the witness \`${key.name}\` took other checkpoints meanwhile; this is tried again`);
    },
  };
}

interface Submission {
  readonly old: number;
  readonly checkpoint: Anchored;
  readonly prove: ProveGrowth;
}

async function submit(base: string, { old, checkpoint, prove }: Submission): Promise<Answered> {
  const proof = old === 0 || old === checkpoint.size ? [] : await prove(old, checkpoint.size);
  const body = formatAddCheckpoint({ old, proof, note: checkpoint.note });
  return boundedRequest({ method: "POST", url: `${base}/add-checkpoint`, headers: { "content-type": "text/plain; charset=utf-8" }, body });
}

/** The size in a 409. @throws AnchorFault for every other answer that is no cosignature. */
function heldInstead(answer: Answered, key: NoteKey, before: number): number {
  if (answer.status === 422)
    throw new AnchorFault("conflict", `the witness \`${key.name}\` does not find the log to go on from what it cosigned: ${said(answer)}`);
  const size = answer.status === 409 && answer.type.startsWith(SIZE_TYPE) ? parseHeldSize(answer.text) : undefined;
  if (size === undefined) throw refused(key, answer);
  if (size < before)
    throw new AnchorFault(
      "conflict",
      `the witness \`${key.name}\` went back from size ${before} to ${size}; it lost its memory: replace its key by a new one`,
    );
  return size;
}

/** What the witness shows: the signatures of the log as they are, and of the cosignatures only its own, verified. */
function heldIn(note: string, origin: string, key: NoteKey): Anchored {
  const wrong = (what: string, cause?: unknown): never => {
    throw new AnchorFault("refused", `the witness \`${key.name}\` ${what}; check its URL and its key in \`log.yaml\``, { cause });
  };
  if (!note.startsWith(`${origin}\n`)) return wrong("shows a checkpoint of another log");
  try {
    openNote(note, [key]);
    const { text, signatures } = parseSignedNote(note);
    const kept = signatures.filter(({ name, id }) => name === origin || (name === key.name && id === key.id));
    return anchoredFrom(formatSignedNote({ text, signatures: kept }));
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    return wrong("did not cosign what it shows", error);
  }
}

/** The line of this witness, verified; lines of keys it was not asked for are ignored (C2SP tlog-witness, "add-checkpoint"). */
function cosignatureIn(lines: string, { note }: Anchored, key: NoteKey): string {
  const { text } = parseSignedNote(note);
  try {
    const given = parseSignedNote(`${text}\n${lines}`).signatures.filter(({ name, id }) => name === key.name && id === key.id);
    const [own] = given;
    if (own !== undefined) {
      openNote(formatSignedNote({ text, signatures: [own] }), [key]);
      return signatureLine(own.name, own.id, own.signature);
    }
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
  }
  throw new AnchorFault(
    "refused",
    `the witness \`${key.name}\` answered without a cosignature of its key; compare the key in \`log.yaml\``,
  );
}

function ahead(key: NoteKey, held: number, size: number): AnchorFault {
  return new AnchorFault("conflict", `the witness \`${key.name}\` cosigned size ${held}, and the log has only ${size} records`);
}

function refused(key: NoteKey, answer: Answered): AnchorFault {
  const next = NEXT.get(answer.status) ?? "look into its log";
  // 5xx and a lock that is busy pass by themselves; the others need somebody.
  const code = answer.status >= 500 || answer.status === 429 ? "unreachable" : "refused";
  return new AnchorFault(code, `the witness \`${key.name}\` answered ${answer.status} (${said(answer)}); ${next}`);
}

/** A short line of somebody else's text, for a message. */
function said({ text }: Answered): string {
  const line = text.trim().slice(0, 200);
  return /^[\x20-\x7e]+$/u.test(line) ? `\`${line}\`` : "nothing readable";
}

const NEXT = new Map([
  [403, "give it the log's new key with `--log`"],
  [404, "give it the log's key with `--log`"],
]);
