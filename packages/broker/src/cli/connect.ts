import type { Readable, Writable } from "node:stream";
import { createBridge, createTokenSource, getSessionToken, loadAgentKey } from "@bailiwick/client";
import type { JsonObject } from "@bailiwick/policy";
import { Agent } from "undici";

export interface ConnectOptions {
  /** Base URL of the broker. */
  readonly url: string;
  /** Path of the agent's key file. */
  readonly keyFile: string;
  readonly user: string;
  readonly task: string;
  readonly data?: JsonObject | undefined;
  readonly scope?: readonly string[] | undefined;
}

/**
 * `bailiwick connect`: an MCP server on stdio for clients that start their servers themselves. Passes JSON-RPC messages, one a line,
 * to the broker's `/mcp` and back, with a session token that it renews. Resolves when stdin ended and every request was answered.
 * @throws Error when the key cannot be read or the broker gives no token.
 */
export async function runConnect(options: ConnectOptions, stdin: Readable, stdout: Writable): Promise<void> {
  const url = options.url.replace(/\/+$/, "");
  const key = await loadAgentKey(options.keyFile);
  const session = {
    url,
    key,
    user: options.user,
    task: options.task,
    ...(options.data === undefined ? {} : { data: options.data }),
    ...(options.scope === undefined ? {} : { scope: options.scope }),
  };
  const tokens = createTokenSource(session, await getSessionToken(session));
  const dispatcher = new Agent({ headersTimeout: 0, bodyTimeout: 0 });
  const bridge = createBridge({ endpoint: `${url}/mcp`, tokens, dispatcher, write: (line) => void stdout.write(line) });
  try {
    await readLines(stdin, (line) => bridge.receive(line));
    await bridge.close();
  } finally {
    await dispatcher.destroy();
  }
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
