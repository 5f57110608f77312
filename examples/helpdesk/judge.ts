import type { Observed } from "./observed.ts";
import type { Expectation } from "./scenario.ts";

/** Where what was seen differs from what was expected; empty when it does not. */
export function differences(expected: Expectation, seen: Observed): readonly string[] {
  return [
    ...differs("kind", expected.kind, seen.kind),
    ...(expected.code === undefined ? [] : differs("code", expected.code, seen.code)),
    ...differs("failed", expected.failed ?? false, seen.failed),
    ...(expected.hidden === undefined ? [] : differs("hidden", expected.hidden.toSorted(), seen.hidden.toSorted())),
    ...(expected.masked === undefined ? [] : differs("masked", expected.masked.toSorted(), seen.masked.toSorted())),
    ...(expected.rowsRemoved === undefined ? [] : differs("rowsRemoved", expected.rowsRemoved, seen.rowsRemoved)),
    ...(expected.contains ?? []).filter((text) => !holds(seen, text)).map((text) => `the answer lacks \`${text}\``),
    ...(expected.lacks ?? []).filter((text) => holds(seen, text)).map((text) => `the answer holds \`${text}\``),
  ];
}

function differs(what: string, expected: unknown, actual: unknown): readonly string[] {
  const [wanted, found] = [JSON.stringify(expected), JSON.stringify(actual)];
  return wanted === found ? [] : [`${what} is ${found ?? "absent"}, not ${wanted}`];
}

/** A text may stand inside a JSON text block, where its quotes are escaped. */
function holds(seen: Observed, text: string): boolean {
  return seen.text.includes(text) || seen.text.includes(JSON.stringify(text).slice(1, -1));
}

/** The few facts of an observation that an expectation speaks of. */
export function facts(seen: Observed): Readonly<Record<string, unknown>> {
  return {
    kind: seen.kind,
    ...(seen.code === undefined ? {} : { code: seen.code }),
    ...(seen.failed ? { failed: true } : {}),
    ...(seen.hidden.length === 0 ? {} : { hidden: seen.hidden }),
    ...(seen.masked.length === 0 ? {} : { masked: seen.masked }),
    ...(seen.rowsRemoved === 0 ? {} : { rowsRemoved: seen.rowsRemoved }),
  };
}
