import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import type { JsonObject } from "@bailiwick/policy";
import { z } from "zod";
import { readBrokerFile } from "../config/data-folder.ts";
import type { Cli } from "./cli.ts";
import { CliFailure } from "./failure.ts";

interface ConnectCommandOptions {
  readonly key: string;
  readonly user: string;
  readonly task: string;
  readonly scope?: string[];
  readonly context?: string;
  readonly url?: string;
}

const json: z.ZodType<JsonObject> = z.record(z.string(), z.json());

/** `bailiwick connect`: an MCP server on stdio, for clients that start their servers themselves. stdout belongs to the protocol. */
export function addConnect(program: Command, cli: Cli): void {
  program
    .command("connect")
    .description("bridges an MCP client on stdio to the broker, as an agent")
    .requiredOption("--key <file>", "the agent's private key (JWK), made by `bailiwick agents new-key`")
    .requiredOption("--user <user>", "whom the agent works for")
    .requiredOption("--task <task>", "what for, such as a ticket's id")
    .option("--scope <scope...>", "only these actions (`tool:action`)")
    .option("--context <json>", 'what the session is about, such as \'{"ticket": "T-17"}\'; `@file` reads it from a file')
    .option("--url <url>", "the broker; default: the one announced in the data folder")
    .action(async (options: ConnectCommandOptions) => {
      const url = options.url ?? (await announced(cli));
      const data = options.context === undefined ? undefined : await readContext(cli, options.context);
      const { runConnect } = await import("./connect.ts");
      await runConnect(
        { url, keyFile: resolve(cli.io.cwd, options.key), user: options.user, task: options.task, data, scope: options.scope },
        cli.io.stdin,
        cli.io.stdout,
      );
    });
}

async function announced(cli: Cli): Promise<string> {
  const broker = await readBrokerFile(cli.dataFolder()).catch(() => undefined);
  if (broker !== undefined) return broker.url;
  throw new CliFailure("fault", `no running broker is announced in \`${cli.dataFolder()}\``, [
    "start it with `bailiwick up`",
    "or name it with `--url <url>`",
  ]);
}

async function readContext(cli: Cli, text: string): Promise<JsonObject> {
  const source = text.startsWith("@") ? await readFile(resolve(cli.io.cwd, text.slice(1)), "utf8").catch(() => undefined) : text;
  try {
    return json.parse(JSON.parse(source ?? ""));
  } catch {
    throw new CliFailure("usage", "`--context` is not a JSON object", ['give one, such as `--context \'{"ticket": "T-17"}\'`']);
  }
}
