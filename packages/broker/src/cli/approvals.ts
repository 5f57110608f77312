import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { approvalSchema, approvalsSchema, boundedApprovalSchema } from "../rest-contract/approvals.ts";
import { type BoundOptions, readBounds } from "./approval-bounds.ts";
import { addApprovalReceipts } from "./approval-receipts.ts";
import { type ApprovalView, describeApproval } from "./approval-text.ts";
import type { Cli } from "./cli.ts";
import { CliFailure } from "./failure.ts";
import { printable, relative, table } from "./text.ts";

/** `bailiwick approvals list | show | approve | deny | stop | bounded | revoke | receipt | verify`. Returns the group, for others to add to. */
export function addApprovals(program: Command, cli: Cli): Command {
  const approvals = program.command("approvals").description("calls that wait for people, and their answers");
  addReading(approvals, cli);
  addAnswers(approvals, cli);
  addBounded(approvals, cli);
  addApprovalReceipts(approvals, cli);
  return approvals;
}

function addReading(approvals: Command, cli: Cli): void {
  approvals
    .command("list", { isDefault: true })
    .description("approvals, newest first")
    .option("--state <state>", "pending, approved, denied, expired, cancelled, used or all", "pending")
    .option("--tenant <tenant>", "only this tenant")
    .option("--as <person>", "as this person")
    .action(async (options: { state: string; tenant?: string; as?: string }) => listApprovals(cli, options));
  approvals
    .command("show <id>")
    .description("one approval: what would change, what is at stake, why it is held, until when")
    .option("--as <person>", "as this person")
    .action(async (id: string, options: { as?: string }) => {
      const approval = await find(cli, id, options.as);
      cli.answer(approval, describeApproval(approval, cli.io.now()));
    });
}

function addAnswers(approvals: Command, cli: Cli): void {
  const each = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
  approvals
    .command("approve <id>")
    .description("lets the call go ahead: once, or several calls within bounds")
    .requiredOption("--as <person>", "who answers")
    .option("--args <json>", "approve these arguments instead; `@file` reads them from a file")
    .option("--reason <text>", "why, for the record")
    .option("--uses <n>", "several calls: how many")
    .option("--for <time>", "several calls: for how long, such as 30m or 2h")
    .option("--within <what>", "several calls: of the `session` that asked, or of the `task` (default)")
    .option(
      "--bound <argument>",
      "several calls: what an argument may be (`amount=0..50`, `to=any`); others must be the approved ones",
      each,
    )
    .action(async (id: string, options: { as: string; args?: string; reason?: string } & BoundOptions) => {
      const args = options.args === undefined ? undefined : await readArgs(cli, options.args);
      const bounds = readBounds(options, cli.io.now());
      // What is approved is what was just looked at: an answer given meanwhile makes it another question.
      const { showing } = await find(cli, id, options.as);
      await giveAnswer(cli, id, "approve", options.as, { showing, args, bounds, reason: options.reason });
    });
  for (const [verb, description] of [
    ["deny", "refuses the call; the agent is told the reason"],
    ["stop", "refuses the call and suspends its agent"],
  ] as const) {
    approvals
      .command(`${verb} <id>`)
      .description(description)
      .requiredOption("--as <person>", "who answers")
      .requiredOption("--reason <text>", "why, for the agent and the record")
      .action(async (id: string, options: { as: string; reason: string }) =>
        giveAnswer(cli, id, verb, options.as, { reason: options.reason }),
      );
  }
}

function addBounded(approvals: Command, cli: Cli): void {
  approvals
    .command("bounded")
    .description("yeses to several calls that are in time")
    .option("--tenant <tenant>", "only this tenant")
    .action(async (options: { tenant?: string }) => {
      const answer = z.object({ approvals: z.array(boundedApprovalSchema) });
      const { approvals: list } = await (await cli.broker()).get("/bounded-approvals", answer, { tenant: options.tenant });
      const rows = list.map(({ id, usesLeft, bounds, revokedAt, approvedBy, sentence }) => [
        id,
        revokedAt === undefined ? `${usesLeft} of ${bounds.uses}` : "withdrawn",
        relative(new Date(bounds.until), cli.io.now()),
        approvedBy.join(", "),
        sentence,
      ]);
      cli.answer(list, rows.length === 0 ? "" : table(["ID", "LEFT", "ENDS", "BY", "WHAT"], rows));
      if (rows.length === 0)
        cli.talk("no yes to several calls; give one with `bailiwick approvals approve <id> --as <person> --uses 10 --for 1h`");
    });
  approvals
    .command("revoke <id>")
    .description("withdraws a yes to several calls; the next call is asked about again")
    .requiredOption("--as <person>", "who withdraws it")
    .action(async (id: string, options: { as: string }) => {
      const answer = z.object({ id: z.string(), revoked: z.boolean() });
      const done = await (await cli.broker(options.as)).send("POST", `/bounded-approvals/${encodeURIComponent(id)}/revoke`, answer, {});
      cli.answer(done, `withdrawn: ${done.id}\n`);
    });
}

async function find(cli: Cli, id: string, person: string | undefined): Promise<ApprovalView> {
  return (await cli.broker(person)).get(`/approvals/${encodeURIComponent(id)}`, approvalSchema);
}

async function listApprovals(cli: Cli, options: { state: string; tenant?: string; as?: string }): Promise<void> {
  const broker = await cli.broker(options.as);
  const state = options.state === "all" ? undefined : options.state;
  const { approvals, pending } = await broker.get("/approvals", approvalsSchema, { state, tenant: options.tenant });
  cli.answer(approvals, approvals.length === 0 ? "" : approvalTable(approvals, cli.io.now()));
  if (approvals.length === 0) cli.talk(`no ${state ?? ""} approvals; a call that needs a person appears here`.replace("  ", " "));
  else if (state === "pending") {
    if (pending > approvals.length) cli.talk(`\n${approvals.length} of ${pending}; the console shows all`);
    cli.talk("\nlook at one with `bailiwick approvals show <id>`");
  }
}

function approvalTable(approvals: readonly ApprovalView[], now: Date): string {
  return table(
    ["ID", "STATE", "STAKES", "EXPIRES", "WHAT"],
    approvals.map((approval) => [
      approval.id,
      approval.state,
      approval.stakes.level,
      approval.state === "pending" ? relative(new Date(approval.expiresAt), now) : "-",
      approval.sentence,
    ]),
  );
}

async function giveAnswer(
  cli: Cli,
  id: string,
  answer: "approve" | "deny" | "stop",
  person: string,
  body: Readonly<Record<string, unknown>>,
): Promise<void> {
  const broker = await cli.broker(person);
  const approval = await broker.send("POST", `/approvals/${encodeURIComponent(id)}/${answer}`, approvalSchema, body);
  const last = approval.answers.at(-1);
  const edited = last?.args === undefined ? "" : ", with other arguments";
  const said = approval.state === "pending" ? "yes" : approval.state;
  cli.answer(approval, `${said} by ${person}${edited}: ${printable(approval.sentence)}\n`);
  if (answer === "deny") return cli.talk("the agent is told the reason");
  if (answer === "stop")
    return cli.talk(`the agent is told the reason and makes no more calls; \`bailiwick resume agent ${approval.agent}\` ends that`);
  if (approval.state === "pending") {
    const missing = approval.quorum.groups.filter(({ count, yes }) => yes.length < count);
    return cli.talk(
      `${missing.map(({ by, count, yes }) => `${count - yes.length} more of ${by.join(" or ")}`).join(", and ")} must say yes`,
    );
  }
  cli.talk(
    last?.bounds === undefined
      ? "the agent's call now runs once, when the agent asks again or its wait ends"
      : `${last.bounds.uses} such calls may run until ${last.bounds.until}; \`bailiwick approvals revoke ${approval.id}\` withdraws that`,
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
