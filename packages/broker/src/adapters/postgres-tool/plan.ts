import type { CatalogAction, CatalogTool, JsonObject, RecordView, TableOperation } from "@bailiwick/policy";
import { Refusal } from "../../call/refusal.ts";
import type { ToolCaller } from "../../domain/tool.ts";
import { ToolError } from "../../domain/tool.ts";
import { type Bound, newBinds } from "../sql/bind.ts";
import type { SqlTable } from "../sql/columns.ts";
import { readQuery, writeQuery } from "../sql/read-query.ts";
import { viewSql } from "../sql/view-sql.ts";
import { isSingle } from "./describe.ts";
import { MAX_ROWS } from "./limits.ts";
import type { Plan } from "./run-statement.ts";
import { AGENTS_QUERY, callerSettings, FIXED_FORMS, FIXED_MEANING } from "./settings.ts";
import { lockStatement, NotSearchable, recordFrom, TOUCHABLE, tableStatement } from "./table-sql.ts";
import { bindValues } from "./values.ts";

/** JSON-RPC 2.0, section 5.1. */
const INVALID_PARAMS = -32602;
const REFUSED_BY_TABLE = -32000;

/** What is sent for one call, and what its rows become. */
export interface Work {
  readonly plan: Plan;
  readonly shape: (rows: readonly JsonObject[]) => JsonObject;
}

export interface CallFacts {
  readonly args: JsonObject;
  readonly views?: ReadonlyMap<string, RecordView> | undefined;
  readonly maskSalt?: string | undefined;
  readonly caller?: ToolCaller | undefined;
  /** Why the record, as it is now, must not be changed. */
  readonly changed?: ((record: JsonObject) => string | undefined) | undefined;
}

/** Knows a declared table as it really is. */
export type TableFacts = (name: string) => Promise<SqlTable>;

/**
 * The work of one action of the catalog: its reviewed statement, its operation on a declared table, or the agent's own query.
 * @throws Refusal `statement_refused`; ToolError for arguments that fit no statement; Fault where a table is not as the catalog says.
 */
export async function planOf(tool: CatalogTool, action: CatalogAction, facts: CallFacts, tables: TableFacts): Promise<Work> {
  if (action.table !== undefined) return tablePlan(await tables(action.table.name), tool, action, facts);
  if (action.sql !== undefined) return queryPlan(tool, action, facts, tables);
  return {
    plan: {
      text: action.statement?.sql ?? "",
      values: bindValues(action, facts.args),
      readOnly: action.effect === "read",
      settings: callerSettings(facts.caller),
      maxRows: MAX_ROWS,
      tells: "all",
    },
    shape: (rows) => ({ rows, rowCount: rows.length }),
  };
}

async function queryPlan(tool: CatalogTool, action: CatalogAction, facts: CallFacts, tables: TableFacts): Promise<Work> {
  const { args, views, maskSalt } = facts;
  const terms = action.sql ?? { tables: [], functions: [], maxCost: 0, maxRows: 0 };
  const query = readQuery(typeof args["sql"] === "string" ? args["sql"] : "", tool, terms);
  const params = paramsOf(args["params"], query.params);
  const binds = newBinds();
  const sources = new Map<string, string>();
  for (const name of query.tables) {
    const view = views?.get(name);
    // A query without the caller's view of its tables would be one over all records.
    if (view === undefined || view.unpushed.length > 0 || maskSalt === undefined)
      throw new Refusal("statement_refused", `the view of \`${name}\` is not known, so no query may use it; use a table action`);
    sources.set(name, viewSql(await tables(name), view, binds, maskSalt));
  }
  const text = writeQuery(query, terms, sources, binds);
  return {
    plan: {
      text,
      values: [...binds.values, ...params],
      readOnly: true,
      settings: { ...AGENTS_QUERY, ...callerSettings(facts.caller) },
      maxRows: terms.maxRows,
      maxCost: terms.maxCost,
      tells: "of-the-text",
    },
    shape: (rows) => ({ rows, rowCount: rows.length }),
  };
}

/** Values of the agent's own `$1`, `$2`, ...; as many as the statement names. */
function paramsOf(params: JsonObject[string] | undefined, wanted: number): readonly Bound[] {
  const given = Array.isArray(params) ? params : [];
  if (given.length !== wanted) {
    throw new Refusal(
      "statement_refused",
      `the statement takes ${String(wanted)} parameters and \`params\` holds ${String(given.length)}; give one value for each of \`$1\`, \`$2\`, ...`,
    );
  }
  return given.map((value): Bound => {
    if (Array.isArray(value)) return value.map((item: JsonObject[string]) => (isScalar(item) ? item : JSON.stringify(item)));
    return isScalar(value) ? value : JSON.stringify(value);
  });
}

function isScalar(value: JsonObject[string]): value is string | number | boolean | null {
  return value === null || typeof value !== "object";
}

function tablePlan(table: SqlTable, tool: CatalogTool, action: CatalogAction, { args, views, caller, changed }: CallFacts): Work {
  const { name, do: operation } = action.table ?? { name: "", do: "select" };
  const view = views?.get(name);
  const reads = operation === "select";
  if (!reads && (view === undefined || view.unpushed.length > 0)) {
    const [left] = view?.unpushed ?? [];
    const why =
      left === undefined
        ? "what it may touch is not known"
        : `\`${left.text}\` (${left.at.file}:${left.at.line}) cannot be checked by the database`;
    throw new Refusal(
      "row_not_permitted",
      `\`${action.operation.name}\` was not sent: ${why}, so the record could not be checked in the moment of the change`,
    );
  }
  const { text, values } = tableText(table, operation, args, view);
  const unchanged = (rows: readonly JsonObject[]): void => {
    const why = readsAlike(tool, action)
      ? rows.map((row) => changed?.(recordFrom(table, row))).find((each) => each !== undefined)
      : undefined;
    if (why !== undefined) throw new Refusal("record_changed", why);
  };
  const single = isSingle(tool, action);
  return {
    plan: {
      text,
      values,
      readOnly: reads,
      settings: {
        ...(reads ? { ...FIXED_MEANING, lock_timeout: AGENTS_QUERY["lock_timeout"] ?? "" } : FIXED_FORMS),
        ...callerSettings(caller),
      },
      maxRows: MAX_ROWS,
      tells: "nothing",
      ...(operation === "update" && changed !== undefined ? { first: { ...lockStatement(table, args, view), accept: unchanged } } : {}),
      ...(reads
        ? {}
        : { accept: (rows: readonly JsonObject[]) => accept(operation, rows, operation === "delete" ? unchanged : undefined) }),
    },
    shape: (rows) => {
      const records = rows.map((row) => recordFrom(table, row));
      if (!single) return { rows: records, rowCount: records.length };
      const [record] = records;
      return { ...(record === undefined ? {} : { record }), rowCount: records.length };
    },
  };
}

/** Whether records are loaded for decisions from the same table: others may write the same values in another way. */
function readsAlike({ actions }: CatalogTool, { table, resource }: CatalogAction): boolean {
  return actions.find(({ operation }) => operation.name === resource?.before)?.table?.name === table?.name;
}

function tableText(table: SqlTable, operation: TableOperation, args: JsonObject, view: RecordView | undefined) {
  try {
    return tableStatement(table, operation, args, view);
  } catch (error) {
    if (!(error instanceof NotSearchable)) throw error;
    throw new ToolError(INVALID_PARAMS, `${error.message}, so records cannot be looked for by it; leave it out`);
  }
}

/** The rows were checked by the statement itself: of what was not touched none comes back. */
function accept(operation: TableOperation, rows: readonly JsonObject[], further?: (rows: readonly JsonObject[]) => void): void {
  if (operation === "insert" && rows[0]?.[TOUCHABLE] !== true) {
    throw new ToolError(REFUSED_BY_TABLE, "the new record would be none that this agent may touch; nothing was written");
  }
  if (operation !== "insert" && rows.length !== 1) {
    throw new ToolError(REFUSED_BY_TABLE, "there is no such record that this agent may touch; nothing was changed");
  }
  further?.(rows);
}
