import type { CedarValueJson } from "@cedar-policy/cedar-wasm/nodejs";
import type { Facts } from "../engine/evaluator.ts";
import type { Compiled } from "../load/compiled.ts";
import type { Json, JsonObject } from "../json.ts";
import type { AgentConfig, Caller, CatalogAction, DecisionRequest } from "../types.ts";
import { datetimeJson, decimalText, isList, isObject, recordToCedar } from "./cedar-value.ts";
import { findForbidden } from "./reserved-keys.ts";

/** The request in the engine's terms, or the argument that cannot be judged. */
export type RequestFacts =
  | { readonly ok: true; readonly facts: Omit<Facts, "record">; readonly records: number; readonly cost: number }
  | { readonly ok: false; readonly path: string; readonly why: string };

/** Values of the arguments the broker sets itself; the agent may not pass them. */
export function forcedArguments(action: CatalogAction, caller: Caller): JsonObject {
  const values: Readonly<Record<string, string>> = {
    "principal.tenant": caller.tenant,
    "principal.environment": caller.environment,
    "user.id": caller.user,
  };
  return Object.fromEntries(
    Object.entries(action.force).map(([key, source]) => [key, source.startsWith("=") ? source.slice(1) : (values[source] ?? "")]),
  );
}

/** Value at a dotted path of own keys; undefined when there is none. */
export function valueAt(value: Json, path: readonly string[]): Json | undefined {
  let current: Json | undefined = value;
  for (const step of path) {
    if (!isObject(current) || !Object.hasOwn(current, step)) return undefined;
    current = current[step];
  }
  return current;
}

export function readRequest(compiled: Compiled, agent: AgentConfig, action: CatalogAction, request: DecisionRequest): RequestFacts {
  const { caller, args } = request;
  const forbidden = findForbidden(args) ?? findForbidden(caller.data, "session.data");
  if (forbidden !== undefined) return { ok: false, ...forbidden };
  const wrong = wrongForced(action, caller, args);
  if (wrong !== undefined) return wrong;
  const typed = recordToCedar(
    args,
    { ...Object.fromEntries(Object.keys(action.force).map((key) => [key, "string" as const])), ...action.args },
    "",
    { undeclared: "refuse" },
  );
  if (!typed.ok) return typed;
  const data = recordToCedar(caller.data, compiled.vocabulary.sessionData, "session.data", { undeclared: "drop" });
  if (!data.ok) return data;
  const attributes = recordToCedar(agent.attributes, compiled.vocabulary.attributes, "principal", { undeclared: "drop" });
  if (!attributes.ok) return attributes;
  for (const [path, text] of Object.entries({ user: caller.user, session: caller.session, task: caller.task })) {
    if (!text.isWellFormed()) return { ok: false, path, why: "is not well-formed Unicode" };
  }
  const batch = action.batch === undefined ? undefined : valueAt(args, action.batch.split(".").slice(1));
  const records = isList(batch) ? batch.length : action.batch === undefined ? 1 : 0;
  const price = action.cost === undefined ? 0 : (valueAt(args, action.cost.split(".").slice(1)) ?? 0);
  const cost = typeof price === "number" ? price : Number.NaN;
  const costText = decimalText(cost);
  if (costText === undefined || cost < 0)
    return {
      ok: false,
      path: action.cost?.replace(/^args\./, "") ?? "cost",
      why: "must be a number, not negative, with at most four digits after the point",
    };
  const context: Readonly<Record<string, CedarValueJson>> = {
    args: typed.value ?? {},
    user: { id: caller.user },
    session: { id: caller.session, task: caller.task, data: data.value ?? {} },
    now: datetimeJson(request.now),
    records,
    cost: { __extn: { fn: "decimal", arg: costText } },
    environment: caller.environment,
  };
  const { name, tenant, environment, workflow } = agent;
  const principal = {
    id: name,
    roles: compiled.book.agentRoles.get(name) ?? new Set<string>(),
    attributes: { ...asRecord(attributes.value), tenant, environment, workflow, name },
  };
  return { ok: true, facts: { action, principal, context }, records, cost };
}

function wrongForced(
  action: CatalogAction,
  caller: Caller,
  args: JsonObject,
): { readonly ok: false; readonly path: string; readonly why: string } | undefined {
  for (const [key, value] of Object.entries(forcedArguments(action, caller))) {
    if (Object.hasOwn(args, key) && args[key] === value) continue;
    return {
      ok: false,
      path: key,
      why: Object.hasOwn(args, key) ? "is set by the broker and may not be passed" : "must be set by the broker before the call is decided",
    };
  }
  return undefined;
}

function asRecord(value: CedarValueJson | undefined): Readonly<Record<string, CedarValueJson>> {
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}
