/**
 * What a member of a node holds: a plain value, a node that says its own kind, a list of such, or a node of a fixed kind that does not
 * say it.
 */
export type Part = "plain" | "node" | "nodes" | { readonly of: string };

const inside = (of: string): Part => ({ of });

/**
 * The part of PostgreSQL's grammar that a query may be written in: node kinds of its raw parse tree, and of each the members that may be
 * there. INVARIANT: what is not here is refused, so a new kind of node, or a new member of one, is refused until somebody has thought
 * about it. Left out on purpose: `lockingClause`, `intoClause`, `recursive`, `useOp`, `coldeflist`, `catalogname`, `pct_type`, `setof`.
 */
export const GRAMMAR: Readonly<Record<string, Readonly<Record<string, Part>>>> = {
  SelectStmt: {
    distinctClause: "nodes",
    targetList: "nodes",
    fromClause: "nodes",
    whereClause: "node",
    groupClause: "nodes",
    groupDistinct: "plain",
    havingClause: "node",
    windowClause: "nodes",
    valuesLists: "nodes",
    sortClause: "nodes",
    limitOffset: "node",
    limitCount: "node",
    limitOption: "plain",
    withClause: inside("WithClause"),
    op: "plain",
    all: "plain",
    larg: inside("SelectStmt"),
    rarg: inside("SelectStmt"),
  },
  WithClause: { ctes: "nodes" },
  CommonTableExpr: { ctename: "plain", aliascolnames: "nodes", ctematerialized: "plain", ctequery: "node" },
  ResTarget: { name: "plain", val: "node" },
  RangeVar: { schemaname: "plain", relname: "plain", inh: "plain", relpersistence: "plain", alias: inside("Alias") },
  RangeSubselect: { lateral: "plain", subquery: "node", alias: inside("Alias") },
  RangeFunction: { lateral: "plain", ordinality: "plain", is_rowsfrom: "plain", functions: "nodes", alias: inside("Alias") },
  JoinExpr: {
    jointype: "plain",
    isNatural: "plain",
    larg: "node",
    rarg: "node",
    usingClause: "nodes",
    join_using_alias: inside("Alias"),
    quals: "node",
    alias: inside("Alias"),
  },
  Alias: { aliasname: "plain", colnames: "nodes" },
  ColumnRef: { fields: "nodes" },
  A_Star: {},
  A_Const: {
    ival: inside("Integer"),
    fval: inside("Float"),
    boolval: inside("Boolean"),
    sval: inside("String"),
    isnull: "plain",
  },
  Integer: { ival: "plain" },
  Float: { fval: "plain" },
  Boolean: { boolval: "plain" },
  String: { sval: "plain" },
  ParamRef: { number: "plain" },
  A_Expr: { kind: "plain", name: "nodes", lexpr: "node", rexpr: "node" },
  BoolExpr: { boolop: "plain", args: "nodes" },
  NullTest: { arg: "node", nulltesttype: "plain" },
  BooleanTest: { arg: "node", booltesttype: "plain" },
  CaseExpr: { arg: "node", args: "nodes", defresult: "node" },
  CaseWhen: { expr: "node", result: "node" },
  CoalesceExpr: { args: "nodes" },
  MinMaxExpr: { op: "plain", args: "nodes" },
  FuncCall: {
    funcname: "nodes",
    args: "nodes",
    agg_order: "nodes",
    agg_filter: "node",
    over: inside("WindowDef"),
    agg_within_group: "plain",
    agg_star: "plain",
    agg_distinct: "plain",
    func_variadic: "plain",
    funcformat: "plain",
  },
  NamedArgExpr: { name: "plain", arg: "node", argnumber: "plain" },
  WindowDef: {
    name: "plain",
    refname: "plain",
    partitionClause: "nodes",
    orderClause: "nodes",
    frameOptions: "plain",
    startOffset: "node",
    endOffset: "node",
  },
  SortBy: { node: "node", sortby_dir: "plain", sortby_nulls: "plain" },
  GroupingSet: { kind: "plain", content: "nodes" },
  GroupingFunc: { args: "nodes" },
  TypeCast: { arg: "node", typeName: inside("TypeName") },
  TypeName: { names: "nodes", typmods: "nodes", typemod: "plain", arrayBounds: "nodes" },
  SubLink: { subLinkType: "plain", testexpr: "node", operName: "nodes", subselect: "node" },
  List: { items: "nodes" },
  A_ArrayExpr: { elements: "nodes" },
  A_Indirection: { arg: "node", indirection: "nodes" },
  A_Indices: { is_slice: "plain", lidx: "node", uidx: "node" },
  RowExpr: { args: "nodes", row_format: "plain" },
  SQLValueFunction: { op: "plain", typmod: "plain" },
};

/** Where a part stood in the text; in any node. */
export const isPlace = (member: string): boolean =>
  member === "location" || member === "list_start" || member === "list_end" || member.startsWith("rexpr_list_");

/** Names that people know for what the tree calls otherwise. */
const SPOKEN: ReadonlyMap<string, string> = new Map([
  ["SelectStmt.lockingClause", "for update"],
  ["SelectStmt.intoClause", "into"],
  ["WithClause.recursive", "with recursive"],
  ["SortBy.useOp", "order by ... using"],
  ["RangeFunction.coldeflist", "as (column type, ...)"],
  ["RangeVar.catalogname", "database.schema.table"],
  ["TypeName.pct_type", "%type"],
  ["TypeName.setof", "setof"],
  ["RangeTableSample", "tablesample"],
  ["CollateClause", "collate"],
  ["BitString", "bit string"],
  ["XmlExpr", "xml functions"],
  ["XmlSerialize", "xml functions"],
  ["CurrentOfExpr", "current of"],
  ["SetToDefault", "default"],
  ["RangeTableFunc", "xmltable"],
]);

/** What stands in a text, as its writer would call it. */
export function spoken(kind: string, member?: string): string {
  const known = SPOKEN.get(member === undefined ? kind : `${kind}.${member}`);
  if (known !== undefined) return known;
  if (member !== undefined) return member;
  const words = kind.replace(/Stmt$/, "").replace(/^A_/, "");
  return words.replaceAll(/(?<=[a-z])(?=[A-Z])/g, " ").toLowerCase();
}
