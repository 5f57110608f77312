import { resolve } from "node:path";
import type { Command } from "commander";
import { type Cli, DEFAULT_PORT } from "./cli.ts";
import { parsePort } from "./up.ts";

/** `bailiwick demo`: the example company with its tools, and one run of its scripted agent. */
export function addDemo(program: Command, cli: Cli): void {
  const { demo } = cli.hooks;
  if (demo === undefined) return;
  program
    .command("demo")
    .description("starts the example company and lets its agent work")
    .option("--once", "run the scenario without a person, then stop; exit 0 when all came out as it says")
    .option("--port <port>", "where to listen", String(DEFAULT_PORT))
    .action(async (options: { once?: boolean; port: string }) => {
      const given = program.opts<{ data?: string }>().data ?? cli.io.env["BAILIWICK_DATA"];
      const code = await demo(
        {
          dataFolder: given === undefined ? undefined : resolve(cli.io.cwd, given),
          port: parsePort(options.port),
          once: options.once === true,
          json: cli.json(),
        },
        cli.io,
      );
      cli.exitWith(code);
    });
}
