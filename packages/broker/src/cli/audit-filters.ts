import type { Command } from "commander";
import { CliFailure } from "./failure.ts";
import { printable } from "./text.ts";

/** Options that choose calls, as the command line gives them. */
export interface FilterOptions {
  readonly agent?: string;
  readonly user?: string;
  readonly session?: string;
  readonly run?: string;
  readonly task?: string;
  readonly tool?: string;
  readonly action?: string;
  readonly resource?: string;
  readonly verdict?: string;
  readonly status?: string;
  readonly code?: string;
  readonly approver?: string;
  readonly rule?: string;
  readonly since?: string;
  readonly from?: string;
  readonly to?: string;
}

/** Adds the options that choose calls; all that are given must hold. */
export function addFilterOptions(command: Command): Command {
  return command
    .option("--agent <name>", "only this agent")
    .option("--user <user>", "only calls for this user")
    .option("--session <id>", "only this session")
    .option("--run <id>", "only this run, with all its delegates")
    .option("--task <task>", "only this task")
    .option("--tool <tool>", "only this tool")
    .option("--action <tool:action>", "only this action")
    .option("--resource <type/id>", "only calls on this record, such as Ticket/T-17")
    .option("--verdict <verdict>", "allow, ask or deny")
    .option("--status <status>", "succeeded, failed, unknown, refused, held, running, ...")
    .option("--code <code>", "only this refusal code")
    .option("--approver <person>", "only calls this person answered for")
    .option("--rule <id>", "only calls this rule decided");
}

/** Adds the options that say when. */
export function addTimeOptions(command: Command): Command {
  return command
    .option("--since <ago>", "not older than this, such as 30m, 2h, 7d")
    .option("--from <time>", "from this time on, such as 2026-11-26 or 2026-11-26T10:00Z")
    .option("--to <time>", "before this time");
}

/** The options as the interface takes them. @throws CliFailure `usage` when a time cannot be read. */
export function filterOf(options: FilterOptions): Record<string, string> {
  const { agent, user, session, run, task, tool, action, resource, verdict, status, code, approver, rule, since } = options;
  const from = options.from === undefined ? undefined : timeOf("--from", options.from);
  const to = options.to === undefined ? undefined : timeOf("--to", options.to);
  const all = { agent, user, session, run, task, tool, action, resource, verdict, status, code, approver, rule, since, from, to };
  return Object.fromEntries(Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

/** RFC 3339; a time without an offset is in UTC, as all times are shown. */
function timeOf(option: string, text: string): string {
  const [, date, clock = "00:00", offset = "Z"] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:\d\d)?)?$/u.exec(text) ?? [];
  const at = new Date(date === undefined ? Number.NaN : `${date}T${clock}${offset}`);
  if (!Number.isNaN(at.getTime())) return at.toISOString();
  throw new CliFailure("usage", `\`${printable(text)}\` is no time that ${option} takes`, [
    "write a date or a time, such as 2026-11-26 or 2026-11-26T10:00Z",
    "or give `--since` a time ago, such as 2h",
  ]);
}
