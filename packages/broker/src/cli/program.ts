import { Command, CommanderError } from "commander";
import { addAgents } from "./agents.ts";
import { addApprovals } from "./approvals.ts";
import { addAudit } from "./audit.ts";
import { addCheck } from "./check.ts";
import { type CliHooks, type CliIo, createCli, type GlobalOptions } from "./cli.ts";
import { addConnect } from "./connect-command.ts";
import { addDemo } from "./demo.ts";
import { addDoctor } from "./doctor.ts";
import { addDuty } from "./duty.ts";
import { addElevations } from "./elevations.ts";
import { addExplain } from "./explain.ts";
import { CliFailure, EXIT } from "./failure.ts";
import { addHabits } from "./habits.ts";
import { addKeys } from "./keys.ts";
import { addLogin } from "./login.ts";
import { addMatrix } from "./matrix.ts";
import { addNotifications } from "./notifications.ts";
import { addPeople } from "./people.ts";
import { addSecrets } from "./secrets.ts";
import { addSessions } from "./sessions.ts";
import { addSql } from "./sql-emit.ts";
import { addStops } from "./stops.ts";
import { addTools } from "./tools.ts";
import { addUndo } from "./undo.ts";
import { addUp } from "./up.ts";
import { addWhy } from "./why.ts";
import { addWitness } from "./witness.ts";

/**
 * Runs one command line (without `node` and the script) and resolves with its exit code: 0 done, 1 refused or problems found,
 * 2 wrong usage, 3 a fault. Data goes to stdout, everything else to stderr; with `--json` a failure is one JSON object on stderr.
 */
export async function runCli(argv: readonly string[], io: CliIo, hooks: CliHooks, version: string): Promise<number> {
  const program = new Command("bailiwick");
  let exitCode = 0;
  const cli = createCli(
    io,
    hooks,
    () => program.opts<GlobalOptions>(),
    (code) => {
      exitCode = code;
    },
  );
  program
    .description("the permission broker for AI agents")
    .version(version)
    .option("--json", "one JSON document on stdout, nothing else")
    .option("--data <folder>", "the broker's data folder (default: BAILIWICK_DATA or ./.bailiwick)")
    .exitOverride()
    .configureOutput({ writeOut: (text) => void io.stdout.write(text), writeErr: (text) => void io.stderr.write(text) })
    .showHelpAfterError("(run it with --help to see how it is used)")
    .showSuggestionAfterError(true);
  for (const add of [
    addUp,
    addDemo,
    addCheck,
    addMatrix,
    addWhy,
    addSql,
    addExplain,
    addUndo,
    addApprovals,
    addElevations,
    addHabits,
    addDuty,
    addSessions,
    addStops,
    addConnect,
    addTools,
    addAgents,
    addKeys,
    addSecrets,
    addAudit,
    addLogin,
    addPeople,
    addNotifications,
    addDoctor,
    addWitness,
  ])
    add(program, cli);
  inheritSettings(program);
  try {
    await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    return report(error, io, program.opts<GlobalOptions>().json === true);
  }
}

/** Commander copies settings to subcommands only when they are made by the parent after the settings; groups are made before. */
function inheritSettings(program: Command): void {
  for (const command of program.commands) {
    command.copyInheritedSettings(program);
    inheritSettings(command);
  }
}

function report(error: unknown, io: CliIo, json: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 || error.code === "commander.help" ? 0 : EXIT.usage;
  const failure =
    error instanceof CliFailure
      ? error
      : new CliFailure("fault", error instanceof Error ? error.message : "the command failed", [
          "see what is wrong with `bailiwick doctor`",
        ]);
  if (json) io.stderr.write(`${JSON.stringify({ error: { code: failure.code, message: failure.message, next: failure.next } })}\n`);
  else io.stderr.write(`error: ${failure.message}\n${failure.next.map((step) => `  next: ${step}\n`).join("")}`);
  return failure.exitCode;
}
