import type { CatalogTool, JsonObject, SqlTerms } from "@bailiwick/policy";
import { Refusal } from "../../call/refusal.ts";
import type { Binds } from "./bind.ts";
import { inspect, type Inspected, type Vocabulary } from "./inspect.ts";
import { Misread } from "./misread.ts";
import { parseSql, sameTree, writeSql } from "./parser.ts";
import { quoted } from "./identifier.ts";
import { asObject, itemsOf, mapTree, namesIn } from "./tree.ts";

/** A query that was read and understood whole, and not yet what is sent. */
export interface ReadQuery {
  /** Declared tables it reads, each once, in the order of their names. */
  readonly tables: readonly string[];
  /** How many `$n` it takes. */
  readonly params: number;
  readonly statement: JsonObject;
  readonly inspected: Inspected;
}

/**
 * Reads the text of a query that an agent wrote, without running anything.
 * @throws Refusal `statement_refused` unless it is exactly one `select` of this action's tables, understood whole.
 */
export function readQuery(text: string, tool: Pick<CatalogTool, "tables">, terms: SqlTerms): ReadQuery {
  const parsed = parseSql(text);
  if (!parsed.ok) throw refused(terms, parsed.what, parsed.at);
  const [statement, ...more] = parsed.statements;
  if (statement === undefined || more.length > 0) throw refused(terms, more.length > 0 ? "it is more than one statement" : "it is empty");
  try {
    const inspected = inspect(statement, vocabularyOf(tool, terms));
    const tables = [...new Set(inspected.tables.values())].toSorted();
    if (tables.length === 0) throw new Misread(undefined, "it reads no table");
    return { tables, params: inspected.params, statement, inspected };
  } catch (error) {
    if (!(error instanceof Misread)) throw error;
    throw refused(terms, error.word === undefined ? error.why : `\`${error.word}\`: ${error.why}`, characterAt(text, error.byte));
  }
}

/**
 * The statement that is sent in place of what the agent wrote: every table replaced by the caller's view of it, every call in `from` made a
 * subquery (the row of a bare call is its value, on which any function can be called by its name after a dot), and the agent's parameters
 * numbered after those of the views.
 * INVARIANT: parsed again, the text is the very tree that was checked.
 * @throws Refusal `statement_refused` when it cannot be written exactly.
 */
export function writeQuery(query: ReadQuery, terms: SqlTerms, views: ReadonlyMap<string, string>, binds: Binds): string {
  const sources = new Map([...views].map(([table, view]) => [table, subselectOf(view)]));
  const offset = binds.values.length;
  const { tables, calls } = query.inspected;
  const change = (node: JsonObject): JsonObject | undefined => {
    const table = tables.get(node);
    if (table !== undefined) return viewInstead(node, table, sources.get(table));
    if (calls.has(node)) return callInside(node, (inner) => asObject(mapTree(inner, change)) ?? inner);
    const number = asObject(node["ParamRef"])?.["number"];
    return typeof number === "number" ? { ParamRef: { number: number + offset } } : undefined;
  };
  const statement = asObject(mapTree(query.statement, change)) ?? {};
  const text = written(statement);
  if (text === undefined) throw refused(terms, "it cannot be written exactly as it was understood");
  return text;
}

function vocabularyOf({ tables }: Pick<CatalogTool, "tables">, terms: SqlTerms): Vocabulary {
  return {
    tables: new Map(tables.filter(({ name }) => terms.tables.includes(name)).map(({ name, schema }) => [name, schema])),
    others: new Set(tables.map(({ name }) => name)),
    functions: new Set(terms.functions),
  };
}

function written(statement: JsonObject): string | undefined {
  try {
    const text = writeSql(statement);
    const again = parseViews(text);
    return again !== undefined && sameTree(again, statement) ? text : undefined;
  } catch {
    return undefined;
  }
}

function parseViews(text: string): JsonObject | undefined {
  const parsed = parseSql(text, { own: true });
  return parsed.ok && parsed.statements.length === 1 ? parsed.statements[0] : undefined;
}

function subselectOf(view: string): JsonObject {
  const from = asObject(asObject(parseViews(`SELECT FROM (${view}) AS t`))?.["SelectStmt"])?.["fromClause"];
  const source = asObject(Array.isArray(from) ? asObject(from[0])?.["RangeSubselect"] : undefined);
  if (source === undefined) throw new Error("the view of a table is not understood by the parser");
  return source;
}

/** Under its own name when the agent gave it none, as a table would be. */
function viewInstead(node: JsonObject, table: string, source: JsonObject | undefined): JsonObject {
  if (source === undefined) throw new Error("every table of a query has a view before it is written");
  const alias = asObject(node["RangeVar"])?.["alias"] ?? { aliasname: table };
  return { RangeSubselect: { ...source, alias } };
}

function callInside(node: JsonObject, inside: (node: JsonObject) => JsonObject): JsonObject {
  const call = asObject(node["RangeFunction"]) ?? {};
  const { lateral: _, ...own } = asObject(inside({ RangeFunction: { ...call } })["RangeFunction"]) ?? {};
  const aliasname = asObject(call["alias"])?.["aliasname"] ?? nameOfCall(call);
  const query = asObject(asObject(parseViews("SELECT * OFFSET 0"))?.["SelectStmt"]) ?? {};
  return {
    RangeSubselect: {
      lateral: true,
      subquery: { SelectStmt: { ...query, fromClause: [{ RangeFunction: own }] } },
      alias: { aliasname },
    },
  };
}

/** A call without an alias goes by the function's name. */
function nameOfCall({ functions }: JsonObject): string {
  const [first] = itemsOf(asObject(asObject(itemsOf(functions)[0])?.["List"])?.["items"]);
  return namesIn(asObject(asObject(first)?.["FuncCall"])?.["funcname"]).at(-1) ?? "call";
}

function characterAt(text: string, byte: number | undefined): number | undefined {
  return byte === undefined ? undefined : Array.from(Buffer.from(text).subarray(0, byte).toString()).length + 1;
}

function refused({ tables }: SqlTerms, what: string, at?: number): Refusal {
  const where = at === undefined ? "" : ` (at character ${String(at)})`;
  const names = tables.map((name) => quotedWhereNeeded(name)).join(", ");
  return new Refusal("statement_refused", `the statement is not one that may run: ${what}${where}; write one plain \`select\` of ${names}`);
}

function quotedWhereNeeded(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) ? name : quoted(name);
}
