import type { CatalogAction, JsonObject } from "@bailiwick/policy";
import { DatabaseError, Query, type PoolClient, type QueryConfig } from "pg";
import { Fault } from "../../domain/fault.ts";
import { ToolError } from "../../domain/tool.ts";
import { CANCEL_GRACE_MS, MAX_ROWS } from "./limits.ts";
import { JSON_TYPES } from "./values.ts";

/** JSON-RPC 2.0, section 5.1: server errors start here. */
const STATEMENT_FAILED = -32000;

/** PostgreSQL appendix A: the statement was cancelled. */
const QUERY_CANCELED = "57014";

/**
 * Runs one reviewed statement in a transaction of its own; a `read` runs READ ONLY, so a function with a hidden write fails.
 * The extended query protocol carries exactly one statement, and arguments only as bind values.
 * Nothing has happened until COMMIT is sent: every fault before it is `tool_unavailable`, `cancelled` or a ToolError with the work rolled back.
 * @throws Fault `tool_lost` | `tool_timeout` when the answer to COMMIT is missing; `result_too_large` (rolled back).
 */
export async function runStatement(
  client: PoolClient,
  action: CatalogAction,
  values: readonly unknown[],
  options: { readonly timeoutMs: number; readonly maxBytes: number; readonly signal: AbortSignal },
): Promise<JsonObject> {
  const stage = { committing: false };
  const over = interruption(stage, options);
  try {
    return await Promise.race([over.promise, transact(client, action, values, options, stage)]);
  } catch (error) {
    throw explain(error, stage, options.timeoutMs);
  } finally {
    over.stop();
  }
}

async function transact(
  client: PoolClient,
  action: CatalogAction,
  values: readonly unknown[],
  options: { readonly timeoutMs: number; readonly maxBytes: number },
  stage: { committing: boolean },
): Promise<JsonObject> {
  await client.query(action.effect === "read" ? "BEGIN READ ONLY" : "BEGIN");
  await client.query("SELECT set_config('statement_timeout', $1, true)", [String(options.timeoutMs)]);
  const rows = await collect(client, action.statement?.sql ?? "", values, options.maxBytes);
  stage.committing = action.effect !== "read";
  await client.query("COMMIT");
  return { rows, rowCount: rows.length };
}

/** The driver sends a statement without values over the simple protocol, which would allow several, unless told otherwise. */
interface ExtendedQuery extends QueryConfig {
  readonly queryMode: "extended";
}

function collect(client: PoolClient, sql: string, values: readonly unknown[], maxBytes: number): Promise<readonly JsonObject[]> {
  const { promise, resolve, reject } = Promise.withResolvers<readonly JsonObject[]>();
  const rows: JsonObject[] = [];
  let bytes = 0;
  const config: ExtendedQuery = { text: sql, values: [...values], types: JSON_TYPES, queryMode: "extended" };
  const query = client.query(new Query<Record<string, unknown>>(config));
  query.on("row", (row) => {
    if (bytes > maxBytes || rows.length > MAX_ROWS) return;
    const text = JSON.stringify(row);
    bytes += Buffer.byteLength(text);
    rows.push(parseRow(text));
    if (rows.length > MAX_ROWS) reject(tooLarge(`more than ${MAX_ROWS} rows`));
    else if (bytes > maxBytes) reject(tooLarge(`more than ${maxBytes} bytes`));
  });
  query.on("error", reject);
  query.on("end", () => resolve(rows));
  return promise;
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

function explain(error: unknown, stage: { readonly committing: boolean }, timeoutMs: number): Error {
  if (error instanceof Fault || error instanceof ToolError) return error;
  // A severity of FATAL means that the server ended the session: no answer to the statement, whatever the code.
  if (error instanceof DatabaseError && error.severity !== "FATAL") {
    return error.code === QUERY_CANCELED
      ? new ToolError(STATEMENT_FAILED, `the statement took longer than ${timeoutMs} ms and was rolled back; ask for less`)
      : new ToolError(
          STATEMENT_FAILED,
          `the database refused the statement (${error.code ?? "no code"}): ${error.message}; it was rolled back`,
        );
  }
  return stage.committing
    ? new Fault(
        "tool_lost",
        "the database went away while committing; whether the change holds is unknown, look at the record before trying again",
      )
    : new Fault("tool_unavailable", "the database went away before anything was committed; nothing was changed, try again");
}
