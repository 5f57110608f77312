import { resolve } from "node:path";
import type { Command } from "commander";
import { LedgerError, formatNoteKey, type NoteKey, parseNoteKey } from "@bailiwick/ledger";
import type { Cli } from "./cli.ts";
import { CliFailure } from "./failure.ts";
import { stopSignal } from "./stop-signal.ts";
import { parsePort, readTls } from "./up.ts";

const DEFAULT_WITNESS_PORT = "7401";

/** `bailiwick witness new-key | run`: a second, small process that cosigns what a log may not take back. */
export function addWitness(program: Command, cli: Cli): void {
  const witness = program.command("witness").description("watches logs from another machine or volume, and cosigns their checkpoints");
  witness
    .command("new-key")
    .description("makes a witness's key and prints its public half, for `log.yaml` of the brokers it watches")
    .requiredOption("--name <name>", "what the witness is called, such as `witness.example`")
    .requiredOption("--out <file>", "where the private key goes")
    .action(async (options: { name: string; out: string }) => {
      const { newKeyFile } = await import("../witness/key-file.ts");
      const key = await orFailure("usage", newKeyFile(resolve(cli.io.cwd, options.out), options.name));
      cli.answer({ key }, `${key}\n`);
      cli.talk("put it under `witnesses` in `log.yaml`; never use one key in two places");
    });
  witness
    .command("run")
    .description("starts the witness and stays")
    .requiredOption("--key <file>", "its private key")
    .requiredOption("--state <folder>", "its memory; must outlive the machine, and never be restored from a copy")
    .requiredOption("--log <key>", "key of a log to watch, as `bailiwick audit keys` prints it; may be given again", collect, [])
    .option("--new", "makes the memory, on the first start only")
    .option("--host <address>", "on which address", "127.0.0.1")
    .option("--port <port>", "where to listen", DEFAULT_WITNESS_PORT)
    .option("--tls-cert <file>", "serves HTTPS with this certificate chain (PEM)")
    .option("--tls-key <file>", "its private key (PEM)")
    .action((options: RunCommand) => runWitness(cli, options));
}

interface RunCommand {
  readonly key: string;
  readonly state: string;
  readonly log: readonly string[];
  readonly new?: boolean;
  readonly host: string;
  readonly port: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

async function runWitness(cli: Cli, options: RunCommand): Promise<void> {
  const { startWitness } = await import("../witness/start-witness.ts");
  const stop = stopSignal();
  const running = await orFailure(
    "fault",
    startWitness({
      keyFile: resolve(cli.io.cwd, options.key),
      stateFolder: resolve(cli.io.cwd, options.state),
      fresh: options.new === true,
      logs: options.log.map(parseLogKey),
      host: options.host,
      port: parsePort(options.port),
      tls: await readTls(cli, options),
      now: () => cli.io.now(),
      say: (line) => void cli.io.stderr.write(`${line}\n`),
    }),
  ).catch((error: unknown) => {
    stop.forget();
    throw error;
  });
  const key = formatNoteKey(running.key);
  cli.answer({ url: running.url, key }, `witness  ${running.url}\nkey      ${key}\n`);
  await stop.asked;
  await running.close();
}

async function orFailure<T>(kind: "usage" | "fault", starting: Promise<T>): Promise<T> {
  return starting.catch((error: unknown) => {
    throw new CliFailure(kind, error instanceof Error ? error.message : "the witness did not start", ["read `bailiwick witness --help`"]);
  });
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function parseLogKey(text: string): NoteKey {
  try {
    return parseNoteKey(text);
  } catch (error) {
    throw new CliFailure("usage", error instanceof LedgerError ? error.message : "the key of the log cannot be read", [
      "copy it from `bailiwick audit keys`",
    ]);
  }
}
