import { actionId, decide, type Decision, explain, type Policy } from "@bailiwick/policy";
import type { Command } from "commander";
import type { Supposed } from "../insight/suppose.ts";
import { whatHolds } from "../insight/what-holds.ts";
import type { Cli, GlobalOptions } from "./cli.ts";
import { explanationText, section } from "./explain.ts";
import { CliFailure, EXIT } from "./failure.ts";
import { openPolicyFolder } from "./policy-folder.ts";
import { inline, labelled, printable } from "./text.ts";
import { supposeWritten, type WrittenWhatIf } from "./what-if.ts";

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
    .option("--elevated <roles>", "roles the agent may ask for, as if it had them now, with commas between")
    .option("--at <time>", "when, as in 2026-11-23T10:00:00Z (default: now)")
    .action(async (agent: string, action: string, folder: string | undefined, options: Omit<WrittenWhatIf, "agent" | "action">) => {
      refuseJsonFolder(program.opts<GlobalOptions>().data);
      const opened = await openPolicyFolder(cli, folder);
      if (opened !== undefined) answerWhy(cli, opened.policy, supposeWritten(opened.policy, { ...options, agent, action }, cli.io.now()));
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
  const obligations = whatHolds(policy, supposed, decision);
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
