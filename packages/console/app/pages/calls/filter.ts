import { useSearch } from "@tanstack/react-router";

/** What calls can be looked for by, as the address and the broker name it. */
export const CALL_FILTER = [
  "agent",
  "user",
  "action",
  "status",
  "verdict",
  "code",
  "rule",
  "resource",
  "tool",
  "task",
  "run",
  "session",
  "approver",
  "since",
  "from",
  "to",
] as const;

export type FilterName = (typeof CALL_FILTER)[number];
export type CallFilter = { readonly [name in FilterName]?: string | undefined };

/** The filter of a page, from its address; only what is given. */
export function useCallFilter(from: "/calls" | "/log"): CallFilter {
  const search: CallFilter = useSearch({ from });
  return filterOf(search);
}

/** The conditions that are given, and nothing else that an address holds. */
export function filterOf(values: Readonly<Record<string, unknown>> | CallFilter): CallFilter {
  const given: { [name in FilterName]?: string | undefined } = {};
  for (const [name, value] of Object.entries(values)) {
    const known = CALL_FILTER.find((each) => each === name);
    if (known !== undefined && typeof value === "string" && value !== "") given[known] = value;
  }
  return given;
}

/** What each condition is called on the page. */
export const FILTER_WORDS: Readonly<Record<FilterName, string>> = {
  agent: "agent",
  user: "for user",
  action: "action",
  status: "status",
  verdict: "verdict",
  code: "code",
  rule: "rule",
  resource: "record",
  tool: "tool",
  task: "task",
  run: "run",
  session: "session",
  approver: "answered by",
  since: "within",
  from: "from",
  to: "until",
};

export const STATUSES = ["running", "held", "refused", "succeeded", "failed", "unknown", "not_sent", "withheld"] as const;
export const VERDICTS = ["allow", "ask", "deny"] as const;
export const WITHIN = [
  ["15m", "15 minutes"],
  ["1h", "1 hour"],
  ["24h", "24 hours"],
  ["7d", "7 days"],
  ["30d", "30 days"],
] as const;

type Query = { -readonly [name in FilterName]?: string } & { verdict?: "allow" | "ask" | "deny"; tenant?: string };

/** The filter as the broker takes it. A verdict it does not know is left out: the address is typed by hand at times. */
export function queryOf({ verdict, ...filter }: CallFilter, tenant: string | undefined): Query {
  const known = VERDICTS.find((each) => each === verdict);
  const given: Query = {};
  for (const [name, value] of Object.entries(filterOf(filter))) {
    const condition = CALL_FILTER.find((each) => each === name);
    if (condition !== undefined && condition !== "verdict" && value !== undefined) given[condition] = value;
  }
  return { ...given, ...(known === undefined ? {} : { verdict: known }), ...(tenant === undefined ? {} : { tenant }) };
}
