import { Decimal } from "../cedar/decimal.ts";
import { CedarRecord } from "../cedar/value.ts";
import type { Value } from "../cedar/value.ts";
import type { PolicySession } from "../decide/session.ts";
import { isList, isObject } from "../json.ts";
import type { Json, JsonObject } from "../json.ts";
import type { Caller, CatalogAction, DecisionRequest } from "../types.ts";
import { exactDecimal } from "./exact-decimal.ts";
import { momentOf } from "./moment.ts";
import { findForbidden } from "./reserved-keys.ts";
import { readRecord, Unreadable } from "./shape.ts";
import type { Shape } from "./shape.ts";

/** The call in the engine's terms, or the argument that cannot be judged. */
export type RequestFacts =
  | { readonly ok: true; readonly context: CedarRecord; readonly records: number; readonly cost: number; readonly recipients: number }
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

export function readRequest(session: PolicySession, action: CatalogAction, request: DecisionRequest): RequestFacts {
  try {
    return read(session, action, request);
  } catch (error) {
    if (error instanceof Unreadable) return { ok: false, path: error.path, why: error.why };
    throw error;
  }
}

function read(session: PolicySession, action: CatalogAction, { args, now }: DecisionRequest): RequestFacts {
  const forbidden = findForbidden(args) ?? session.unreadable ?? wrongForced(action, session.caller, args);
  if (forbidden !== undefined) return { ok: false, path: forbidden.path, why: forbidden.why };
  const typed = readRecord(args, session.compiled.argumentShapes.get(action) ?? NO_SHAPE, "refuse");
  const records = recordCount(action, args);
  const cost = action.cost === undefined ? FREE : costOf(action.cost, args);
  const context = new Map<string, Value>(session.context);
  context.set("args", typed).set("now", momentOf(now)).set("records", records).set("cost", cost.exact);
  return { ok: true, context: new CedarRecord(context), records, cost: cost.number, recipients: recipientCount(action, args) };
}

const NO_SHAPE: Shape = new Map();

interface Cost {
  readonly exact: Decimal;
  readonly number: number;
}

const FREE: Cost = { exact: new Decimal(0), number: 0 };

function costOf(path: string, args: JsonObject): Cost {
  // Left out the tool chooses it, and what it chooses nobody could count: the whole amount, as a rule.
  const price = valueAt(args, path.split(".").slice(1));
  const exact = typeof price === "number" && price >= 0 ? exactDecimal(price) : undefined;
  if (typeof price === "number" && exact !== undefined) return { exact, number: price };
  throw new Unreadable(path.replace(/^args\./, ""), "must be given, as a number, not negative, with at most four digits after the point");
}

function recordCount(action: CatalogAction, args: JsonObject): number {
  if (action.batch === undefined) return 1;
  const batch = valueAt(args, action.batch.split(".").slice(1));
  if (batch !== undefined && isList(batch)) return batch.length;
  // Without its list the tool may take all records there are.
  throw new Unreadable(action.batch.replace(/^args\./, ""), "must be given, as a list: it says how many records the call touches");
}

/** An address list in one text counts by its addresses, an object by those in it; whatever names no address is one recipient. */
function recipientCount(action: CatalogAction, args: JsonObject): number {
  const count = (value: Json | undefined): number => {
    if (value === undefined || value === null) return 0;
    return isList(value) ? value.reduce<number>((sum, item) => sum + count(item), 0) : Math.max(1, addressCount(value));
  };
  return action.destination.reduce((sum, path) => sum + count(valueAt(args, path.split(".").slice(1))), 0);
}

function addressCount(value: Json): number {
  if (typeof value === "string") return value.split("@").length - 1;
  const inner = isList(value) ? value : isObject(value) ? Object.values(value) : [];
  return inner.reduce<number>((sum, each) => sum + addressCount(each), 0);
}

function wrongForced(action: CatalogAction, caller: Caller, args: JsonObject): { readonly path: string; readonly why: string } | undefined {
  if (Object.keys(action.force).length === 0) return undefined;
  for (const [key, value] of Object.entries(forcedArguments(action, caller))) {
    if (Object.hasOwn(args, key) && args[key] === value) continue;
    return {
      path: key,
      why: Object.hasOwn(args, key) ? "is set by the broker and may not be passed" : "must be set by the broker before the call is decided",
    };
  }
  return undefined;
}
