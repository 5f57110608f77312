import { Fault } from "../../domain/fault.ts";
import { errorState } from "./connections.ts";

/** Runs a store operation; whatever fails in the database becomes a Fault `store_unavailable` that says what to do. */
export async function orUnavailable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault(
      "store_unavailable",
      `the store could not answer (${describe(cause)}); check that PostgreSQL runs and has free disk space, then try again`,
      { cause },
    );
  }
}

/** What failed, without any value that took part in it: messages of the database can quote rows. */
export function describe(error: unknown): string {
  const state = errorState(error);
  if (state === undefined)
    return error instanceof Error && /timeout|terminated|ended/i.test(error.message) ? error.message.toLowerCase() : "unexpected failure";
  return KNOWN[state] === undefined ? state : `${state}, ${KNOWN[state]}`;
}

const KNOWN: Readonly<Record<string, string>> = {
  "53100": "disk full",
  "53200": "out of memory",
  "53300": "too many connections",
  "57014": "statement timed out",
  "57P01": "the server is shutting down",
  "57P02": "the server crashed",
  "57P03": "the server is starting or stopping",
  "28P01": "wrong password",
  "58030": "input/output error",
  ECONNREFUSED: "connection refused",
  ENOENT: "the server's socket is gone",
  ECONNRESET: "connection lost",
};
