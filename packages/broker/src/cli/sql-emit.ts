import type { AgentConfig, CatalogTool, Policy } from "@bailiwick/policy";
import type { Command } from "commander";
import { emitSql } from "../emit-sql.ts";
import type { Cli } from "./cli.ts";
import { CliFailure, EXIT } from "./failure.ts";
import { count, openPolicyFolder } from "./policy-folder.ts";
import { printable } from "./text.ts";

interface EmitOptions {
  readonly policy?: string;
  readonly tool: string;
  readonly agent?: string;
  readonly partial?: boolean;
}

/** `bailiwick sql emit`: what a database needs to enforce a policy itself. Needs no broker. */
export function addSql(program: Command, cli: Cli): void {
  const sql = program.command("sql").description("SQL for databases that enforce the policy themselves");
  sql
    .command("emit")
    .description("roles and views that show each agent what the policy shows it of a postgres tool's tables")
    .requiredOption("--tool <name>", "the tool whose tables are meant")
    .option("--policy <folder>", "the policy folder (default: the one it runs in)")
    .option("--agent <text>", "only agents whose name contains this text")
    .option("--partial", "accept that what SQL cannot say shows nothing")
    .action(async (options: EmitOptions) => emit(cli, options));
}

async function emit(cli: Cli, options: EmitOptions): Promise<void> {
  const opened = await openPolicyFolder(cli, options.policy);
  if (opened === undefined) return;
  const { policy } = opened;
  const { sql, unsaid } = emitSql(policy, tableTool(policy, options.tool), namedAgents(policy, options.agent));
  cli.answer({ sql, unsaid: [...unsaid] }, sql);
  if (unsaid.length === 0) return;
  for (const line of unsaid) cli.io.stderr.write(`not said: ${printable(line)}\n`);
  if (options.partial === true) return;
  cli.io.stderr.write(
    `${count(unsaid.length, "rule")} cannot be said in SQL; what they are about is not shown. Accept that with --partial\n`,
  );
  cli.exitWith(EXIT.refused);
}

function tableTool(policy: Policy, name: string): CatalogTool {
  const tool = policy.tools.find((each) => each.tool === name);
  if (tool !== undefined && tool.tables.length > 0) return tool;
  const known = policy.tools.filter(({ tables }) => tables.length > 0).map((each) => each.tool);
  throw new CliFailure("usage", `no tool \`${printable(name)}\` with \`tables\` is in the catalog`, [
    `tools with tables: ${known.join(", ") || "none"}`,
  ]);
}

function namedAgents(policy: Policy, text: string | undefined): readonly AgentConfig[] {
  const agents = policy.agents.filter(({ name }) => text === undefined || name.includes(text));
  if (agents.length > 0) return agents;
  throw new CliFailure("usage", `no agent's name contains \`${printable(text ?? "")}\``, ["see them with `bailiwick matrix`"]);
}
