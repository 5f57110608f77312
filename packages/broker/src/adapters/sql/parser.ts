import type { Json, JsonObject } from "@bailiwick/policy";
import { hasSqlDetails, loadModule, parseSync, scanSync } from "libpg-query";
import { Deparser } from "pgsql-deparser";
import { asObject } from "./tree.ts";

/** Longer statements are refused before they are looked at. */
export const MAX_STATEMENT_CHARACTERS = 20_000;

/** The parser recurses; with no more tokens than this it cannot come near the end of its stack, however they nest. */
export const MAX_STATEMENT_TOKENS = 1_000;

/** What PostgreSQL's own parser says of a text: its tree as JSON, or what it did not understand. */
export type Parsed =
  | { readonly ok: true; readonly statements: readonly JsonObject[] }
  /** `at`: character, from 1 on. */
  | { readonly ok: false; readonly what: string; readonly at?: number | undefined };

/** Loads PostgreSQL's parser, once for the process; everything else here is synchronous and needs it loaded. */
export async function loadSqlParser(): Promise<void> {
  await loadModule();
}

/**
 * Parses with the grammar of PostgreSQL 18. Never throws for what a text holds. `own`: a text that the broker itself wrote, in which the
 * views of an agent's tables may make it longer than an agent's own may be.
 */
export function parseSql(text: string, { own = false }: { readonly own?: boolean } = {}): Parsed {
  if (!own && text.length > MAX_STATEMENT_CHARACTERS)
    return { ok: false, what: `it has more than ${String(MAX_STATEMENT_CHARACTERS)} characters` };
  if (text.includes("\u0000") || !text.isWellFormed()) return { ok: false, what: "it holds a character that PostgreSQL does not take" };
  try {
    if (!own && scanSync(text).tokens.length > MAX_STATEMENT_TOKENS)
      return { ok: false, what: `it has more than ${String(MAX_STATEMENT_TOKENS)} words and signs` };
    return { ok: true, statements: treeOf(text) };
  } catch (error) {
    if (!hasSqlDetails(error)) return { ok: false, what: "the parser does not get through it" };
    const position = error.sqlDetails?.cursorPosition;
    return { ok: false, what: "its syntax is wrong", ...(position === undefined ? {} : { at: position + 1 }) };
  }
}

/** The text of one statement. @throws Error where the tree is none that the writer knows. */
export function writeSql(statement: JsonObject): string {
  return Deparser.deparse(statement, { pretty: false });
}

/** Whether two trees mean the same: everything but where their parts stood in the text. */
export function sameTree(a: Json, b: Json): boolean {
  return withoutPlaces(a) === withoutPlaces(b);
}

function treeOf(text: string): readonly JsonObject[] {
  // unsafe: the parser's own JSON, taken apart by `inspect`, which lets through only what it knows.
  const { stmts }: { readonly stmts?: readonly { readonly stmt?: JsonObject }[] } = JSON.parse(JSON.stringify(parseSync(text)));
  return (stmts ?? []).map(({ stmt }) => stmt ?? {});
}

const PLACES: ReadonlySet<string> = new Set(["location", "stmt_location", "stmt_len", "list_start", "list_end"]);

function withoutPlaces(tree: Json): string {
  return JSON.stringify(tree, (key, value: Json) => {
    if (PLACES.has(key) || key.startsWith("rexpr_list_")) return undefined;
    const node = asObject(value);
    return node === undefined ? value : Object.fromEntries(Object.entries(node).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}
