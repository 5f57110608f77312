import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { approvalSchema } from "../rest-contract/schemas.ts";
import type { Cli } from "./cli.ts";
import { CliFailure } from "./failure.ts";
import { inline, labelled, printable, relative, table } from "./text.ts";

type ApprovalView = z.output<typeof approvalSchema>;

/** `bailiwick approvals list | show | approve | deny`. */
export function addApprovals(program: Command, cli: Cli): void {
  const approvals = program.command("approvals").description("calls that wait for a person, and their answers");
  approvals
    .command("list", { isDefault: true })
    .description("approvals, newest first")
    .option("--state <state>", "pending, approved, denied, expired, cancelled, used or all", "pending")
    .option("--tenant <tenant>", "only this tenant")
    .option("--as <person>", "as this person")
    .action(async (options: { state: string; tenant?: string; as?: string }) => listApprovals(cli, options));
  approvals
    .command("show <id>")
    .description("one approval: what would change, why it is held, until when")
    .option("--as <person>", "as this person")
    .action(async (id: string, options: { as?: string }) => {
      const broker = await cli.broker(options.as);
      const approval = await broker.get(`/approvals/${encodeURIComponent(id)}`, approvalSchema);
      cli.answer(approval, describeApproval(approval, cli.io.now()));
    });
  approvals
    .command("approve <id>")
    .description("lets the call go ahead, once")
    .requiredOption("--as <person>", "who answers")
    .option("--args <json>", "approve these arguments instead; `@file` reads them from a file")
    .option("--reason <text>", "why, for the record")
    .action(async (id: string, options: { as: string; args?: string; reason?: string }) => {
      const args = options.args === undefined ? undefined : await readArgs(cli, options.args);
      await giveAnswer(cli, id, "approve", options.as, { args, reason: options.reason });
    });
  approvals
    .command("deny <id>")
    .description("refuses the call; the agent is told the reason")
    .requiredOption("--as <person>", "who answers")
    .requiredOption("--reason <text>", "why, for the agent and the record")
    .action(async (id: string, options: { as: string; reason: string }) =>
      giveAnswer(cli, id, "deny", options.as, { reason: options.reason }),
    );
}

async function listApprovals(cli: Cli, options: { state: string; tenant?: string; as?: string }): Promise<void> {
  const broker = await cli.broker(options.as);
  const state = options.state === "all" ? undefined : options.state;
  const { approvals } = await broker.get("/approvals", z.object({ approvals: z.array(approvalSchema) }), { state, tenant: options.tenant });
  cli.answer(approvals, approvals.length === 0 ? "" : approvalTable(approvals, cli.io.now()));
  if (approvals.length === 0) cli.talk(`no ${state ?? ""} approvals; a call that needs a person appears here`.replace("  ", " "));
  else if (state === "pending") cli.talk("\nlook at one with `bailiwick approvals show <id>`");
}

function approvalTable(approvals: readonly ApprovalView[], now: Date): string {
  return table(
    ["ID", "STATE", "EXPIRES", "WHAT"],
    approvals.map((approval) => [
      approval.id,
      approval.state,
      approval.state === "pending" ? relative(new Date(approval.expiresAt), now) : "-",
      approval.sentence,
    ]),
  );
}

/** One approval as it is read aloud: the sentence, what changes, the agent's words marked as such, the rule, the deadline. */
export function describeApproval(approval: ApprovalView, now: Date): string {
  const rules = approval.rules.map((rule) => `${rule.kind} ${rule.id}, ${rule.at.file}:${rule.at.line}: ${rule.reason}`);
  const reason = approval.statedReason === undefined ? "(none given)" : `"${printable(approval.statedReason)}"`;
  const lines: [string, string][] = [
    ["agent says", `${reason}  (untrusted: in the agent's own words)`],
    ...rules.map((rule, index): [string, string] => [index === 0 ? "held by" : "", printable(rule)]),
    ["answered by", approval.approvers.join(" or ") || "(nobody may answer)"],
    ["task", printable(approval.task)],
    ["call", approval.callId],
    ["state", stateText(approval, now)],
  ];
  if (approval.answer?.reason !== undefined) lines.push(["reason", printable(approval.answer.reason)]);
  return `${printable(approval.sentence)}\n\n${changes(approval)}\n${labelled(lines)}${approval.state === "pending" ? nextCommands(approval.id) : ""}`;
}

function changes(approval: ApprovalView): string {
  if (approval.diff.length === 0)
    return labelled(Object.entries(approval.args).map(([name, value]) => [`  ${printable(name)}`, inline(value)] as const));
  return labelled(
    approval.diff.map((change) => [`  ${printable(change.path)}`, `${inline(change.before)} -> ${inline(change.after)}`] as const),
  );
}

function stateText(approval: ApprovalView, now: Date): string {
  if (approval.state === "pending") return `pending, expires ${relative(new Date(approval.expiresAt), now)} (${approval.expiresAt})`;
  const { answer } = approval;
  return answer === undefined ? approval.state : `${approval.state}; answered by ${printable(answer.by)} at ${answer.at}`;
}

function nextCommands(id: string): string {
  return `\nbailiwick approvals approve ${id} --as <person>\nbailiwick approvals deny ${id} --as <person> --reason "..."\n`;
}

async function giveAnswer(
  cli: Cli,
  id: string,
  answer: "approve" | "deny",
  person: string,
  body: { args?: unknown; reason?: string | undefined },
): Promise<void> {
  const broker = await cli.broker(person);
  const approval = await broker.send("POST", `/approvals/${encodeURIComponent(id)}/${answer}`, approvalSchema, body);
  const edited = approval.answer?.args === undefined ? "" : ", with other arguments";
  cli.answer(approval, `${approval.state} by ${person}${edited}: ${printable(approval.sentence)}\n`);
  cli.talk(
    answer === "approve" ? "the agent's call now runs once, when the agent asks again or its wait ends" : "the agent is told the reason",
  );
}

async function readArgs(cli: Cli, text: string): Promise<unknown> {
  const source = text.startsWith("@") ? await readFile(resolve(cli.io.cwd, text.slice(1)), "utf8").catch(() => undefined) : text;
  if (source === undefined) throw new CliFailure("usage", `cannot read \`${text.slice(1)}\``, ["name a readable file after `--args @`"]);
  try {
    return JSON.parse(source);
  } catch {
    throw new CliFailure("usage", "`--args` is not JSON", ["give one JSON object, such as `--args '{\"amount\": 50}'`"]);
  }
}
