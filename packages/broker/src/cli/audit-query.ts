import type { Command } from "commander";
import type { z } from "zod";
import { type callSchema, callsSchema } from "../rest-contract/schemas.ts";
import { addFilterOptions, addTimeOptions, type FilterOptions, filterOf } from "./audit-filters.ts";
import { addAuditSearch } from "./audit-search.ts";
import { addAuditTail } from "./audit-tail.ts";
import { addAuditTimeline } from "./audit-timeline.ts";
import type { BrokerClient } from "./broker-client.ts";
import type { Cli } from "./cli.ts";
import { CliFailure } from "./failure.ts";
import { table } from "./text.ts";

interface PageOptions {
  readonly tenant?: string;
  readonly before?: string;
  readonly limit: string;
}

type CallsAnswer = z.output<typeof callsSchema>;

/** Calls in one answer of the broker. */
const MAX_PAGE = 200;
/** Short pages in a row that are asked for before the user is: a filter that matches nearly nothing in a large log. */
const MAX_SHORT_PAGES = 50;

/** `bailiwick audit query | tail | timeline | search`. */
export function addAuditQuery(audit: Command, cli: Cli): void {
  const query = audit.command("query").description("calls, newest first");
  addTimeOptions(addFilterOptions(addPageOptions(query))).action(async (options: FilterOptions & PageOptions) => {
    const filter = filterOf(options);
    const broker = await cli.broker();
    await showCalls(cli, options, (page) => broker.get("/calls", callsSchema, { ...filter, ...page }));
  });
  addAuditTail(audit, cli);
  addAuditTimeline(audit, cli);
  addAuditSearch(audit, cli, {
    addPageOptions,
    show: (broker: BrokerClient, name: string, options: PageOptions) =>
      showCalls(cli, options, (page) => broker.get(`/searches/${encodeURIComponent(name)}/calls`, callsSchema, page)),
  });
}

function addPageOptions(command: Command): Command {
  return command
    .option("--tenant <tenant>", "only this tenant")
    .option("--before <position>", "older than this position (takes --tenant)")
    .option("--limit <n>", "at most so many", "50");
}

async function showCalls(
  cli: Cli,
  options: PageOptions,
  ask: (page: Readonly<Record<string, string | undefined>>) => Promise<CallsAnswer>,
): Promise<void> {
  const answer = await fullPage(options, ask);
  cli.answer(answer, answer.calls.length === 0 ? "" : callTable(answer.calls));
  if (answer.calls.length === 0) cli.talk("no calls match; a call appears here as soon as an agent makes one");
  else cli.talk("\nask why with `bailiwick explain <call>`");
  if (answer.next !== undefined) cli.talk(`there may be more: add \`--before ${answer.next}\``);
  if (answer.more !== undefined) cli.talk(`there is more of ${answer.more.join(", ")}: ask with \`--tenant\``);
}

/** A look at the log is bounded, so a page of a rare filter may come in parts. */
async function fullPage(
  { tenant, before, limit }: PageOptions,
  ask: (page: Readonly<Record<string, string | undefined>>) => Promise<CallsAnswer>,
): Promise<CallsAnswer> {
  const wanted = Number(limit);
  if (!Number.isInteger(wanted) || wanted < 1)
    throw new CliFailure("usage", "`--limit` takes a number from 1 on", ["write for example `--limit 50`"]);
  const calls: CallsAnswer["calls"] = [];
  let next: string | undefined = before;
  for (let short = 0; ;) {
    const missing = wanted - calls.length;
    const page = await ask({ tenant, before: next, limit: String(Math.min(missing, MAX_PAGE)) });
    calls.push(...page.calls);
    if (page.calls.length === 0) short += 1;
    if (page.next === undefined || calls.length >= wanted || short > MAX_SHORT_PAGES) return { ...page, calls };
    next = String(page.next);
  }
}

function callTable(calls: readonly z.output<typeof callSchema>[]): string {
  const rows = calls.map((call) => [
    call.at.slice(0, 19).replace("T", " "),
    call.callId,
    call.tenant,
    call.agent?.split("/").at(-1) ?? "-",
    call.action ?? call.tool ?? "-",
    call.verdict ?? "-",
    call.code ?? call.status,
  ]);
  return table(["AT (UTC)", "CALL", "TENANT", "AGENT", "ACTION", "VERDICT", "OUTCOME"], rows);
}
