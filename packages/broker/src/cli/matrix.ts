import { matrix, type Matrix, type Policy, type Verdict } from "@bailiwick/policy";
import type { Command } from "commander";
import type { Cli } from "./cli.ts";
import { csv } from "./csv.ts";
import { CliFailure } from "./failure.ts";
import { matrixRecords, matrixText } from "./matrix-text.ts";
import { count, openPolicyFolder } from "./policy-folder.ts";
import { printable } from "./text.ts";

interface MatrixCommandOptions {
  readonly agent?: string;
  readonly tool?: string;
  readonly csv?: boolean;
}

/** `bailiwick matrix [folder]`: what every agent may do, action by action. Needs no broker. */
export function addMatrix(program: Command, cli: Cli): void {
  program
    .command("matrix [folder]")
    .description("what each agent may do: allow, ask or deny for every action, with the conditions and the rules")
    .option("--agent <text>", "only agents whose name contains this text")
    .option("--tool <name>", "only the actions of this tool")
    .option("--csv", "one line for each agent and action, as CSV")
    .action(async (folder: string | undefined, options: MatrixCommandOptions) => showMatrix(cli, folder, options));
}

async function showMatrix(cli: Cli, folder: string | undefined, options: MatrixCommandOptions): Promise<void> {
  if (options.csv === true && cli.json()) {
    throw new CliFailure("usage", "`--csv` and `--json` cannot both be given: the answer has one form", ["leave one of them out"]);
  }
  const opened = await openPolicyFolder(cli, folder);
  if (opened === undefined) return;
  const { policy } = opened;
  const table = matrix(policy, { agents: namedAgents(policy, options.agent), tools: namedTools(policy, options.tool) });
  if (options.csv === true) cli.io.stdout.write(csv(matrixRecords(table)));
  else cli.answer({ ...table, totals: totals(table) }, `${matrixText(table)}${summary(table)}`);
}

function namedAgents(policy: Policy, text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const names = policy.agents.map((agent) => agent.name).filter((name) => name.includes(text));
  if (names.length > 0) return names;
  const known = [...new Set(policy.agents.map(({ workflow, agent }) => `${workflow}/${agent}`))];
  throw new CliFailure("usage", `no agent's name contains \`${printable(text)}\``, [
    `agents of this folder: ${known.join(", ") || "none"}`,
  ]);
}

function namedTools(policy: Policy, name: string | undefined): readonly string[] | undefined {
  if (name === undefined) return undefined;
  const known = policy.tools.map(({ tool }) => tool);
  if (known.includes(name)) return [name];
  throw new CliFailure("usage", `no tool \`${printable(name)}\` is in the catalog`, [
    `tools of this folder: ${known.join(", ") || "none"}`,
  ]);
}

type Totals = Readonly<Record<"agents" | "actions" | Verdict, number>>;

function totals({ rows }: Matrix): Totals {
  const verdicts = rows.flatMap(({ cells }) => cells.map(({ verdict }) => verdict));
  const of = (verdict: Verdict): number => verdicts.filter((one) => one === verdict).length;
  return { agents: rows.length, actions: rows[0]?.cells.length ?? 0, allow: of("allow"), ask: of("ask"), deny: of("deny") };
}

function summary(table: Matrix): string {
  const { agents, actions, allow, ask, deny } = totals(table);
  return `${count(agents, "agent")}, ${count(actions, "action")}: ${allow} allow, ${ask} ask, ${deny} deny\n`;
}
