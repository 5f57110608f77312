import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import type { JsonObject } from "@bailiwick/policy";
import { z } from "zod";
import { readBrokerFile } from "../config/data-folder.ts";
import type { Cli } from "./cli.ts";
import { CliFailure } from "./failure.ts";
import { stopSignal } from "./stop-signal.ts";
import { parsePort } from "./up.ts";

interface ConnectCommandOptions {
  readonly key: string;
  readonly user: string;
  readonly task: string;
  readonly scope?: string[];
  readonly rows?: string;
  readonly context?: string;
  readonly url?: string;
  readonly listen?: string;
}

const json: z.ZodType<JsonObject> = z.record(z.string(), z.json());
const rowsSchema = z.record(z.string(), z.record(z.string(), z.array(z.string())));

/** `bailiwick connect`: an MCP server on stdio, or on a local port, that signs every request. On stdio, stdout belongs to the protocol. */
export function addConnect(program: Command, cli: Cli): void {
  program
    .command("connect")
    .description("connects a stock MCP client to the broker, as an agent: on stdio, or on a local port")
    .requiredOption("--key <file>", "the agent's private key (JWK), made by `bailiwick agents new-key`")
    .requiredOption("--user <user>", "whom the agent works for")
    .requiredOption("--task <task>", "what for, such as a ticket's id")
    .option("--scope <scope...>", "only these actions (`tool:action`)")
    .option("--rows <json>", 'only these records, such as \'{"Ticket": {"id": ["T-17"]}}\'; `@file` reads it from a file')
    .option("--context <json>", 'what the session is about, such as \'{"ticket": "T-17"}\'; `@file` reads it from a file')
    .option("--url <url>", "the broker; default: the one announced in the data folder")
    .option("--listen <address>", "serve on a loopback address such as `127.0.0.1:7401` instead of stdio; port 0 takes a free one")
    .action(async (options: ConnectCommandOptions) => connect(cli, options));
}

async function connect(cli: Cli, options: ConnectCommandOptions): Promise<void> {
  const listen = options.listen === undefined ? undefined : parseListen(options.listen);
  const session = {
    url: options.url ?? (await announced(cli)),
    keyFile: resolve(cli.io.cwd, options.key),
    user: options.user,
    task: options.task,
    scope: options.scope,
    data: options.context === undefined ? undefined : await readJson(cli, "--context", options.context, json, '{"ticket": "T-17"}'),
    rows: options.rows === undefined ? undefined : await readJson(cli, "--rows", options.rows, rowsSchema, '{"Ticket": {"id": ["T-17"]}}'),
    warn: (line: string) => void cli.io.stderr.write(`${line}\n`),
  };
  const { runConnect, runListen } = await import("./connect.ts");
  const stop = stopSignal();
  try {
    if (listen === undefined) await runConnect({ ...session, stop: stop.asked }, cli.io.stdin, cli.io.stdout);
    else
      await runListen({
        ...session,
        ...listen,
        stop: stop.asked,
        ready: ({ url, bare }, agent) => cli.answer({ url, bare, agent, broker: session.url }, banner(url, bare, agent, session.url)),
      });
  } finally {
    stop.forget();
  }
}

function banner(url: string, bare: { readonly url: string; readonly bearer: string }, agent: string, broker: string): string {
  return `bailiwick connect, ready

  mcp      ${url}
  or       ${bare.url} with the header \`authorization: Bearer ${bare.bearer}\`
  agent    ${agent}
  broker   ${broker}
  exposed  only this machine can reach it; whoever has the URL acts as the agent

`;
}

const LISTEN = /^(?:(127\.0\.0\.1|localhost|\[::1\]):)?(\d{1,5})$/u;

/** @throws CliFailure `usage` for anything but a loopback address. */
function parseListen(text: string): { readonly host: "127.0.0.1" | "::1"; readonly port: number } {
  const [, host, port] = LISTEN.exec(text) ?? [];
  if (port !== undefined) return { host: host === "[::1]" ? "::1" : "127.0.0.1", port: parsePort(port) };
  throw new CliFailure("usage", `\`${text}\` is no loopback address with a port`, [
    "give one such as `--listen 127.0.0.1:7401`; whoever reaches this endpoint acts as the agent, so it never leaves the machine",
  ]);
}

async function announced(cli: Cli): Promise<string> {
  const broker = await readBrokerFile(cli.dataFolder()).catch(() => undefined);
  if (broker !== undefined) return broker.publicUrl ?? broker.url;
  throw new CliFailure("fault", `no running broker is announced in \`${cli.dataFolder()}\``, [
    "start it with `bailiwick up`",
    "or name it with `--url <url>`",
  ]);
}

async function readJson<S extends z.ZodType>(cli: Cli, option: string, text: string, schema: S, example: string): Promise<z.output<S>> {
  const source = text.startsWith("@") ? await readFile(resolve(cli.io.cwd, text.slice(1)), "utf8").catch(() => undefined) : text;
  try {
    return schema.parse(JSON.parse(source ?? ""));
  } catch {
    throw new CliFailure("usage", `\`${option}\` is no JSON of the right shape`, [`give it such as \`${option} '${example}'\``]);
  }
}
