import { present, presentedTypes, type Json, type JsonObject } from "@bailiwick/policy";
import { isObject, readPath, writePath } from "./paths.ts";
import { jsonOfBlock, structuredOf } from "./structured.ts";
import type { LimitedCall } from "./types.ts";

/** A result as the agent may see it. */
export interface PresentedResult {
  readonly body: JsonObject;
  readonly hidden: readonly string[];
  readonly masked: readonly string[];
  readonly rowsRemoved: number;
  readonly records: number;
}

const WITHHELD = "[withheld: this text could not be filtered for this agent]";

/**
 * Applies rows and fields to a tool's result, in every form the result repeats its data: `structuredContent`, text blocks that hold JSON,
 * and nothing else: text that is not JSON, embedded resources and `_meta` are withheld when fields or rows are filtered, because nobody can say what they hold.
 */
export function presentResult(call: LimitedCall, body: JsonObject, maskSalt: string): PresentedResult {
  const { returns } = call.action;
  const counted = countAt(body, returns?.at);
  if (returns === undefined || (!isFiltered(call) && counted <= call.decision.maxRecords)) {
    return { body, hidden: [], masked: [], rowsRemoved: 0, records: counted };
  }
  const tally = new Tally(call, returns, maskSalt);
  const structured = body["structuredContent"];
  const content = body["content"];
  const source = structuredOf(body);
  const presented = source === undefined ? undefined : tally.value(source);
  if (presented === "none") return { ...tally.result({ ...known(body), ...noRecord(call) }), records: 0 };
  const cleaned: JsonObject = {
    ...known(body),
    ...(structured === undefined || presented === undefined ? {} : { structuredContent: presented }),
    ...(Array.isArray(content) ? { content: content.map((block) => cleanBlock(block, presented)) } : {}),
  };
  return tally.result(cleaned);
}

/** Whether this agent sees the action's records filtered at all: by rows, fields or tenant. */
export function isFiltered(call: LimitedCall): boolean {
  const { returns } = call.action;
  return returns !== undefined && presentedTypes(call.policy, call.request, call.decision).has(returns.type);
}

/** Applies the decision to the records at the declared path and counts what it did. */
class Tally {
  readonly #hidden = new Set<string>();
  readonly #masked = new Set<string>();
  #rowsRemoved = 0;
  #records = 0;
  readonly #call: LimitedCall;
  readonly #returns: { readonly type: string; readonly at: string };
  readonly #maskSalt: string;

  constructor(call: LimitedCall, returns: { readonly type: string; readonly at: string }, maskSalt: string) {
    this.#call = call;
    this.#returns = returns;
    this.#maskSalt = maskSalt;
  }

  /** The value with its records presented; "none" when the one record it stands for is not visible. */
  value(source: Json): Json | "none" {
    const root = { result: source };
    const found = readPath(root, this.#returns.at);
    if (Array.isArray(found)) return this.#write(root, this.#rows(found));
    if (!isObject(found)) return isObject(source) && Object.keys(source).length === 0 ? source : "none";
    const seen = this.#one(found);
    return seen === undefined ? "none" : this.#write(root, seen);
  }

  result(body: JsonObject): PresentedResult {
    return {
      body,
      hidden: [...this.#hidden].toSorted(),
      masked: [...this.#masked].toSorted(),
      rowsRemoved: this.#rowsRemoved,
      records: this.#records,
    };
  }

  #rows(rows: readonly Json[]): readonly Json[] {
    const visible: Json[] = [];
    for (const row of rows) {
      const seen = isObject(row) && this.#records < this.#call.decision.maxRecords ? this.#one(row) : undefined;
      if (seen !== undefined) visible.push(seen);
    }
    this.#rowsRemoved += rows.length - visible.length;
    return visible;
  }

  #one(record: JsonObject): JsonObject | undefined {
    const { policy, decision, request } = this.#call;
    const seen = present(policy, request, decision, record, this.#returns.type, { maskSalt: this.#maskSalt });
    if (!seen.visible) return undefined;
    this.#records += 1;
    for (const path of seen.hidden) this.#hidden.add(path);
    for (const path of seen.masked) this.#masked.add(path);
    return seen.record;
  }

  #write(root: JsonObject, value: Json): Json {
    return writePath(root, this.#returns.at, value)["result"] ?? null;
  }
}

function cleanBlock(block: Json, presented: Json | undefined): Json {
  if (presented !== undefined && jsonOfBlock(block) !== undefined) return { type: "text", text: JSON.stringify(presented) };
  return { type: "text", text: WITHHELD };
}

// Members nobody knows may hold the record again, so of a filtered result only these are kept beside its data.
function known(body: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(body).filter(([name]) => name === "isError" || name === "resultType"));
}

// `isError` even after a write that went well: without its record the result cannot keep the tool's output schema.
function noRecord(call: LimitedCall): JsonObject {
  const text =
    call.action.effect === "read" || call.action.effect === "export"
      ? "no such record is visible to this agent"
      : "the call was sent and is recorded; the record as it is now is not visible to this agent, so do not repeat the call to see it";
  return { content: [{ type: "text", text }], isError: true };
}

function countAt(body: JsonObject, at: string | undefined): number {
  if (at === undefined) return 0;
  const structured = structuredOf(body);
  const found = structured === undefined ? undefined : readPath({ result: structured }, at);
  if (Array.isArray(found)) return found.length;
  return found === undefined || found === null ? 0 : 1;
}
