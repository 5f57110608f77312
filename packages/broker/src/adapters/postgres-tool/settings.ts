import type { ToolCaller } from "../../domain/tool.ts";

/** Settings of one transaction, by name. Values are text that is bound. */
export type Settings = Readonly<Record<string, string>>;

/**
 * Who is calling, for the database's own row-level security: policies made by `bailiwick sql emit` read these. Without a caller they are
 * empty, so that nothing of the transaction before is left of them.
 */
export function callerSettings(caller: ToolCaller | undefined): Settings {
  const { tenant = "", environment = "", agent = "", user = "", session = "" } = caller ?? {};
  return {
    "bailiwick.tenant": tenant,
    "bailiwick.environment": environment,
    "bailiwick.agent": agent,
    "bailiwick.user": user,
    "bailiwick.session": session,
  };
}

/** Under these the server writes values in the one way that is understood here. */
export const FIXED_FORMS: Settings = {
  DateStyle: "ISO, YMD",
  IntervalStyle: "iso_8601",
  bytea_output: "hex",
  extra_float_digits: "1",
};

/**
 * Under these a text means the same for every login: names are those of `pg_catalog`, whatever a login's own settings say, and times are
 * read and written in one way.
 */
export const FIXED_MEANING: Settings = {
  search_path: "pg_catalog, pg_temp",
  TimeZone: "UTC",
  standard_conforming_strings: "on",
  ...FIXED_FORMS,
};

/** How long a statement of an agent waits for a lock that another holds. */
const LOCK_TIMEOUT_MS = 2_000;

/** Memory of one sort or hash of an agent's query; what needs more goes to disk. */
const WORK_MEMORY = "16MB";

export const AGENTS_QUERY: Settings = {
  ...FIXED_MEANING,
  lock_timeout: String(LOCK_TIMEOUT_MS),
  work_mem: WORK_MEMORY,
  max_parallel_workers_per_gather: "0",
};
