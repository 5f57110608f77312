import { Pool } from "undici";
import { asMessage } from "./echo.ts";

const PROTOCOL = "2025-06-18";

/** An open MCP session as a plain client sees it: raw requests on kept-alive connections, so that the client's own cost is small and equal for all. */
export interface Line {
  call(text: string): Promise<void>;
  close(): Promise<void>;
}

export interface Batch {
  readonly latenciesMs: readonly number[];
  readonly seconds: number;
}

/** Shakes hands (legacy era, which every contender speaks) and returns a line for calls of `tool`. @throws Error when anything but the echo comes back. */
export async function openLine(
  url: string,
  options: { readonly tool: string; readonly connections: number; readonly headers: () => Readonly<Record<string, string>> },
): Promise<Line> {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connections: options.connections });
  let session: Readonly<Record<string, string>> = {};
  let lastId = 0;

  const post = async (body: Readonly<Record<string, unknown>>): Promise<string> => {
    const response = await pool.request({
      path: pathname,
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        ...options.headers(),
        ...session,
      },
      body: JSON.stringify({ jsonrpc: "2.0", ...body }),
    });
    const id = response.headers["mcp-session-id"];
    if (typeof id === "string") session = { "mcp-session-id": id, "mcp-protocol-version": PROTOCOL };
    const text = await response.body.text();
    if (response.statusCode >= 300) throw new Error(`${url} answered ${response.statusCode}: ${text.slice(0, 300)}`);
    return text;
  };

  await post({
    id: ++lastId,
    method: "initialize",
    params: { protocolVersion: PROTOCOL, capabilities: {}, clientInfo: { name: "bench", version: "1.0.0" } },
  });
  await post({ method: "notifications/initialized" });

  return {
    async call(text) {
      const id = ++lastId;
      const answer = jsonOf(await post({ id, method: "tools/call", params: { name: options.tool, arguments: { text } } }));
      const result = asMessage(answer["result"]);
      if (answer["id"] !== id || result["isError"] === true || asMessage(result["structuredContent"])["text"] !== text) {
        throw new Error(`${url} did not echo: ${JSON.stringify(answer).slice(0, 500)}`);
      }
    },
    close: () => pool.close(),
  };
}

/** `callers` loops over one line until `calls` calls are done. */
export async function runBatch(line: Line, options: { readonly callers: number; readonly calls: number }): Promise<Batch> {
  const latenciesMs: number[] = [];
  let left = options.calls;
  const loop = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const before = performance.now();
      await line.call(`message ${left}`);
      latenciesMs.push(performance.now() - before);
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: options.callers }, loop));
  return { latenciesMs, seconds: (performance.now() - started) / 1000 };
}

/** The last JSON-RPC message of a JSON body or of an event stream. */
function jsonOf(text: string): Readonly<Record<string, unknown>> {
  const json = text.startsWith("{") ? text : text.slice(text.lastIndexOf("data: ") + "data: ".length);
  const parsed: unknown = JSON.parse(json);
  return asMessage(parsed);
}
