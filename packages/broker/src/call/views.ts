import { isDeepStrictEqual } from "node:util";
import {
  type CatalogTable,
  decide,
  type Decision,
  type DecisionRequest,
  findAction,
  forcedArguments,
  type JsonObject,
  type RecordView,
  type RowExpression,
  viewOf,
} from "@bailiwick/policy";
import type { CallPorts } from "./ports.ts";
import { Refusal } from "./refusal.ts";
import type { DecidedCall } from "./types.ts";

/**
 * What a call may see of each declared table it is over. A table action is judged itself; a query sees of a table what the table's read action
 * shows this caller without arguments, so that no way of asking shows more than another.
 * @throws Refusal `statement_refused`, or that of the read action.
 */
export function viewsOf(ports: Pick<CallPorts, "readSql">, call: DecidedCall): ReadonlyMap<string, RecordView> | undefined {
  const { tool, action } = call;
  if (action.table !== undefined) {
    const table = declared(call, action.table.name);
    return new Map([[table.name, shown(viewOf(call.policy, call.request, call.decision, table.type), table)]]);
  }
  if (action.sql === undefined) return undefined;
  const text = call.args["sql"];
  const { tables } = ports.readSql(typeof text === "string" ? text : "", tool, action.sql);
  return new Map(tables.map((name) => [name, queried(call, declared(call, name))]));
}

function declared({ tool }: DecidedCall, name: string): CatalogTable {
  const table = tool.tables.find((each) => each.name === name);
  if (table === undefined) throw new Error("`check` and the reader of queries let only declared tables through");
  return table;
}

function queried(call: DecidedCall, table: CatalogTable): RecordView {
  const { policy, caller, request, tool } = call;
  const operation = { tool: tool.tool, kind: "tool", name: table.read } as const;
  const reading = findAction(policy, operation);
  if (reading === undefined) throw new Error("`check` lets a table name only an action that exists");
  const asked: DecisionRequest = { caller, operation, args: forcedArguments(reading, caller), resource: "unknown", now: request.now };
  const decision = decide(policy, asked);
  if (decision.verdict === "deny") {
    const { code = "no_grant", message = "no grant allows it", next = [] } = decision.refusal ?? {};
    throw new Refusal(code, `a query of \`${table.name}\` needs \`${reading.scope}\`: ${message}`, { rules: decision.rules, next });
  }
  if (decision.verdict === "ask") {
    throw new Refusal("statement_refused", `people have to approve each read of \`${table.name}\`, so no query may use it`, {
      rules: decision.rules,
      next: [{ kind: "use_instead", action: reading.scope }],
    });
  }
  requireSameTexts(call, decision, table);
  return whole(shown(viewOf(policy, asked, decision, table.type), table), table);
}

/** What the read may not show in its texts, and what people are asked about, a query must not show either. */
function requireSameTexts(call: DecidedCall, reading: Decision, table: CatalogTable): void {
  const held = (call.decision.content ?? []).flatMap(({ results }) => results);
  const demand = reading.content?.find(({ results }) => results.some((each) => !held.some((other) => isDeepStrictEqual(each, other))));
  const next = [{ kind: "use_instead", action: table.read }] as const;
  if (demand !== undefined) {
    throw new Refusal(
      "statement_refused",
      `no query may use \`${table.name}\`: \`${demand.rule.id}\` says what the texts of its records may hold, and does not say it of \`${call.action.scope}\``,
      { rules: [demand.rule], next },
    );
  }
  const large = reading.asksOver;
  if (large === undefined) return;
  throw new Refusal(
    "statement_refused",
    `people have to approve a read of more than ${String(large.records)} records of \`${table.name}\`, and a query does not tell how many it reads`,
    { rules: large.rules, next },
  );
}

function shown(view: RecordView | undefined, table: CatalogTable): RecordView {
  if (view !== undefined) return view;
  throw new Refusal("row_not_permitted", `no record of \`${table.name}\` is visible to this agent`);
}

/** What a query answers can no longer be told apart into records, so nothing may be left for the broker to filter. */
function whole(view: RecordView, table: CatalogTable): RecordView {
  const [left] = view.unpushed;
  if (left === undefined) return view;
  throw new Refusal(
    "statement_refused",
    `no query may use \`${table.name}\`: \`${left.text}\` (${left.at.file}:${left.at.line}) cannot be said in SQL, ${left.why}`,
    { next: [{ kind: "use_instead", action: table.read }] },
  );
}

/**
 * Arguments that ask the tool only for records that this agent may see, where the catalog names them and the agent set none. They narrow what
 * comes back and are no part of the decision: the result is filtered all the same.
 */
export function pushedArguments({
  action,
  args,
  policy,
  request,
  decision,
}: Pick<DecidedCall, "action" | "args" | "policy" | "request" | "decision">): JsonObject | undefined {
  const wanted = Object.entries(action.push).filter(([, path]) => !Object.hasOwn(args, argumentOf(path)));
  if (wanted.length === 0 || action.returns === undefined || action.effect !== "read") return undefined;
  const view = viewOf(policy, request, decision, action.returns.type);
  if (view === undefined) return undefined;
  const pushed = wanted.flatMap(([field, path]): readonly (readonly [string, string | number | boolean])[] => {
    const value = view.layers.map((layer) => onlyValue(layer, field)).find((each) => each !== undefined);
    return value === undefined ? [] : [[argumentOf(path), value]];
  });
  return pushed.length === 0 ? undefined : Object.fromEntries(pushed);
}

function argumentOf(path: string): string {
  return path.slice("args.".length);
}

/** The value a field has in every record that the layer shows. */
function onlyValue({ base, grants }: RecordView["layers"][number], field: string): string | number | boolean | undefined {
  const always = fixed(base, field);
  if (always !== undefined) return always;
  const [first, ...others] = grants.map(({ rows }) => fixed(rows, field));
  return others.every((each) => each === first) ? first : undefined;
}

function fixed(rows: RowExpression, field: string): string | number | boolean | undefined {
  if (rows.op === "and") return rows.of.map((each) => fixed(each, field)).find((each) => each !== undefined);
  if (rows.op === "in") return rows.field === field && rows.values.length === 1 ? plain(rows.values[0]) : undefined;
  if (rows.op !== "eq") return undefined;
  const { left, right } = rows;
  if ("field" in left && left.field === field && "value" in right) return plain(right.value);
  return "field" in right && right.field === field && "value" in left ? plain(left.value) : undefined;
}

type RowValue = Extract<RowExpression, { readonly op: "in" }>["values"][number];

function plain(value: RowValue | undefined): string | number | boolean | undefined {
  if (value === undefined) return undefined;
  if (value.type === "boolean") return value.value;
  if (value.type === "string") return value.text;
  const number = value.type === "integer" ? Number(value.text) : Number.NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}
