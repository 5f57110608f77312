import { canonicalize } from "../canonicalize.ts";
import { headLine, parseHeadLine, type SequenceHead } from "../heads/head.ts";
import { decodeBase64, encodeBase64, malformed } from "../strict-text.ts";
import { EMPTY_FRONTIER, type Frontier } from "../tree/growth.ts";
import { isHash } from "../tree/hash.ts";
import { isCount, perfectSizes } from "../tree/shape.ts";
import { BASE_FILE } from "./paths.ts";
import type { LogFolder } from "./types.ts";

/** Where an export begins. */
export interface FolderBase {
  readonly frontier: Frontier;
  readonly heads: readonly SequenceHead[];
}

/** The content of `base.json`: canonical JSON and a line feed. */
export function formatBase({ frontier, heads }: FolderBase): string {
  const lines = heads.map((head): unknown => JSON.parse(headLine(head)));
  return `${canonicalize({ size: frontier.size, frontier: frontier.nodes.map(encodeBase64), heads: lines })}\n`;
}

/** Where the folder's records begin: at 0 unless a file says otherwise. Not believed: the first checkpoint decides. @throws LedgerError `malformed` */
export function baseOf(folder: LogFolder): FolderBase {
  const bytes = folder.read(BASE_FILE);
  if (bytes === undefined) return { frontier: EMPTY_FRONTIER, heads: [] };
  const text = Buffer.from(bytes).toString("utf8");
  const base = parseBase(text);
  return base !== undefined && formatBase(base) === text
    ? base
    : malformed(`\`${BASE_FILE}\` does not say where the records begin`, "export the log again");
}

function parseBase(text: string): FolderBase | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || !("size" in value && "frontier" in value && "heads" in value)) return undefined;
    const { size, frontier, heads } = value;
    if (typeof size !== "number" || !isCount(size) || !Array.isArray(frontier) || !Array.isArray(heads)) return undefined;
    const nodes = frontier
      .map((one: unknown) => (typeof one === "string" ? decodeBase64(one) : undefined))
      .filter((one) => one !== undefined && isHash(one));
    if (nodes.length !== frontier.length || perfectSizes(size).length !== nodes.length) return undefined;
    return { frontier: { size, nodes }, heads: heads.map((head: unknown) => parseHeadLine(canonicalize(head))) };
  } catch {
    // Whatever is wrong with the file, it is not what `formatBase` writes.
    return undefined;
  }
}
