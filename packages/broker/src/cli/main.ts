import process from "node:process";
import type { CliHooks } from "./cli.ts";
import { runCli } from "./program.ts";
import { VERSION } from "../main.ts";
import { runBroker } from "./run-broker.ts";

const EXAMPLE = "@bailiwick/example-helpdesk";

const io = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  fetch: globalThis.fetch,
  now: () => new Date(),
};

// A closed pipe (`bailiwick audit query | head`) is no fault.
process.stdout.on("error", () => process.exit(0));
process.exitCode = await runCli(process.argv.slice(2), io, { up: runBroker, ...(await exampleCompany()) }, VERSION);

// The example company is part of the repository, not of the published program: there the command is not offered.
async function exampleCompany(): Promise<Pick<CliHooks, "demo">> {
  const demo: CliHooks["demo"] = async (options, demoIo) => {
    const { startDemo } = await import(EXAMPLE);
    return startDemo(options, demoIo);
  };
  return isInstalled() ? { demo } : {};
}

function isInstalled(): boolean {
  try {
    return import.meta.resolve(EXAMPLE) !== "";
  } catch {
    return false;
  }
}
