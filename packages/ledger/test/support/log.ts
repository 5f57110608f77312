import {
  byRunAndAgent,
  canonicalize,
  formatCheckpoint,
  formatHeadsLine,
  growTree,
  type Hash,
  headsMap,
  leafHash,
  type NoteSigner,
  signNote,
} from "../../src/index.ts";
import { signer } from "./keys.ts";

export const ORIGIN = "bailiwick.example/log/acme";
export const LOG_SIGNER: NoteSigner = signer(ORIGIN);

/** A record as a broker writes it, of one of seven runs and three agents. */
export function record(index: number): string {
  return canonicalize({ agent: `bailiwick://acme/prod/helpdesk/a${index % 3}`, kind: "intent", run: `r-${index % 7}`, seq: index });
}

/** A written log: its records, and a signed checkpoint after each of the sizes. */
export interface WrittenLog {
  readonly records: readonly string[];
  readonly leaves: readonly Hash[];
  readonly checkpoints: readonly string[];
}

export async function writtenLog(
  records: readonly string[],
  sizes: readonly number[],
  signers: readonly NoteSigner[] = [LOG_SIGNER],
): Promise<WrittenLog> {
  const tree = growTree();
  const heads = headsMap();
  const checkpoints: string[] = [];
  const sign = async (): Promise<void> => {
    const extensions = [formatHeadsLine(heads.commitment())];
    checkpoints.push(await signNote(formatCheckpoint({ origin: ORIGIN, size: tree.size(), root: tree.root(), extensions }), signers));
  };
  if (sizes.includes(0)) await sign();
  for (const [index, text] of records.entries()) {
    tree.push(leafHash(text));
    for (const key of byRunAndAgent(JSON.parse(text))) heads.add(key, index);
    if (sizes.includes(index + 1)) await sign();
  }
  return { records, leaves: records.map((text) => leafHash(text)), checkpoints };
}

/** Records 0 up to a size, with a checkpoint every so many and one at the end. */
export function plainLog(size: number, every: number): Promise<WrittenLog> {
  const sizes = Array.from({ length: Math.floor(size / every) }, (_, place) => (place + 1) * every);
  return writtenLog(
    Array.from({ length: size }, (_, index) => record(index)),
    [...sizes, size],
  );
}

export function leavesOf(size: number): readonly Hash[] {
  return Array.from({ length: size }, (_, index) => leafHash(`leaf ${index}`));
}

/** The element, which has to be there. */
export function nth<T>(items: readonly T[], index: number): T {
  const item = items.at(index);
  if (item === undefined) throw new RangeError(`no item ${index}`);
  return item;
}

/** The code a LedgerError was thrown with; `accepted` when nothing was thrown. Anything else that is thrown is an error of the test. */
export function codeOf(action: () => unknown): string {
  try {
    action();
    return "accepted";
  } catch (error) {
    if (error instanceof Error && "code" in error && error.name === "LedgerError") return String(error.code);
    throw error;
  }
}
