import type { Readable, Writable } from "node:stream";
import {
  type BrokerSession,
  ClientError,
  createBridge,
  type LocalGateway,
  type LoopbackAddress,
  loadAgentKey,
  openAgentSession,
  type Rows,
  startLocalGateway,
} from "@bailiwick/client";
import type { JsonObject } from "@bailiwick/policy";
import { Agent } from "undici";
import { CliFailure } from "./failure.ts";

export interface ConnectOptions {
  /** Base URL of the broker. */
  readonly url: string;
  /** Path of the agent's key file. */
  readonly keyFile: string;
  readonly user: string;
  readonly task: string;
  readonly data?: JsonObject | undefined;
  readonly scope?: readonly string[] | undefined;
  readonly rows?: Rows | undefined;
  /** Resolves when the process is asked to stop. Default: never. */
  readonly stop?: Promise<void> | undefined;
  /** Hears what went wrong beside the protocol. */
  readonly warn: (line: string) => void;
}

export interface ListenOptions extends ConnectOptions {
  readonly host: LoopbackAddress;
  readonly port: number;
  readonly ready: (gateway: LocalGateway, agent: string) => void;
}

/**
 * `bailiwick connect`: an MCP server on stdio for clients that start their servers themselves. Passes JSON-RPC messages, one a line,
 * to the broker's `/mcp` and back, each signed with a key of this process. Resolves when stdin ended and every request was answered, or at
 * once when asked to stop; the session is revoked then. @throws CliFailure when the key cannot be read or the broker gives no session.
 */
export async function runConnect(options: ConnectOptions, stdin: Readable, stdout: Writable): Promise<void> {
  await withSession(options, async (upstream, dispatcher) => {
    const bridge = createBridge({ endpoint: `${upstream.url}/mcp`, upstream, dispatcher, write: (line) => void stdout.write(line) });
    const read = readLines(stdin, (line) => bridge.receive(line)).then(() => bridge.close());
    await stoppedOr(options.stop, read);
    stdin.destroy();
  });
}

/**
 * `bailiwick connect --listen`: an MCP endpoint on a loopback address for clients that know a URL only. Stays until asked to stop, then
 * revokes the session. @throws CliFailure as above, and when the port is taken.
 */
export async function runListen(options: ListenOptions): Promise<void> {
  await withSession(options, async (upstream, dispatcher, agent) => {
    const gateway = await startLocalGateway({ upstream, dispatcher, host: options.host, port: options.port });
    options.ready(gateway, agent);
    await options.stop;
    await gateway.close();
  });
}

async function withSession(
  options: ConnectOptions,
  work: (session: BrokerSession, dispatcher: Agent, agent: string) => Promise<void>,
): Promise<void> {
  const { url, user, task, data, scope, rows } = options;
  const dispatcher = new Agent({ headersTimeout: 0, bodyTimeout: 0 });
  try {
    const key = await loadAgentKey(options.keyFile);
    const wish = {
      ...(data === undefined ? {} : { data }),
      ...(scope === undefined ? {} : { scope }),
      ...(rows === undefined ? {} : { rows }),
    };
    const session = await openAgentSession({ url, key, user, task, ...wish }, dispatcher);
    try {
      await work(session, dispatcher, key.agent);
    } finally {
      await endSession(session, options.warn);
    }
  } catch (error) {
    throw error instanceof ClientError ? new CliFailure("fault", error.message, [], error.code) : error;
  } finally {
    await dispatcher.destroy();
  }
}

/** The task is over with its client; a broker that is gone does not keep this process. */
async function endSession(session: BrokerSession, warn: (line: string) => void): Promise<void> {
  try {
    await session.end();
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    warn(error.message);
  }
}

/** Work that is left behind fails by itself when its connections are cut. */
async function stoppedOr(stop: Promise<void> | undefined, work: Promise<void>): Promise<void> {
  if (stop === undefined) return work;
  work.catch(() => undefined);
  await Promise.race([work, stop]);
}

/** One message may be as large as the broker takes over HTTP, and a little more for its error to come from there. */
const MAX_LINE_CHARS = 8 * 1024 * 1024;

async function readLines(stdin: Readable, onLine: (line: string) => void): Promise<void> {
  let rest = "";
  stdin.setEncoding("utf8");
  for await (const chunk of stdin) {
    const pieces = (rest + String(chunk)).split("\n");
    rest = pieces.pop() ?? "";
    for (const line of pieces) if (line.trim() !== "") onLine(line);
    if (rest.length > MAX_LINE_CHARS)
      throw new Error(`a line on stdin is longer than ${MAX_LINE_CHARS} characters; send one JSON-RPC message a line`);
  }
  if (rest.trim() !== "") onLine(rest);
}
