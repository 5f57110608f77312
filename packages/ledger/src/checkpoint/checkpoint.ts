import { decodeBase64, decodeDecimal, encodeBase64, isPlain, malformed } from "../strict-text.ts";
import { type Hash, isHash } from "../tree/hash.ts";
import { isCount } from "../tree/shape.ts";

/** The head of a log at one size (C2SP tlog-checkpoint, "Note text"). */
export interface Checkpoint {
  /** The log's unique name, such as `bailiwick.example/log/acme`. */
  readonly origin: string;
  readonly size: number;
  readonly root: Hash;
  /** Further lines, none of them empty. */
  readonly extensions: readonly string[];
}

/** The text that is signed (C2SP tlog-checkpoint, "Note text"). @throws LedgerError `malformed` when a part cannot stand in it. */
export function formatCheckpoint({ origin, size, root, extensions }: Checkpoint): string {
  const lines = [origin, String(size), encodeBase64(root), ...extensions];
  if (!isCount(size) || !isHash(root) || !lines.every(isLine))
    return malformed("the checkpoint cannot be written", "its lines are not empty and hold no line feed");
  return `${lines.join("\n")}\n`;
}

/** Reads the text of a checkpoint, without its signatures. @throws LedgerError `malformed` */
export function parseCheckpointText(text: string): Checkpoint {
  const lines = text.split("\n");
  const [origin, size, root, ...extensions] = lines.slice(0, -1);
  const count = size === undefined ? undefined : decodeDecimal(size);
  const hash = root === undefined ? undefined : decodeBase64(root);
  if (
    origin === undefined ||
    count === undefined ||
    hash === undefined ||
    !isHash(hash) ||
    lines.at(-1) !== "" ||
    !lines.slice(0, -1).every(isLine)
  )
    return malformed("the text is not a checkpoint", "it has an origin, a size and a root hash, a line each");
  return { origin, size: count, root: hash, extensions };
}

function isLine(line: string): boolean {
  return line !== "" && isPlain(line, "no line feeds");
}
