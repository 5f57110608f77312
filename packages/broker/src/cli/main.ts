import process from "node:process";
import manifest from "../../package.json" with { type: "json" };
import type { CliHooks } from "./cli.ts";
import { runCli } from "./program.ts";

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

// Loaded when asked for: most commands only speak to a running broker and should answer at once.
const up: CliHooks["up"] = async (options, upIo) => (await import("./run-broker.ts")).runBroker(options, upIo);

// A closed pipe (`bailiwick audit query | head`) is no fault.
process.stdout.on("error", () => process.exit(0));
process.exitCode = await runCli(process.argv.slice(2), io, { up, ...(await exampleCompany()) }, manifest.version);

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
