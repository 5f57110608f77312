import { isDeepStrictEqual } from "node:util";
import { declaredKey, declaredNames, isRecordType, typeAt } from "../facts/field-path.ts";
import { suggestion } from "../files/did-you-mean.ts";
import type { ToolFile } from "../files/schemas.ts";
import type { Report, Source } from "../files/source.ts";
import type { FieldType } from "../types.ts";
import { reportError } from "./findings.ts";
import type { Finding } from "./findings.ts";

type Table = ToolFile["tables"][string];
type Fault = (path: readonly string[], finding: Omit<Finding, "at">) => void;

/** Checks what a postgres tool says of tables: that each fits its type, and that its read action decides what a query may see. */
export function checkTables(source: Source, tool: ToolFile, report: Report): void {
  for (const [name, table] of Object.entries(tool.tables)) {
    const fault: Fault = (path, finding) => reportError(report, { ...finding, at: source.at(["tables", name, ...path]) });
    if (!("postgres" in tool.connect)) {
      fault([], {
        code: "table",
        what: "only a tool reached by postgres has tables",
        why: "nothing would read it",
        write: "remove `tables`",
      });
      continue;
    }
    const fields = Object.hasOwn(tool.types, table.type) ? tool.types[table.type] : undefined;
    if (fields === undefined) {
      fault(["type"], {
        code: "unknown-type",
        what: `no type \`${table.type}\` is declared in this file`,
        why: "rules over its records could not be checked",
        write: suggestion(table.type, Object.keys(tool.types), "declare it under `types`"),
      });
      continue;
    }
    checkRead(tool, table, fault);
    checkColumns(table, fields, fault);
  }
}

/** A query asks what this action shows without arguments, so it must be one that can be called without. */
function checkRead(tool: ToolFile, table: Table, fault: Fault): void {
  const fits = (name: string): boolean => {
    const action = Object.hasOwn(tool.actions, name) ? tool.actions[name] : undefined;
    if (action?.effect !== "read" || action.returns?.type !== table.type || action.sql !== undefined) return false;
    return Object.keys(action.args).every((key) => declaredKey(key).optional || Object.hasOwn(action.force, key));
  };
  if (fits(table.read)) return;
  fault(["read"], {
    code: "unknown-action",
    what: `\`${table.read}\` is not a read action of this tool that returns a \`${table.type}\` and needs no argument`,
    why: "its rows and fields decide what a query may see of the table",
    write: suggestion(
      table.read,
      Object.keys(tool.actions).filter((name) => fits(name)),
      "an action that lists the records, whose arguments are all optional or forced",
    ),
  });
}

function checkColumns(table: Table, fields: Readonly<Record<string, FieldType>>, fault: Fault): void {
  const key = typeAt(fields, table.key.split("."));
  if ((key !== "string" && key !== "integer") || !Object.hasOwn(fields, table.key)) {
    fault(["key"], {
      code: "unknown-field",
      what: `\`${table.key}\` is not a required string or integer of \`${table.type}\``,
      why: "a record is found and put in order by its key",
      write: suggestion(
        table.key,
        Object.keys(fields).filter((name) => fields[name] === "string" || fields[name] === "integer"),
        "`key: id`",
      ),
    });
  }
  const leaves = leavesOf(fields, "");
  for (const path of Object.keys(table.columns)) {
    if (leaves.includes(path)) continue;
    fault(["columns", path], {
      code: "unknown-field",
      what: `\`${path}\` is not a field of \`${table.type}\` that can be a column`,
      why: "a column holds one field: a scalar, a list or a value of any shape",
      write: suggestion(path, leaves, "a field of the type"),
    });
  }
  const taken = new Map<string, string>();
  for (const path of leaves) {
    const column = Object.hasOwn(table.columns, path) ? table.columns[path] : undefined;
    const inside = path.split(".")[0] ?? path;
    if (column === undefined && path.includes(".")) {
      fault(["columns"], {
        code: "table",
        what: `\`${path}\` has no column of its own`,
        why: "a rule over it could not be asked of the database",
        write: `\`columns: { "${path}": ${path.replaceAll(".", "_")} }\`, or \`${inside}: any\` in the type`,
      });
    }
    const other = taken.get(column ?? path);
    if (other !== undefined) {
      fault(["columns"], {
        code: "table",
        what: `\`${other}\` and \`${path}\` are the same column`,
        why: "a rule that hides one of them would leave the other",
        write: "one field for each column",
      });
    }
    taken.set(column ?? path, path);
  }
}

function leavesOf(fields: Readonly<Record<string, FieldType>>, prefix: string): readonly string[] {
  return Object.entries(fields).flatMap(([key, type]) => {
    const path = `${prefix}${declaredKey(key).name}`;
    return isRecordType(type) ? leavesOf(type, `${path}.`) : [path];
  });
}

/** Checks an action that is over tables: exactly one way to its SQL, and arguments that fit. */
export function checkSqlAction(source: Source, tool: ToolFile, name: string, report: Report): void {
  const action = tool.actions[name];
  if (action === undefined) return;
  const fault: Fault = (path, finding) => reportError(report, { ...finding, at: source.at(["actions", name, ...path]) });
  const ways = (["statement", "table", "sql"] as const).filter((way) => action[way] !== undefined);
  if ("postgres" in tool.connect ? ways.length !== 1 : ways.length > 0) {
    fault([], {
      code: "statement",
      what:
        "postgres" in tool.connect
          ? `\`${name}\` needs exactly one of \`statement\`, \`table\` and \`sql\``
          : `\`${name}\` has a \`${ways.join("`, `")}\` but its tool is not reached by postgres`,
      why: "an action reaches the database in one way that a person reviewed",
      write: "postgres" in tool.connect ? "`statement: { sql: select ... where id = $1, params: [args.id] }`" : "remove it",
    });
    return;
  }
  if (action.sql !== undefined) checkQuery(tool, action, action.sql, fault);
  if (action.table !== undefined) checkTableAction(tool, action, action.table, fault);
}

type Action = ToolFile["actions"][string];

const QUERY_ARGS: Readonly<Record<string, FieldType>> = { sql: "string", "params?": ["any"] };

/** Functions that reach beyond the rows of a query: the server, its files, its settings, other sessions, other databases. */
const NEVER =
  /^(?:pg_|lo_|loread|lowrite|dblink|getpgusername|has_|inet_|txid_|binary_upgrade|brin_|gin_|ts_stat|ts_rewrite|col_desc|obj_desc|shobj_desc|query_to_|table_to_|schema_to_|database_to_|cursor_to_|xpath|set|current_|session_|nextval|currval|lastval|row_security_active|version$|to_reg)/;

function checkQuery(tool: ToolFile, action: Action, sql: NonNullable<Action["sql"]>, fault: Fault): void {
  const extra = (["returns", "resource", "batch", "cost", "undo"] as const).filter((key) => action[key] !== undefined);
  if (action.effect !== "read" || !isDeepStrictEqual(action.args, QUERY_ARGS) || extra.length > 0 || Object.keys(action.force).length > 0) {
    fault(["sql"], {
      code: "query",
      what: "a query is a read with the arguments `sql` and `params`, and nothing that speaks of one record",
      why: "what it answers may be put together from many records; the read actions of its tables decide what it sees",
      write:
        '`effect: read`, `args: { sql: string, "params?": [any] }`, without `returns`, `resource`, `force`, `batch`, `cost` and `undo`',
    });
  }
  for (const name of sql.tables.filter((each) => !Object.hasOwn(tool.tables, each))) fault(["sql", "tables"], unknownTable(tool, name));
  for (const name of sql.functions.filter((each) => NEVER.test(each))) {
    fault(["sql", "functions"], {
      code: "query",
      what: `\`${name}\` may not be called by a query`,
      why: "it reaches beyond the records that the agent may see",
      write: "only functions whose answer depends on their arguments alone",
    });
  }
}

function unknownTable(tool: ToolFile, name: string): Omit<Finding, "at"> {
  return {
    code: "table",
    what: `no table \`${name}\` is declared in this file`,
    why: "what an agent may see of it is not known",
    write: suggestion(name, Object.keys(tool.tables), "declare it under `tables`"),
  };
}

const EFFECTS: Readonly<Record<string, readonly string[]>> = {
  select: ["read", "export"],
  insert: ["write", "send", "pay", "grant", "execute"],
  update: ["write", "send", "pay", "grant", "execute"],
  delete: ["delete"],
};

function checkTableAction(tool: ToolFile, action: Action, { name, do: operation }: NonNullable<Action["table"]>, fault: Fault): void {
  const table = Object.hasOwn(tool.tables, name) ? tool.tables[name] : undefined;
  if (table === undefined) return fault(["table", "name"], unknownTable(tool, name));
  const wrong = (path: readonly string[], what: string, why: string, write: string): void =>
    fault(path, { code: "table", what, why, write });
  const effects = EFFECTS[operation] ?? [];
  if (!effects.includes(action.effect))
    wrong(["effect"], `\`${operation}\` is no \`${action.effect}\``, "gates go by the effect", `\`effect: ${effects[0] ?? "write"}\``);
  const single = operation !== "select" || Object.hasOwn(action.args, table.key);
  const at = single ? "result.record" : "result.rows";
  if (action.returns?.type !== table.type || action.returns.at !== at)
    wrong(
      ["returns"],
      `\`${operation}\` answers a \`${table.type}\` at \`${at}\``,
      "rows and fields are filtered there",
      `\`returns: { type: ${table.type}, at: ${at} }\``,
    );
  const { resource } = action;
  if (resource !== undefined && (resource.type !== table.type || resource.id !== `args.${table.key}`))
    wrong(
      ["resource"],
      "the record acted on is the one with the table's key",
      "the decision would be about another",
      `\`resource: { type: ${table.type}, id: args.${table.key} }\``,
    );
  if ((operation === "update" || operation === "delete") && (resource === undefined || !Object.hasOwn(action.args, table.key)))
    wrong(
      ["args"],
      `\`${operation}\` needs the key \`${table.key}\` as argument and as \`resource\``,
      "it is about one record",
      `\`args: { ${table.key}: string }\`, \`resource: { type: ${table.type}, id: args.${table.key} }\``,
    );
  checkTableArgs(tool, action, table, operation, wrong);
}

type Wrong = (path: readonly string[], what: string, why: string, write: string) => void;

const PAGING = ["limit", "after"] as const;

function checkTableArgs(tool: ToolFile, action: Action, table: Table, operation: string, wrong: Wrong): void {
  const fields = tool.types[table.type] ?? {};
  const paging: Readonly<Record<string, FieldType>> = { limit: "integer", after: fields[table.key] ?? "string" };
  for (const [key, type] of Object.entries(action.args)) {
    const { name } = declaredKey(key);
    const pages = operation === "select" && PAGING.some((word) => word === name);
    const declared = pages ? paging[name] : typeAt(fields, [name]);
    const onlyKey = operation === "delete" && name !== table.key;
    if (declared !== undefined && isDeepStrictEqual(declared, type) && !onlyKey && !(pages && typeAt(fields, [name]) !== undefined))
      continue;
    wrong(
      ["args", key],
      onlyKey ? `\`${key}\` beside the key of a delete` : `\`${key}\` is no field of \`${table.type}\` with this type`,
      "a table action takes fields of its record, and nothing else",
      operation === "select"
        ? `a field such as \`${declaredNames(fields)[0] ?? "id"}\`, \`"limit?": integer\` or \`"after?"\``
        : `a field such as \`${declaredNames(fields)[0] ?? "id"}\``,
    );
  }
  const tenant = Object.hasOwn(tool.tenantField, table.type) ? tool.tenantField[table.type] : undefined;
  if (tenant === undefined) return;
  if (operation === "insert" && action.force[tenant] !== "principal.tenant")
    wrong(
      ["force"],
      `an insert sets \`${tenant}\` to the agent's own tenant`,
      "a record must not be made in another's",
      `\`force: { ${tenant}: principal.tenant }\``,
    );
  if (operation === "update" && (declaredNames(action.args).includes(tenant) || Object.hasOwn(action.force, tenant)))
    wrong(["args"], `an update does not set \`${tenant}\``, "a record must not be given to another tenant", `remove \`${tenant}\``);
}
