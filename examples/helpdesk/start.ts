import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startBroker, VERSION, type RunningBroker } from "bailiwick";
import { startEmbedded } from "bailiwick/embedded-postgres";
import type { AgentKey } from "@bailiwick/client";
import { startCompany, type Company } from "./company.ts";
import { runDemo } from "./demo.ts";
import { openOperator } from "./operator.ts";
import { SCENARIO } from "./scenario.ts";

export interface StartOptions {
  /** Default: `.bailiwick` under the working folder; with `once` a temporary folder that is removed. */
  readonly dataFolder?: string | undefined;
  readonly port: number;
  readonly once: boolean;
  readonly json: boolean;
}

export interface StartIo {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  readonly cwd: string;
}

/**
 * Starts the company's real tools and a broker before them, and lets the scripted agents work.
 * With `once` it plays the whole scenario, stops everything and resolves with 0 when all came out as it says; else it stays until a signal.
 */
export async function startDemo(options: StartOptions, io: StartIo): Promise<number> {
  const started = performance.now();
  const stop = stopSignal();
  const temporary = options.once && options.dataFolder === undefined ? await mkdtemp(join(tmpdir(), "bailiwick-demo-")) : undefined;
  const dataFolder = options.dataFolder ?? temporary ?? resolve(io.cwd, ".bailiwick");
  const closing: (() => Promise<unknown>)[] = [];
  if (temporary !== undefined) closing.push(() => rm(temporary, { recursive: true, force: true }));
  try {
    const company = await startCompany({ dataFolder: join(dataFolder, "company"), startDatabase: startEmbedded });
    closing.push(() => company.close());
    const broker = await startBroker({
      policyFolder: company.policyFolder,
      dataFolder,
      port: options.once ? 0 : options.port,
      environment: (name) => company.environment[name] ?? process.env[name],
      logLevel: "warn",
    });
    closing.push(() => broker.close());
    const play = await prepare(broker, company);
    if (!options.once && !options.json) io.stdout.write(banner(broker, company, (performance.now() - started) / 1000));
    // The agent of the first screen keeps waiting for its person until the demo stops.
    const leaving = new AbortController();
    closing.push(async () => leaving.abort());
    const print = (line: string): void => void io.stdout.write(`${line}\n`);
    const { ok } = await runDemo({ ...play, once: options.once, json: options.json, signal: leaving.signal, print });
    if (!options.once) await stop.asked;
    return ok ? 0 : 1;
  } finally {
    stop.forget();
    for (let close = closing.pop(); close !== undefined; close = closing.pop()) await close();
  }
}

async function prepare(
  broker: RunningBroker,
  company: Company,
): Promise<Pick<Parameters<typeof runDemo>[0], "brokerUrl" | "company" | "keyOf" | "tokenOf">> {
  const operator = await openOperator(broker.url, broker.dataFolder);
  await operator.storeCredentials(company.secrets);
  const keys = await operator.agentKeys(join(broker.dataFolder, "agents"));
  const people = new Set(SCENARIO.flatMap(({ approve }) => (approve === undefined ? [] : [approve.by])));
  const tokens = new Map<string, string>();
  for (const person of people) tokens.set(person, await operator.signIn(person));
  return { brokerUrl: broker.url, company, keyOf: (agent) => known(keys, agent), tokenOf: (person) => known(tokens, person) };
}

function known<T extends string | AgentKey>(map: ReadonlyMap<string, T>, name: string): T {
  const value = map.get(name);
  if (value === undefined) throw new Error(`the scenario names \`${name}\`, which the policy folder does not know`);
  return value;
}

function banner(broker: RunningBroker, company: Company, seconds: number): string {
  return `bailiwick ${VERSION}, ready in ${seconds.toFixed(1)} s with the example company

  agents   ${broker.url}/mcp
  people   ${broker.url}/   sign in with the link that \`npx bailiwick login dana\` prints
  data     ${broker.dataFolder}
  policy   ${company.policyFolder}
  exposed  nothing outside this machine; tools and databases listen on 127.0.0.1 or a socket only

`;
}

/** The first signal stops gracefully; a second one ends the process at once. */
function stopSignal(): { readonly asked: Promise<void>; forget(): void } {
  const asked = Promise.withResolvers<void>();
  const forget = (): void => {
    process.off("SIGINT", heard);
    process.off("SIGTERM", heard);
  };
  const heard = (): void => {
    forget();
    asked.resolve();
  };
  process.on("SIGINT", heard);
  process.on("SIGTERM", heard);
  return { asked: asked.promise, forget };
}
