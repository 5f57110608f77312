import { isDeepStrictEqual } from "node:util";
import { present, presentedTypes, type Json, type JsonObject, type PresentOptions, type Returns } from "@bailiwick/policy";
import { withRecords } from "./beside-records.ts";
import { isObject, readPath, writePath } from "./paths.ts";
import { piecesOf } from "./structured.ts";
import type { DecidedCall, LimitedCall } from "./types.ts";
import { NO_RECORD, WITHHELD, WITHHELD_ERROR, resultOf } from "./withheld.ts";

/** A result as the agent may see it. */
export interface PresentedResult {
  readonly body: JsonObject;
  readonly hidden: readonly string[];
  readonly masked: readonly string[];
  readonly rowsRemoved: number;
  readonly records: number;
}

export interface ResultOptions extends PresentOptions {
  /** A cursor of the tool as this agent may carry it. */
  readonly seal: (cursor: Json) => string;
}

/**
 * Applies rows and fields to a tool's result, in every form the result repeats its data: `structuredContent`, and texts (of blocks, embedded
 * resources, resources and prompts) that hold JSON. All else is withheld when fields or rows are filtered, because nobody can say what it
 * holds, and of what stands beside the records only what the catalog names is left.
 */
export function presentResult(call: LimitedCall, body: JsonObject, options: ResultOptions): PresentedResult {
  const { returns, operation } = call.action;
  const source = returns === undefined ? undefined : sourceOf(body, returns);
  const counted = source === undefined || returns === undefined ? 0 : countAt(source, returns);
  if (returns === undefined || (!isFiltered(call) && counted <= call.decision.maxRecords)) {
    return { body, hidden: [], masked: [], rowsRemoved: 0, records: counted };
  }
  const tally = new Tally(call, returns, { ...options, strict: source?.each === true || body["isError"] === true });
  const presented = source === undefined ? undefined : tally.value(source.value);
  const failed = body["isError"] === true;
  if (presented === "none" || (failed && presented === undefined)) return { ...tally.result(noRecord(call, failed)), records: 0 };
  const texts = textsOf(body, source, presented);
  if (operation.kind !== "tool") return tally.result(resultOf(call.operation, texts));
  return tally.result({
    ...Object.fromEntries(Object.entries(body).filter(([name]) => KNOWN.has(name))),
    ...(source?.structured !== true || presented === undefined ? {} : { structuredContent: presented }),
    ...(Array.isArray(body["content"]) ? resultOf(call.operation, texts) : {}),
  });
}

// Members nobody knows may hold the record again, so of a filtered result only these are kept beside its data.
const KNOWN: ReadonlySet<string> = new Set(["isError", "resultType"]);

/** Whether this agent sees the action's records filtered at all: by rows, fields or tenant. */
export function isFiltered(call: DecidedCall): boolean {
  const { returns } = call.action;
  return returns !== undefined && presentedTypes(call.policy, call.request, call.decision).has(returns.type);
}

/** The one value of a result that is shown; all others are taken for its repetitions, or withheld. */
interface Source {
  readonly value: Json;
  /** It stands in `structuredContent`. */
  readonly structured: boolean;
  /** Each text of the result is a record, or a list of some. */
  readonly each: boolean;
}

function sourceOf(body: JsonObject, { at }: Returns): Source | undefined {
  const structured = body["structuredContent"];
  if (structured !== undefined && structured !== null) return { value: structured, structured: true, each: false };
  const pieces = piecesOf(body).filter((piece) => piece !== undefined);
  const [first, ...others] = pieces;
  if (first === undefined) return undefined;
  const each = at === "result" && others.some((other) => !isDeepStrictEqual(other, first));
  return { value: each ? pieces.flat() : first, structured: false, each };
}

/** Applies the decision to the records at the declared path and counts what it did. */
class Tally {
  readonly #hidden = new Set<string>();
  readonly #masked = new Set<string>();
  #rowsRemoved = 0;
  #records = 0;
  readonly #call: LimitedCall;
  readonly #returns: Returns;
  readonly #options: ResultOptions & { readonly strict: boolean };
  readonly #filtered: boolean;

  /** `strict`: only what has the declared fields of a record is one. An error's object says of a record what it likes. */
  constructor(call: LimitedCall, returns: Returns, options: ResultOptions & { readonly strict: boolean }) {
    this.#call = call;
    this.#returns = returns;
    this.#options = options;
    this.#filtered = isFiltered(call);
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
    const { policy, decision, request, tool } = this.#call;
    const { type } = this.#returns;
    if (this.#options.strict && !isDeclared(record, tool.types[type] ?? {})) return undefined;
    const seen = present(policy, request, decision, record, type, this.#options);
    if (!seen.visible) return undefined;
    this.#records += 1;
    for (const path of seen.hidden) this.#hidden.add(path);
    for (const path of seen.masked) this.#masked.add(path);
    return seen.record;
  }

  #write(root: { readonly result: Json }, value: Json): Json {
    if (!this.#filtered) return writePath(root, this.#returns.at, value)["result"] ?? null;
    return withRecords(root.result, value, { returns: this.#returns, visible: this.#records, seal: this.#options.seal });
  }
}

function isDeclared(record: JsonObject, fields: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(fields).every((key) => key.endsWith("?") || Object.hasOwn(record, key));
}

/** What takes the place of the result's texts: the presented value once, and once the word that something was withheld. */
function textsOf(body: JsonObject, source: Source | undefined, presented: Json | undefined): readonly string[] {
  const shown = source?.each === true && Array.isArray(presented) ? presented : presented === undefined ? [] : [presented];
  const texts: string[] = [];
  for (const piece of piecesOf(body)) {
    const isFirst = piece !== undefined && !texts.some((text) => text !== WITHHELD);
    if (isFirst) texts.push(...shown.map((value) => JSON.stringify(value)));
    else if (piece === undefined || (source?.each !== true && !isDeepStrictEqual(piece, source?.value))) texts.push(WITHHELD);
  }
  return texts.filter((text, index) => text !== WITHHELD || texts.indexOf(WITHHELD) === index);
}

// `isError` even after a write that went well: without its record the result cannot keep the tool's output schema.
function noRecord({ action, operation }: LimitedCall, failed: boolean): JsonObject {
  const reads = action.effect === "read" || action.effect === "export";
  const text = reads ? NO_RECORD.read : failed ? WITHHELD_ERROR : NO_RECORD.sent;
  return { ...resultOf(operation, [text]), ...(operation.kind === "tool" ? { isError: true } : {}) };
}

function countAt({ value }: Source, { at }: Returns): number {
  const found = readPath({ result: value }, at);
  if (Array.isArray(found)) return found.length;
  return found === undefined || found === null ? 0 : 1;
}
