import { resolve } from "node:path";
import type { Readable, Writable } from "node:stream";
import { z } from "zod";
import { type BrokerClient, createBrokerClient } from "./broker-client.ts";
import { readBrokerFile, readOperatorKey } from "../config/data-folder.ts";
import { CliFailure } from "./failure.ts";

/** What a command may use of the process it runs in. */
export interface CliIo {
  readonly stdin: Readable & { readonly isTTY?: boolean; setRawMode?(mode: boolean): unknown };
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly fetch: typeof fetch;
  now(): Date;
}

/** How the long-running commands start; the composition root provides them. Each resolves with the exit code. */
export interface CliHooks {
  up(options: UpOptions, io: CliIo): Promise<number>;
  /** Absent in an installation without the example company; the command is not offered then. */
  demo?(options: DemoOptions, io: CliIo): Promise<number>;
}

export interface UpOptions {
  readonly policyFolder: string;
  readonly dataFolder: string;
  readonly port: number;
  readonly host: string;
  /** Of the egress proxy; absent: none. */
  readonly egressPort?: number | undefined;
  readonly publicUrl?: string | undefined;
  readonly databaseUrl?: string | undefined;
  readonly logDatabaseUrl?: string | undefined;
  /** PEM; serves HTTPS. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  readonly json: boolean;
}

export interface DemoOptions {
  readonly dataFolder?: string | undefined;
  readonly port: number;
  readonly once: boolean;
  readonly json: boolean;
}

/** One run of the program: its options and the ways to answer. */
export interface Cli {
  readonly io: CliIo;
  readonly hooks: CliHooks;
  /** Whether `--json` was given. */
  json(): boolean;
  dataFolder(): string;
  /** Prints `value` with `--json`, else `text`, to stdout. */
  answer(value: unknown, text: string): void;
  /** A line for people, to stderr; nothing with `--json`. */
  talk(line: string): void;
  /** The running broker, spoken to with the operator key, or as `person`. */
  broker(person?: string): Promise<BrokerClient>;
  /** Sets the exit code of a command that answered and found problems. */
  exitWith(code: number): void;
}

export const DEFAULT_DATA_FOLDER = ".bailiwick";
export const DEFAULT_PORT = 7400;

/** The options every command takes. */
export interface GlobalOptions {
  readonly json?: boolean | undefined;
  readonly data?: string | undefined;
}

export function createCli(io: CliIo, hooks: CliHooks, options: () => GlobalOptions, exitWith: (code: number) => void): Cli {
  const dataFolder = (): string => resolve(io.cwd, options().data ?? io.env["BAILIWICK_DATA"] ?? DEFAULT_DATA_FOLDER);
  const json = (): boolean => options().json === true;
  return {
    io,
    hooks,
    json,
    dataFolder,
    answer: (value, text) => {
      io.stdout.write(json() ? `${JSON.stringify(value)}\n` : text);
    },
    talk: (line) => {
      if (!json()) io.stderr.write(`${line}\n`);
    },
    broker: async (person) => {
      const operator = await connect(io, dataFolder());
      return person === undefined ? operator.client : signInAs(io, operator.client, person);
    },
    exitWith,
  };
}

async function connect(io: CliIo, dataFolder: string): Promise<{ client: BrokerClient }> {
  const broker = await readBrokerFile(dataFolder).catch(() => undefined);
  const key = await readOperatorKey(dataFolder).catch(() => undefined);
  if (broker === undefined || key === undefined) {
    throw new CliFailure("fault", `no running broker is announced in \`${dataFolder}\``, [
      "start it with `bailiwick up`",
      "or name the folder of the running one with `--data <folder>` or BAILIWICK_DATA",
    ]);
  }
  return { client: createBrokerClient({ url: broker.url, bearer: key, fetch: io.fetch }) };
}

/** Whoever holds the data folder's operator key may act as any person on this machine; records say `via: operator-key`. */
async function signInAs(io: CliIo, operator: BrokerClient, person: string): Promise<BrokerClient> {
  const link = await operator.send("POST", "/login-links", z.object({ code: z.string() }), { person, via: "operator-key" });
  const session = await operator.send("POST", "/people/token", z.object({ token: z.string() }), { code: link.code });
  return createBrokerClient({ url: operator.url, bearer: session.token, fetch: io.fetch });
}
