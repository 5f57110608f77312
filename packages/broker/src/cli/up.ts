import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import { type Cli, DEFAULT_PORT } from "./cli.ts";
import { CliFailure } from "./failure.ts";

/** `bailiwick up`: starts the broker and stays. */
export function addUp(program: Command, cli: Cli): void {
  program
    .command("up")
    .description("starts the broker")
    .requiredOption("--policy <folder>", "the policy folder")
    .option("--port <port>", "where to listen", String(DEFAULT_PORT))
    .option("--host <address>", "on which address; anything but a loopback address is reachable from outside", "127.0.0.1")
    .option("--public-url <url>", "the URL people and agents use, when a proxy stands in front")
    .option("--egress-port <port>", "also listens here as a proxy (`HTTPS_PROXY`) for agents that bring their own HTTP client")
    .option("--tls-cert <file>", "serves HTTPS with this certificate chain (PEM); agents can then bind tokens to certificates of their own")
    .option("--tls-key <file>", "its private key (PEM)")
    .option("--database-url <url>", "a PostgreSQL to use instead of the embedded one; or set BAILIWICK_DATABASE_URL")
    .option("--log-database-url <url>", "a database of its own for the log; or set BAILIWICK_LOG_DATABASE_URL")
    .action(async (options: UpCommand) => {
      const tls = await readTls(cli, options);
      const code = await cli.hooks.up(
        {
          policyFolder: resolve(cli.io.cwd, options.policy),
          dataFolder: cli.dataFolder(),
          port: parsePort(options.port),
          host: options.host,
          ...(options.egressPort === undefined ? {} : { egressPort: parsePort(options.egressPort) }),
          publicUrl: options.publicUrl?.replace(/\/+$/u, ""),
          databaseUrl: options.databaseUrl ?? cli.io.env["BAILIWICK_DATABASE_URL"],
          logDatabaseUrl: options.logDatabaseUrl ?? cli.io.env["BAILIWICK_LOG_DATABASE_URL"],
          ...(tls === undefined ? {} : { tls }),
          json: cli.json(),
        },
        cli.io,
      );
      cli.exitWith(code);
    });
}

interface UpCommand {
  readonly policy: string;
  readonly port: string;
  readonly host: string;
  readonly egressPort?: string;
  readonly publicUrl?: string;
  readonly databaseUrl?: string;
  readonly logDatabaseUrl?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

/** @throws CliFailure `usage` when one of the two is missing or cannot be read. */
export async function readTls(
  cli: Cli,
  { tlsCert, tlsKey }: Pick<UpCommand, "tlsCert" | "tlsKey">,
): Promise<{ cert: Buffer; key: Buffer } | undefined> {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined)
    throw new CliFailure("usage", "a certificate needs its key and a key its certificate", ["give both `--tls-cert` and `--tls-key`"]);
  const read = (file: string): Promise<Buffer> =>
    readFile(resolve(cli.io.cwd, file)).catch(() => {
      throw new CliFailure("usage", `cannot read \`${file}\``, ["check the path and its permissions"]);
    });
  return { cert: await read(tlsCert), key: await read(tlsKey) };
}

/** @throws CliFailure `usage`; port 0 asks the system for a free one. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new CliFailure("usage", `\`${text}\` is no port`, ["give a number from 0 to 65535; 0 takes a free one"]);
}
