import type { JsonObject } from "@bailiwick/policy";
import { DatabaseError, Query, type PoolClient, type QueryConfig } from "pg";
import { z } from "zod";
import { Refusal } from "../../call/refusal.ts";
import { Fault } from "../../domain/fault.ts";
import { ToolError } from "../../domain/tool.ts";
import { CANCEL_GRACE_MS } from "./limits.ts";
import { boundLine } from "./bound-line.ts";
import { safeWords } from "./safe-words.ts";
import type { Settings } from "./settings.ts";
import { JSON_TYPES } from "./values.ts";

/** JSON-RPC 2.0, section 5.1: server errors start here. */
const STATEMENT_FAILED = -32000;

/** PostgreSQL appendix A: the statement was cancelled. */
const QUERY_CANCELED = "57014";

/** One statement with all that holds for its transaction. */
export interface Plan {
  readonly text: string;
  readonly values: readonly unknown[];
  /** READ ONLY: a function with a hidden write fails. */
  readonly readOnly: boolean;
  readonly settings: Settings;
  readonly maxRows: number;
  /** The most that the planner may expect it to cost; it is asked before anything runs. Absent: it is not asked. */
  readonly maxCost?: number | undefined;
  /** What an agent may read of the server's own words: all where a person reviewed the text, of its own text what is wrong with it. */
  readonly tells: "all" | "of-the-text" | "nothing";
  /** A statement of the same transaction that goes before; what `accept` throws of its rows ends it. */
  readonly first?: (Pick<Plan, "text" | "values"> & { readonly accept: (rows: readonly JsonObject[]) => void }) | undefined;
  /** Looks at the rows before the commit; what it throws rolls back. */
  readonly accept?: ((rows: readonly JsonObject[]) => void) | undefined;
}

/**
 * Runs one statement in a transaction of its own, and answers its rows.
 * The extended query protocol carries exactly one statement, and arguments only as bind values.
 * Nothing has happened until COMMIT is sent: every fault before it is `tool_unavailable`, `cancelled` or a ToolError with the work rolled back.
 * @throws Fault `tool_lost` | `tool_timeout` when the answer to COMMIT is missing; `result_too_large` (rolled back); Refusal
 * `statement_refused` when it would cost too much.
 */
export async function runStatement(
  client: PoolClient,
  plan: Plan,
  options: { readonly timeoutMs: number; readonly maxBytes: number; readonly signal: AbortSignal },
): Promise<readonly JsonObject[]> {
  const stage = { committing: false };
  const over = interruption(stage, options);
  try {
    return await Promise.race([over.promise, transact(client, plan, options, stage)]);
  } catch (error) {
    throw explain(error, stage, options.timeoutMs, plan.tells);
  } finally {
    over.stop();
  }
}

async function transact(
  client: PoolClient,
  plan: Plan,
  options: { readonly timeoutMs: number; readonly maxBytes: number },
  stage: { committing: boolean },
): Promise<readonly JsonObject[]> {
  await client.query(plan.readOnly ? "BEGIN READ ONLY" : "BEGIN");
  await settle(client, { ...plan.settings, statement_timeout: String(options.timeoutMs) });
  if (plan.maxCost !== undefined) await requireCost(client, plan, plan.maxCost);
  if (plan.first !== undefined) plan.first.accept(await collect(client, { ...plan, ...plan.first }, options.maxBytes));
  const rows = await collect(client, plan, options.maxBytes);
  plan.accept?.(rows);
  stage.committing = !plan.readOnly;
  await client.query("COMMIT");
  return rows;
}

/** All settings in one request, for this transaction alone. */
async function settle(client: PoolClient, settings: Settings): Promise<void> {
  const entries = Object.entries(settings);
  const calls = entries.map((_, at) => `pg_catalog.set_config($${String(2 * at + 1)}, $${String(2 * at + 2)}, true)`);
  await client.query(`SELECT ${calls.join(", ")}`, entries.flat());
}

const costs = z.tuple([z.object({ Plan: z.object({ "Total Cost": z.number() }) })]);

/** The figure itself is not told: it follows from statistics over all records. */
async function requireCost(client: PoolClient, { text, values }: Plan, maxCost: number): Promise<void> {
  const explained: QueryConfig = { text: `EXPLAIN (FORMAT JSON) ${text}`, values: [...values] };
  const { rows } = await client.query<Record<string, unknown>>(explained);
  const [{ Plan: planned }] = costs.parse(rows[0]?.["QUERY PLAN"]);
  if (planned["Total Cost"] <= maxCost) return;
  throw new Refusal(
    "statement_refused",
    `the database expects the query to cost more than ${String(maxCost)} (its planner's units), so it was not run; narrow it with conditions or read fewer tables`,
  );
}

/** The driver sends a statement without values over the simple protocol, which would allow several, unless told otherwise. */
interface ExtendedQuery extends QueryConfig {
  readonly queryMode: "extended";
}

async function collect(client: PoolClient, plan: Plan, maxBytes: number): Promise<readonly JsonObject[]> {
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = boundLine(client, maxBytes, () => reject(tooLarge(`more than ${maxBytes} bytes`)));
  try {
    return await Promise.race([promise, answered(client, plan, maxBytes)]);
  } finally {
    stop();
  }
}

function answered(client: PoolClient, { text, values, maxRows, tells }: Plan, maxBytes: number): Promise<readonly JsonObject[]> {
  const { promise, resolve, reject } = Promise.withResolvers<readonly JsonObject[]>();
  const rows: JsonObject[] = [];
  let bytes = 0;
  const config: ExtendedQuery = { text, values: [...values], types: JSON_TYPES, queryMode: "extended" };
  const query = client.query(new Query<Record<string, unknown>>(config));
  query.on("row", (row, result) => {
    if (bytes > maxBytes || rows.length > maxRows) return;
    const twice = tells === "of-the-text" && rows.length === 0 ? repeated(result?.fields.map(({ name }) => name) ?? []) : undefined;
    if (twice !== undefined) reject(sameName(twice));
    const line = JSON.stringify(row);
    bytes += Buffer.byteLength(line);
    rows.push(parseRow(line));
    if (rows.length > maxRows) reject(tooLarge(`more than ${maxRows} rows`));
    else if (bytes > maxBytes) reject(tooLarge(`more than ${maxBytes} bytes`));
  });
  query.on("error", reject);
  query.on("end", () => resolve(rows));
  return promise;
}

function repeated(names: readonly string[]): string | undefined {
  return names.find((name, at) => names.indexOf(name) < at);
}

function sameName(name: string): ToolError {
  return new ToolError(
    STATEMENT_FAILED,
    `two columns of the result are called \`${name}\`, so one of them would be lost; give them names with \`as\``,
  );
}

function parseRow(text: string): JsonObject {
  const row: JsonObject = JSON.parse(text);
  return row;
}

function tooLarge(what: string): Fault {
  return new Fault("result_too_large", `the statement answered ${what}; it was rolled back, ask for fewer records`);
}

function interruption(
  stage: { readonly committing: boolean },
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): { readonly promise: Promise<never>; stop(): void } {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => {
    if (!stage.committing) reject(new Fault("cancelled", "the call was cancelled before it was committed; nothing was changed"));
  };
  const timer = setTimeout(() => {
    reject(
      stage.committing
        ? new Fault(
            "tool_timeout",
            `the database did not confirm the commit within ${options.timeoutMs} ms; look at the record before trying again`,
          )
        : new Fault("tool_unavailable", `the database did not answer within ${options.timeoutMs} ms; nothing was changed, try again later`),
    );
  }, options.timeoutMs + CANCEL_GRACE_MS);
  options.signal.addEventListener("abort", abort, { once: true });
  promise.catch(() => {});
  if (options.signal.aborted) abort();
  return {
    promise,
    stop: () => {
      clearTimeout(timer);
      options.signal.removeEventListener("abort", abort);
    },
  };
}

function explain(error: unknown, stage: { readonly committing: boolean }, timeoutMs: number, tells: Plan["tells"]): Error {
  if (error instanceof Fault || error instanceof ToolError || error instanceof Refusal) return error;
  // A severity of FATAL means that the server ended the session: no answer to the statement, whatever the code.
  if (error instanceof DatabaseError && error.severity !== "FATAL") {
    if (error.code === QUERY_CANCELED)
      return new ToolError(STATEMENT_FAILED, `the statement took longer than ${timeoutMs} ms and was rolled back; ask for less`);
    const said = tells === "all" ? error.message : safeWords(error.code, tells === "nothing" ? undefined : error.message);
    return new ToolError(STATEMENT_FAILED, `the database refused the statement (${error.code ?? "no code"}): ${said}; it was rolled back`);
  }
  return stage.committing
    ? new Fault(
        "tool_lost",
        "the database went away while committing; whether the change holds is unknown, look at the record before trying again",
      )
    : new Fault("tool_unavailable", "the database went away before anything was committed; nothing was changed, try again");
}
