import process from "node:process";
import { runCli } from "./program.ts";
import { VERSION } from "../main.ts";
import { runBroker } from "./run-broker.ts";

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
process.exitCode = await runCli(process.argv.slice(2), io, { up: runBroker }, VERSION);
