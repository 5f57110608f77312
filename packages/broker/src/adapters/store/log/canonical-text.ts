import { canonicalize } from "@bailiwick/ledger";
import { Fault } from "../../../domain/fault.ts";

/**
 * Canonical JSON of a value. Text an agent chose may hold lone surrogates, which have no canonical form; a record of the attempt must still be written.
 * @throws Fault `log_unavailable` when it has none at all.
 */
export function canonicalText(value: unknown): string {
  try {
    return canonicalize(value);
  } catch (cause) {
    try {
      return canonicalize(repair(value));
    } catch {
      throw new Fault("log_unavailable", "the record cannot be written as JSON (nested too deep, or not JSON); the call was stopped", {
        cause,
      });
    }
  }
}

function repair(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (Array.isArray(value)) return value.map(repair);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key.toWellFormed(), repair(member)]));
}

const CONTROL = /\p{Cc}/u;
const CONTROLS = /\p{Cc}/gu;

/** Text as a column of the database holds it: well formed, without control characters. */
export function columnText(text: string): string {
  const formed = text.toWellFormed();
  return CONTROL.test(formed) ? formed.replaceAll(CONTROLS, "\ufffd") : formed;
}
