import {
  actionId,
  approvalWords,
  decide,
  explain,
  matrix,
  MAX_RECORDS_PER_CALL,
  type Decision,
  type MatrixWay,
  type Policy,
  present,
} from "@bailiwick/policy";
import type { Command } from "commander";
import type { Cli, GlobalOptions } from "./cli.ts";
import { explanationText, ruleText, section } from "./explain.ts";
import { CliFailure, EXIT } from "./failure.ts";
import { openPolicyFolder } from "./policy-folder.ts";
import { inline, labelled, printable } from "./text.ts";
import { suppose, type Supposed, type WhatIf } from "./what-if.ts";

/** `bailiwick why <agent> <action> [folder]`: decides a call that nobody made, and says why. Needs no broker. */
export function addWhy(program: Command, cli: Cli): void {
  program
    .command("why <agent> <action> [folder]")
    .description("whether a call would be allowed, why or why not, and what would change it; decided from the policy folder alone")
    .option("--args <json>", "the arguments, without those the broker sets")
    .option("--resource <json>", "the record the call acts on")
    .option("--user <id>", "for whom the agent works")
    .option("--task <text>", "the task of the session")
    .option("--session-data <json>", "what the session says about itself (`--data` is the broker's folder)")
    .option("--at <time>", "when, as in 2026-11-23T10:00:00Z (default: now)")
    .action(async (agent: string, action: string, folder: string | undefined, options: Omit<WhatIf, "agent" | "action">) => {
      refuseJsonFolder(program.opts<GlobalOptions>().data);
      const opened = await openPolicyFolder(cli, folder);
      if (opened !== undefined) answerWhy(cli, opened.policy, suppose(opened.policy, { ...options, agent, action }, cli.io.now()));
    });
}

/** `--data` means the same on every command; whoever gives it session data would get an answer without them. */
function refuseJsonFolder(data: string | undefined): void {
  if (data?.trimStart().startsWith("{") !== true) return;
  throw new CliFailure("usage", "`--data` names the broker's data folder, and this is JSON", [
    "give session data with `--session-data <json>`",
  ]);
}

function answerWhy(cli: Cli, policy: Policy, supposed: Supposed): void {
  const { request } = supposed;
  const decision = decide(policy, request);
  const explanation = explain(policy, request, decision);
  const obligations = obligationsOf(policy, supposed, decision);
  const { caller, operation, args, resource, now } = request;
  cli.answer(
    { verdict: decision.verdict, request: { caller, operation, args, resource, now }, decision, explanation, obligations },
    `${headText(supposed, decision)}\n${explanationText(explanation)}${section("what holds for it", obligations)}${argumentsText(supposed, decision)}`,
  );
  if (decision.verdict === "deny") cli.exitWith(EXIT.refused);
}

function headText({ agent, action, request }: Supposed, { verdict }: Decision): string {
  const { caller, args, resource, now } = request;
  const record =
    resource === "unknown"
      ? `not given (--resource): ${verdict === "deny" ? "no record would change the verdict" : "the verdict is for one within the rows below"}`
      : resource && `${resource.type} ${inline(resource.attributes)}`;
  return labelled([
    [verdict, `${printable(actionId(request.operation))} (${action.scope}, ${action.effect}) by ${agent.name}`],
    ["args", inline(args)],
    ...(record === undefined ? [] : [["record", record] as const]),
    ["session", `user ${inline(caller.user)}, task ${inline(caller.task)}, data ${inline(caller.data)}, scope as wide as the ceiling`],
    ["at", now.toISOString()],
  ]);
}

/** Whoever left an argument out is told what there is. */
function argumentsText({ action }: Supposed, { refusal }: Decision): string {
  if (refusal?.code !== "argument_invalid") return "";
  const declared = Object.entries(action.args).map(([name, type]) => `${name}: ${inline(type)}`);
  return section("arguments it takes", declared.length === 0 ? ["none"] : declared);
}

const WINDOWS: ReadonlyMap<number, string> = new Map([
  [60_000, "per minute"],
  [3_600_000, "per hour"],
  [86_400_000, "per day"],
]);

/** What goes with a call that is not refused: which records and fields, how often, who answers. */
function obligationsOf(policy: Policy, supposed: Supposed, decision: Decision): readonly string[] {
  if (decision.verdict === "deny") return [];
  const { approve, limits, maxRecords } = decision;
  const ways = waysOf(policy, supposed).filter(({ grant }) => decision.grants.includes(grant.id));
  const each = (label: string, of: (way: MatrixWay) => readonly string[]): readonly string[] =>
    [...new Set(ways.map((way) => of(way).join("; ")))].filter((text) => text !== "").map((text) => `${label}${text}`);
  return [
    ...(approve === undefined ? [] : [`approval ${approvalWords(approve)}: ${approve.rules.map((rule) => ruleText(rule)).join("; ")}`]),
    ...each("rows: ", (way) => way.rows),
    ...each("fields: ", (way) => way.fields),
    ...limits.map(
      ({ unit, max, windowMs, rule }) =>
        `at most ${unit === "cost" ? `a cost of ${max}` : `${max} ${unit}`} ${WINDOWS.get(windowMs) ?? `in ${windowMs} ms`}: ${ruleText(rule)}`,
    ),
    ...(maxRecords < MAX_RECORDS_PER_CALL ? [`at most ${maxRecords} records a call`] : []),
    ...each("hours: ", (way) => way.hours),
    ...shown(policy, supposed, decision),
  ];
}

function waysOf(policy: Policy, { agent, action }: Supposed): readonly MatrixWay[] {
  const [row] = matrix(policy, { agents: [agent.name], tools: [action.operation.tool] }).rows;
  return row?.cells.find(({ operation }) => operation === action.operation)?.ways ?? [];
}

/** The record as the agent would see it in a result. */
function shown(policy: Policy, { action, request }: Supposed, decision: Decision): readonly string[] {
  const { resource } = request;
  if (typeof resource !== "object" || action.returns?.type !== resource.type) return [];
  const { visible, record } = present(policy, request, decision, resource.attributes, resource.type);
  return [visible ? `the agent sees ${inline(record)}` : "the agent does not see the record"];
}
