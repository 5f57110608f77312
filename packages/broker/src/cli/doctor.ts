import { stat } from "node:fs/promises";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { readPolicyFolder } from "../config/read-folder.ts";
import { load } from "@bailiwick/policy";
import { type Cli, DEFAULT_PORT } from "./cli.ts";
import { type BrokerFile, readBrokerFile, readOperatorKey } from "../config/data-folder.ts";
import { checkCredentials } from "./credential-finding.ts";
import { checkLogs } from "./log-finding.ts";
import { EXIT } from "./failure.ts";

export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly found: string;
  readonly next?: string;
}

const OLDEST_NODE = 24;
const READY_TIMEOUT_MS = 5_000;
const readyAnswer = z.object({ checks: z.array(z.object({ name: z.string(), ok: z.boolean() })) });

/** `bailiwick doctor`: what works here, and what to do about what does not. */
export function addDoctor(program: Command, cli: Cli): void {
  program
    .command("doctor")
    .description("checks Node, the data folder, the broker, its store and log, the credentials, the policy and the port")
    .option("--policy <folder>", "a policy folder to check; default: the running broker's")
    .option("--port <port>", "the port a broker would take", String(DEFAULT_PORT))
    .action(async (options: { policy?: string; port: string }) => {
      const broker = await readBrokerFile(cli.dataFolder()).catch(() => undefined);
      const findings = [checkNode(), await checkDataFolder(cli), ...(await checkBroker(cli, broker, Number(options.port)))];
      const policy = options.policy === undefined ? broker?.policy : resolve(cli.io.cwd, options.policy);
      if (policy !== undefined) findings.push(await checkPolicy(policy));
      cli.answer({ ok: findings.every((one) => one.ok), findings }, findings.map(describe).join(""));
      if (findings.some((one) => !one.ok)) cli.exitWith(EXIT.refused);
    });
}

function describe(finding: Finding): string {
  const line = `${finding.ok ? "ok   " : "WRONG"}  ${finding.name}: ${finding.found}\n`;
  return finding.next === undefined ? line : `${line}       next: ${finding.next}\n`;
}

function checkNode(): Finding {
  const ok = Number(process.versions.node.split(".")[0]) >= OLDEST_NODE;
  return {
    name: "node",
    ok,
    found: process.version,
    ...(ok ? {} : { next: `use Node ${OLDEST_NODE} or newer; inside the project npm brings it` }),
  };
}

async function checkDataFolder(cli: Cli): Promise<Finding> {
  const folder = cli.dataFolder();
  const key = await readOperatorKey(folder).catch(() => "unreadable");
  if (key === undefined)
    return {
      name: "data folder",
      ok: false,
      found: `\`${folder}\` holds no operator key`,
      next: "start a broker with `bailiwick up`, or name its folder with `--data <folder>`",
    };
  if (key === "unreadable")
    return {
      name: "data folder",
      ok: false,
      found: `the operator key in \`${folder}\` cannot be read`,
      next: "run this as the user who started the broker",
    };
  const { mode } = await stat(join(folder, "operator.key"));
  if ((mode & 0o077) !== 0)
    return {
      name: "data folder",
      ok: false,
      found: "others on this machine can read the operator key",
      next: `chmod 600 ${join(folder, "operator.key")}`,
    };
  return { name: "data folder", ok: true, found: folder };
}

async function checkBroker(cli: Cli, broker: BrokerFile | undefined, port: number): Promise<Finding[]> {
  if (broker === undefined)
    return [
      { name: "broker", ok: false, found: "none is announced in the data folder", next: "start it with `bailiwick up`" },
      await checkPort(port),
    ];
  const ready = await cli.io
    .fetch(`${broker.url}/readyz`, { signal: AbortSignal.timeout(READY_TIMEOUT_MS) })
    .then(async (response) => readyAnswer.parse(await response.json()))
    .catch(() => undefined);
  if (ready === undefined) {
    return [
      {
        name: "broker",
        ok: false,
        found: `process ${broker.pid} does not answer at ${broker.url}`,
        next: "look into its log; start it again with `bailiwick up`",
      },
    ];
  }
  const parts = ready.checks.map((check): Finding => ({
    name: check.name,
    ok: check.ok,
    found: check.ok ? "works" : "does not work",
    ...(check.ok ? {} : { next: `the broker's log says why the ${check.name} fails` }),
  }));
  const credentials = await checkCredentials(cli);
  return [
    { name: "broker", ok: true, found: `${broker.version} at ${broker.url}` },
    ...parts,
    ...(credentials === undefined ? [] : [credentials]),
    ...(await checkLogs(cli)),
  ];
}

async function checkPort(port: number): Promise<Finding> {
  const free = Promise.withResolvers<boolean>();
  const server = createServer()
    .once("error", () => {
      free.resolve(false);
    })
    .listen(port, "127.0.0.1", () => {
      free.resolve(true);
    });
  const ok = await free.promise;
  server.close();
  return {
    name: "port",
    ok,
    found: ok ? `${port} is free` : `${port} is taken by another program`,
    ...(ok ? {} : { next: "choose another with `--port`" }),
  };
}

async function checkPolicy(folder: string): Promise<Finding> {
  const loaded = await readPolicyFolder(folder)
    .then((files) => load(files))
    .catch((error: unknown) => (error instanceof Error ? error.message : "cannot be read"));
  if (typeof loaded === "string")
    return { name: "policy folder", ok: false, found: loaded, next: "name the folder with `--policy <folder>`" };
  if (!loaded.ok)
    return {
      name: "policy",
      ok: false,
      found: `${loaded.diagnostics.length} problems in \`${folder}\``,
      next: `bailiwick check ${folder}`,
    };
  return { name: "policy folder", ok: true, found: `${folder}, version ${loaded.policy.version.slice(0, 19)}` };
}
