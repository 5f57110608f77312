import type { Command } from "commander";
import type { z } from "zod";
import { runUndoneSchema, runUndoPlanSchema, undoneSchema, undoProposalSchema } from "../rest-contract/undo.ts";
import type { Cli } from "./cli.ts";
import { CliFailure, EXIT } from "./failure.ts";
import { inline, labelled, printable, table } from "./text.ts";

type Proposal = z.output<typeof undoProposalSchema>;
type Undone = z.output<typeof undoneSchema>;
type Changes = NonNullable<Undone["changes"]>;
type Step = z.output<typeof runUndoneSchema>["steps"][number];

interface Options {
  readonly run?: string;
  readonly dryRun?: boolean;
  readonly reason?: string;
  readonly tenant?: string;
  readonly as?: string;
}

/** `bailiwick undo <call>`, `bailiwick undo --run <run>`. */
export function addUndo(program: Command, cli: Cli): void {
  program
    .command("undo [call]")
    .description("takes a call back, or with --run the calls of a run, newest first; policy and people decide as on every call")
    .option("--run <run>", "all calls of this run, until one does not go through")
    .option("--dry-run", "only show what would happen")
    .option("--reason <words>", "why; people who are asked see it")
    .option("--tenant <tenant>", "the tenant of the run")
    .option("--as <person>", "who wants it")
    .action(async (call: string | undefined, options: Options) => {
      if ((call === undefined) === (options.run === undefined))
        throw new CliFailure("usage", "name one call, or a run with `--run`", [
          "`bailiwick undo call_...` or `bailiwick undo --run run_...`",
        ]);
      if (call === undefined) await undoRun(cli, options.run ?? "", options);
      else await undoCall(cli, call, options);
    });
}

async function undoCall(cli: Cli, call: string, { dryRun, reason, as }: Options): Promise<void> {
  const broker = await cli.broker(as);
  const path = `/calls/${encodeURIComponent(call)}/undo`;
  if (dryRun === true) {
    const proposal = await broker.get(path, undoProposalSchema);
    cli.answer(proposal, proposalText(proposal));
    if (!proposal.possible || proposal.undo?.verdict === "deny" || hasConflict(proposal)) cli.exitWith(EXIT.refused);
    return;
  }
  const outcome = await broker.send("POST", path, undoneSchema, reason === undefined ? {} : { reason });
  cli.answer(outcome, outcomeText(outcome));
  if (outcome.state !== "undone") cli.exitWith(EXIT.refused);
}

async function undoRun(cli: Cli, run: string, { dryRun, reason, tenant, as }: Options): Promise<void> {
  const broker = await cli.broker(as);
  const path = `/runs/${encodeURIComponent(run)}/undo`;
  if (dryRun === true) {
    const plan = await broker.get(path, runUndoPlanSchema, { tenant });
    cli.answer(plan, plan.calls.length === 0 ? "" : plan.calls.map(proposalText).join("\n"));
    if (plan.calls.length === 0) cli.talk(NOTHING);
    return;
  }
  const query = tenant === undefined ? "" : `?tenant=${encodeURIComponent(tenant)}`;
  const outcome = await broker.send("POST", `${path}${query}`, runUndoneSchema, reason === undefined ? {} : { reason });
  cli.answer(outcome, outcome.steps.length === 0 ? "" : runText(outcome.steps));
  if (outcome.steps.length === 0) cli.talk(NOTHING);
  if (!outcome.complete) cli.exitWith(EXIT.refused);
}

const NOTHING = "the run has no calls that changed anything";

function hasConflict({ undo }: Proposal): boolean {
  return undo?.changes.some(({ conflict }) => conflict) === true;
}

function proposalText(proposal: Proposal): string {
  const { call, action, undo } = proposal;
  const head = `${printable(call)}  ${printable(action ?? "")}`;
  if (undo === undefined) return `${head}\n  cannot be undone: ${printable(proposal.message ?? "")}\n`;
  const policy = undo.verdict === undefined ? [] : [["policy", policyText(undo)] as const];
  const stays = undo.notRestored.length === 0 ? [] : [["stays", undo.notRestored.join(", ")] as const];
  const about = labelled(
    [["undone by", `${undo.action} ${inline(undo.args)}`], ...policy, ...stays].map(([label, text]) => [label, printable(text)]),
  );
  return `${head}\n${indented(about)}${indented(changesText(undo.changes))}`;
}

function policyText({ verdict, denied }: NonNullable<Proposal["undo"]>): string {
  if (verdict === "ask") return "people are asked first";
  return verdict === "deny" ? `no: ${denied?.message ?? ""}` : "allows it";
}

function outcomeText(outcome: Step): string {
  const { call, undo, state } = outcome;
  const made = undo === undefined ? "" : ` by ${undo}`;
  switch (state) {
    case "undone":
      return `${call} is undone${made}\n`;
    case "pending":
      return `${call} waits: people are asked (${outcome.approval ?? ""}; ${outcome.approvers?.join(", ") ?? ""}). Run the same command again after their yes\n`;
    case "changed":
    case "refused":
    case "failed":
    case "unknown":
    case "impossible":
    case "skipped":
    case "not_tried":
      return `${call} is not undone: ${printable(outcome.message ?? state)}\n${changesText(outcome.changes ?? [])}`;
  }
}

function runText(steps: readonly Step[]): string {
  const rows = steps.map(({ call, action, state, message, approval }) => [
    call,
    action ?? "",
    state.replaceAll("_", " "),
    message ?? approval ?? "",
  ]);
  const stopped = steps.find(({ changes }) => changes !== undefined);
  return `${table(["CALL", "ACTION", "STATE", "WHY"], rows)}${changesText(stopped?.changes ?? [])}`;
}

/** The three states of each field, side by side. */
function changesText(changes: Changes): string {
  if (changes.length === 0) return "";
  const looked = changes.some(({ now }) => now !== undefined);
  const rows = changes.map(({ path, before, after, now, conflict }) => [
    path,
    inline(before),
    inline(after),
    ...(looked ? [`${inline(now)}${conflict ? "  CHANGED SINCE" : ""}`] : []),
  ]);
  return table(["FIELD", "BEFORE", "AFTER", ...(looked ? ["NOW"] : [])], rows);
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gmu, "  ");
}
