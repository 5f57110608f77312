import { valueAt } from "../facts/request-facts.ts";
import type { JsonObject } from "../json.ts";
import { filtersResults } from "../load/condition-place.ts";
import type { CatalogAction, Policy, ResourceFacts, RowBound } from "../types.ts";
import type { No } from "./answer.ts";
import { BUILTIN } from "./builtin-rules.ts";
import type { Situation } from "./situation.ts";

/** Whether a record lies inside every bound of the session; a field that is absent or no text, number or boolean is outside. */
export function insideRows(bounds: readonly RowBound[] | undefined, type: string, record: JsonObject): boolean {
  return (bounds ?? []).every((bound) => !Object.hasOwn(bound, type) || fits(bound[type] ?? {}, record));
}

/** Whether any bound speaks of this type. */
export function boundsRows(bounds: readonly RowBound[] | undefined, type: string | undefined): boolean {
  return type !== undefined && (bounds ?? []).some((bound) => Object.hasOwn(bound, type));
}

function fits(fields: Readonly<Record<string, readonly string[]>>, record: JsonObject): boolean {
  return Object.entries(fields).every(([path, values]) => {
    const value = valueAt(record, path.split("."));
    return (typeof value === "string" || typeof value === "number" || typeof value === "boolean") && values.includes(String(value));
  });
}

/**
 * Refuses a call on a record that the session was not opened for. A record that was not loaded is judged by its id when the bound asks
 * for nothing else; a read whose records come back in the result is filtered there as well; whatever else cannot be judged is refused,
 * also when the record is still open.
 */
export function outsideRows(situation: Situation): No | undefined {
  const { policy, action, request, record, recordState } = situation;
  const bounds = request.caller.rows;
  const type = action.resource?.type;
  const blind = blindTo(policy, bounds, action);
  if (blind !== undefined) return unjudged(situation, blind);
  if (type === undefined || !boundsRows(bounds, type) || recordState === "open") return undefined;
  if (record !== undefined) return insideRows(bounds, type, withId(record)) ? undefined : outside(situation, type);
  const speaking = (bounds ?? []).flatMap((bound) => (Object.hasOwn(bound, type) ? [bound[type] ?? {}] : []));
  const id = valueAt(request.args, action.resource?.id.split(".").slice(1) ?? []);
  const byId = speaking.every(({ id: ids }) => ids === undefined || fits({ id: ids }, { id: id ?? null }));
  if (!byId) return outside(situation, type);
  const wholly = speaking.every((fields) => Object.keys(fields).every((path) => path === "id"));
  const filtered = action.returns?.type === type && filtersResults(action);
  return wholly || filtered ? undefined : outside(situation, type);
}

/**
 * A bounded type whose records an action may touch without anybody seeing which: it makes or changes one that only its result shows, or it
 * says nothing of records (a batch, an MCP resource, a prompt) and belongs to a tool that has them. Undefined for all other actions.
 */
export function blindTo(policy: Policy, bounds: readonly RowBound[] | undefined, action: CatalogAction): string | undefined {
  if (bounds === undefined || bounds.length === 0) return undefined;
  const { resource, returns, operation } = action;
  if (returns !== undefined && returns.type !== resource?.type && boundsRows(bounds, returns.type) && !filtersResults(action))
    return returns.type;
  // What a query sees of each table is bounded there, as the table's own read action is.
  if (resource !== undefined || returns !== undefined || action.sql !== undefined) return undefined;
  const types = policy.tools.find(({ tool }) => tool === operation.tool)?.types ?? {};
  return Object.keys(types).find((type) => boundsRows(bounds, type));
}

function unjudged({ action, agent }: Situation, type: string): No {
  return {
    code: "outside_session_scope",
    message: `this session was opened for certain ${type} records, and nobody can tell which ones \`${action.scope}\` touches; open a session without that bound`,
    rules: [BUILTIN.sessionScope],
    next: [
      { kind: "reauthenticate" },
      {
        kind: "ask_owner",
        owner: agent.owner,
        text: `add \`resource\` to \`${action.operation.name}\` in tools/${action.operation.tool}.yaml`,
      },
    ],
  };
}

/** The id the call names counts as the record's own where the record does not carry one. */
function withId({ id, attributes }: ResourceFacts): JsonObject {
  return Object.hasOwn(attributes, "id") ? attributes : { ...attributes, id };
}

function outside({ action, agent, request }: Situation, type: string): No {
  const ids = (request.caller.rows ?? []).flatMap((bound) => bound[type]?.["id"] ?? []);
  const named = ids.length === 0 ? `certain ${type} records` : `${type} ${ids.slice(0, 5).join(", ")}${ids.length > 5 ? ", ..." : ""}`;
  return {
    code: "outside_session_scope",
    message: `this session was opened for ${named}, and \`${action.scope}\` on another ${type} is outside of it; open a session for that record`,
    rules: [BUILTIN.sessionScope],
    next: [
      { kind: "reauthenticate" },
      {
        kind: "ask_owner",
        owner: agent.owner,
        text: `whether \`${agent.workflow}/${agent.agent}\` should work on another ${type} in this task`,
      },
    ],
  };
}
