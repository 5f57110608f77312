import type { Json, JsonObject } from "@bailiwick/policy";
import { SAFE_FUNCTIONS, SAFE_ROW_FUNCTIONS, SAFE_TYPES, SAFE_VALUE_FUNCTIONS } from "./functions.ts";
import { GRAMMAR, isPlace, type Part, spoken } from "./grammar.ts";
import { Misread } from "./misread.ts";
import { asObject, itemsOf, namesIn } from "./tree.ts";

/** What a query may name. */
export interface Vocabulary {
  /** By the table's name, its schema. */
  readonly tables: ReadonlyMap<string, string>;
  /** Names of declared tables that this action may not query; a `with` may not take their names either. */
  readonly others: ReadonlySet<string>;
  readonly functions: ReadonlySet<string>;
}

/** What a query names. */
export interface Inspected {
  /** Where the query reads a declared table, by the node itself. */
  readonly tables: ReadonlyMap<JsonObject, string>;
  /** Calls in `from`, by the node itself. */
  readonly calls: ReadonlySet<JsonObject>;
  /** The highest `$n`; 0 without any. */
  readonly params: number;
}

/**
 * Walks the whole tree of one statement and lets through only what is known. Names of relations are resolved as PostgreSQL does: a
 * `with` that is in scope, or else a declared table.
 * @throws Misread
 */
export function inspect(statement: JsonObject, vocabulary: Vocabulary): Inspected {
  const [kind] = Object.keys(statement);
  if (kind !== "SelectStmt") throw new Misread(spoken(kind ?? ""), "only one `select` may be sent");
  const walk = new Walk(vocabulary);
  walk.node(statement, { names: new Set(), byte: undefined });
  return { tables: walk.tables, calls: walk.calls, params: walk.params() };
}

interface Scope {
  /** Names of `with` queries that a relation may be. */
  readonly names: ReadonlySet<string>;
  readonly byte: number | undefined;
}

class Walk {
  readonly tables = new Map<JsonObject, string>();
  readonly calls = new Set<JsonObject>();
  readonly #numbers = new Set<number>();
  readonly #vocabulary: Vocabulary;

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
  }

  /** How many parameters the query takes; one that it does not use would have no type. */
  params(): number {
    const unused = Array.from({ length: this.#numbers.size }, (_, at) => at + 1).find((number) => !this.#numbers.has(number));
    if (unused === undefined) return this.#numbers.size;
    throw new Misread(`$${String(unused)}`, "it is not used; number parameters from `$1` on, without a gap");
  }

  /** A node that says its own kind; `{}` is the parser's way to write that there is none. */
  node(value: Json, scope: Scope): void {
    const tagged = asObject(value);
    const [kind, ...more] = Object.keys(tagged ?? {});
    if (tagged !== undefined && kind === undefined) return;
    const inner = kind === undefined ? undefined : asObject(tagged?.[kind]);
    if (tagged === undefined || kind === undefined || inner === undefined || more.length > 0) throw unknownPart(scope);
    this.#inside(kind, inner, scope, tagged);
  }

  #inside(kind: string, node: JsonObject, around: Scope, tagged?: JsonObject): void {
    const byte = typeof node["location"] === "number" && node["location"] >= 0 ? node["location"] : around.byte;
    const parts = Object.hasOwn(GRAMMAR, kind) ? GRAMMAR[kind] : undefined;
    if (parts === undefined) throw new Misread(spoken(kind), "it is nothing that a query here may hold", byte);
    const scope = kind === "SelectStmt" ? this.#with(node, { ...around, byte }) : { ...around, byte };
    for (const [member, value] of Object.entries(node)) {
      if (isPlace(member) || (kind === "SelectStmt" && member === "withClause")) continue;
      const part = Object.hasOwn(parts, member) ? parts[member] : undefined;
      if (part === undefined) throw new Misread(spoken(kind, member), "it is nothing that a query here may hold", byte);
      this.#part(part, value, scope);
    }
    this.#rules(kind, node, scope, tagged);
  }

  #part(part: Part, value: Json, scope: Scope): void {
    if (part === "plain") {
      if (typeof value === "object" && value !== null) throw unknownPart(scope);
    } else if (part === "node") this.node(value, scope);
    else if (part === "nodes") {
      if (!Array.isArray(value)) throw unknownPart(scope);
      for (const item of value) this.node(item, scope);
    } else {
      const inner = asObject(value);
      if (inner === undefined) throw unknownPart(scope);
      this.#inside(part.of, inner, scope);
    }
  }

  /** A `with` query sees those before it, and the whole statement sees all of them. */
  #with(select: JsonObject, around: Scope): Scope {
    const clause = asObject(select["withClause"]);
    if (clause === undefined) return around;
    const { ctes, ...rest } = clause;
    const [unknown] = Object.keys(rest).filter((member) => !isPlace(member));
    if (unknown !== undefined) throw new Misread(spoken("WithClause", unknown), "it is nothing that a query here may hold", around.byte);
    let scope = around;
    for (const item of itemsOf(ctes)) {
      const name = asObject(asObject(item)?.["CommonTableExpr"])?.["ctename"];
      this.node(item, scope);
      scope = { ...scope, names: new Set([...scope.names, this.#newName(typeof name === "string" ? name : "", scope)]) };
    }
    return scope;
  }

  #newName(name: string, { byte }: Scope): string {
    const { tables, others } = this.#vocabulary;
    if (name !== "" && !name.startsWith("pg_") && !tables.has(name) && !others.has(name)) return name;
    throw new Misread(name, "a `with` may not take the name of a table", byte);
  }

  #rules(kind: string, node: JsonObject, scope: Scope, tagged: JsonObject | undefined): void {
    switch (kind) {
      case "RangeVar":
        return this.#relation(node, scope, tagged);
      case "RangeFunction":
        if (tagged !== undefined) this.calls.add(tagged);
        return this.#callsInFrom(node, scope);
      case "CommonTableExpr":
        return this.#onlySelect(node["ctequery"], "with", scope);
      case "RangeSubselect":
        return this.#onlySelect(node["subquery"], "from", scope);
      case "SubLink":
        operator(node["operName"], scope);
        return this.#onlySelect(node["subselect"], "subquery", scope);
      case "FuncCall":
        return this.#call(node, scope);
      case "A_Expr":
        return operator(node["name"], scope);
      case "TypeName":
        return typeName(node, scope);
      case "ColumnRef":
        return column(node, scope);
      case "A_Indirection":
        return indirection(node, scope);
      case "SQLValueFunction": {
        const op = String(node["op"]);
        if (SAFE_VALUE_FUNCTIONS.has(op)) return undefined;
        throw new Misread(op.replace(/^SVFOP_/, "").toLowerCase(), "a query does not learn who is logged in where", scope.byte);
      }
      case "ParamRef": {
        const number = typeof node["number"] === "number" ? node["number"] : 0;
        if (number < 1) throw new Misread("$", "parameters are numbered from `$1` on", scope.byte);
        this.#numbers.add(number);
        return undefined;
      }
    }
  }

  #relation(node: JsonObject, scope: Scope, tagged: JsonObject | undefined): void {
    const { relname, schemaname } = node;
    const name = typeof relname === "string" ? relname : "";
    if (schemaname === undefined && scope.names.has(name)) return;
    const schema = this.#vocabulary.tables.get(name);
    const shown = typeof schemaname === "string" ? `${schemaname}.${name}` : name;
    if (schema === undefined || (schemaname !== undefined && schemaname !== schema) || tagged === undefined)
      throw new Misread(shown, "it is no table that this action is over", scope.byte);
    if (node["inh"] !== true) throw new Misread("only", "a table is read as a whole", scope.byte);
    if (node["relpersistence"] !== "p") throw new Misread(shown, "it is no table that this action is over", scope.byte);
    this.tables.set(tagged, name);
  }

  #onlySelect(value: Json | undefined, where: string, { byte }: Scope): void {
    if (Object.keys(asObject(value) ?? {})[0] === "SelectStmt") return;
    throw new Misread(where, "only a `select` may stand there", byte);
  }

  #callsInFrom({ functions }: JsonObject, { byte }: Scope): void {
    for (const list of itemsOf(functions)) {
      const [first, ...rest] = itemsOf(asObject(asObject(list)?.["List"])?.["items"]);
      const name = namesIn(asObject(asObject(first)?.["FuncCall"])?.["funcname"]).at(-1) ?? "";
      const plain = rest.every((item) => Object.keys(asObject(item) ?? { known: false }).length === 0);
      if (!SAFE_ROW_FUNCTIONS.has(name) || !plain) throw new Misread(name, "it may not stand in `from`", byte);
    }
  }

  #call({ funcname }: JsonObject, { byte }: Scope): void {
    const parts = namesIn(funcname);
    const name = parts.at(-1) ?? "";
    const known = SAFE_FUNCTIONS.has(name) || SAFE_ROW_FUNCTIONS.has(name) || this.#vocabulary.functions.has(name);
    if (known && (parts.length === 1 || (parts.length === 2 && parts[0] === "pg_catalog"))) return;
    throw new Misread(parts.join("."), "it is no function that a query here may call", byte);
  }
}

function unknownPart({ byte }: Scope): Misread {
  return new Misread(undefined, "a part of it is not known", byte);
}

/** Operators of `pg_catalog` are all without side effects; no other is found by its bare name. */
function operator(name: Json | undefined, { byte }: Scope): void {
  if (name === undefined || namesIn(name).length === 1) return;
  throw new Misread(namesIn(name).join("."), "an operator is written by its sign alone", byte);
}

function typeName(node: JsonObject, { byte }: Scope): void {
  const parts = namesIn(node["names"]);
  const name = parts.at(-1) ?? "";
  if (SAFE_TYPES.has(name) && (parts.length === 1 || (parts.length === 2 && parts[0] === "pg_catalog"))) return;
  throw new Misread(parts.join("."), "it is no type that a query here may cast to", byte);
}

/**
 * A third part could only be a schema, of which a query here knows none. Where a row has no such column, PostgreSQL calls a function of that
 * name with the row; those that take one only turn it into something else, but for some of the server's own, which all begin with `pg_`.
 */
function column({ fields }: JsonObject, { byte }: Scope): void {
  const parts = namesIn(fields);
  if (parts.length === 2 && parts[1]?.startsWith("pg_") === true)
    throw new Misread(parts.join("."), "it may be a function of the server; write such a column without its table", byte);
  if (Array.isArray(fields) && fields.length <= 2) return;
  throw new Misread(namesIn(fields).join("."), "a column is written `column` or `table.column`", byte);
}

/** `(value).name` calls a function of that name, `pg_sleep` or `pg_read_file` as well as any other. */
function indirection({ indirection: steps }: JsonObject, { byte }: Scope): void {
  const named = itemsOf(steps).find((step) => !Object.hasOwn(asObject(step) ?? {}, "A_Indices"));
  if (named === undefined) return;
  throw new Misread(`(...).${namesIn([named]).join(".") || "*"}`, "a column is written `column` or `table.column`", byte);
}
