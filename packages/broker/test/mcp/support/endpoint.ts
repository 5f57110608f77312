import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import type { JsonObject } from "@bailiwick/policy";
import { META, MODERN_VERSION, createSseDecoder, isObject, parseJson, routedName } from "../../../src/adapters/mcp-protocol/index.ts";
import type { McpEndpointOptions } from "../../../src/adapters/mcp/index.ts";
import { createMcpEndpoint } from "../../../src/adapters/mcp/index.ts";
import type { MemoryOperation, MemorySurface } from "./memory-surface.ts";
import { createMemorySurface } from "./memory-surface.ts";

/** Waits short enough for tests; each test names those it is about. */
export const SHORT = { leaseMs: 60, holdWithProgressMs: 400, holdMs: 80, progressMs: 40, keepAliveMs: 1_000, retryAfterMs: 10, pollMs: 20 };

export interface Running {
  readonly url: string;
  readonly surface: MemorySurface;
  readonly close: () => Promise<void>;
}

/** An endpoint on a free port over a memory surface; token `t1` is a live session. Closed with the test. */
export async function startEndpoint(operations: readonly MemoryOperation[], options: Partial<McpEndpointOptions> = {}): Promise<Running> {
  const surface = createMemorySurface(operations);
  surface.allow("t1");
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = (address as AddressInfo).port;
  const base = `http://127.0.0.1:${port}`;
  const endpoint = createMcpEndpoint(surface, { publicUrl: () => base, durations: SHORT, ...options });
  server.on("request", (req, res) => endpoint.handle(req, res));
  const close = async (): Promise<void> => {
    await endpoint.close();
    server.closeAllConnections();
    if (server.listening) {
      server.close();
      await once(server, "close");
    }
  };
  onTestFinished(close);
  return { url: `${base}/mcp`, surface, close };
}

export interface Got {
  readonly status: number;
  readonly headers: Headers;
  readonly type: string;
  /** The JSON body, or every message of the stream. */
  readonly messages: readonly JsonObject[];
  /** The answer to the request: the last message. */
  readonly last: JsonObject;
}

export interface PostOptions {
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly onMessage?: (message: JsonObject) => void;
}

export async function post(url: string, body: unknown, options: PostOptions = {}): Promise<Got> {
  const token = "token" in options ? options.token : "t1";
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...options.headers,
    },
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  return readAnswer(response, options.onMessage);
}

export async function readAnswer(response: Response, onMessage?: (message: JsonObject) => void): Promise<Got> {
  const type = response.headers.get("content-type") ?? "";
  const messages: JsonObject[] = [];
  const hear = (text: string): void => {
    const value = text === "" ? undefined : parseJson(text);
    if (!isObject(value)) return;
    messages.push(value);
    onMessage?.(value);
  };
  if (type.includes("event-stream") && response.body !== null) {
    const decoder = createSseDecoder(1_000_000, (event) => hear(event.data));
    const text = new TextDecoder();
    for await (const chunk of response.body) decoder.push(text.decode(chunk, { stream: true }));
  } else hear(await response.text());
  return { status: response.status, headers: response.headers, type, messages, last: messages.at(-1) ?? {} };
}

let nextId = 1;

/** One request of revision 2026-07-28 with everything it must carry. */
export function modern(
  url: string,
  method: string,
  params: JsonObject = {},
  options: PostOptions & { readonly capabilities?: JsonObject; readonly meta?: JsonObject } = {},
): Promise<Got> {
  nextId += 1;
  const _meta = { [META.protocolVersion]: MODERN_VERSION, [META.clientCapabilities]: options.capabilities ?? {}, ...options.meta };
  const name = routedName(method, params);
  const headers = {
    "mcp-protocol-version": MODERN_VERSION,
    "mcp-method": method,
    ...(name === undefined ? {} : { "mcp-name": name }),
    ...options.headers,
  };
  return post(url, { jsonrpc: "2.0", id: nextId, method, params: { ...params, _meta } }, { ...options, headers });
}

export interface LegacyClient {
  readonly session: string;
  readonly initialized: JsonObject;
  request(method: string, params?: JsonObject, options?: PostOptions & { readonly id?: string | number }): Promise<Got>;
  send(message: JsonObject, options?: PostOptions): Promise<Got>;
}

export async function legacy(url: string, capabilities: JsonObject = {}, version = "2025-11-25", token = "t1"): Promise<LegacyClient> {
  const answer = await post(
    url,
    {
      jsonrpc: "2.0",
      id: 0,
      method: "initialize",
      params: { protocolVersion: version, capabilities, clientInfo: { name: "test", version: "1" } },
    },
    { token },
  );
  const session = answer.headers.get("mcp-session-id") ?? "";
  const initialized = answer.last["result"];
  const send = (message: JsonObject, options: PostOptions = {}): Promise<Got> =>
    post(url, message, { token, ...options, headers: { "mcp-session-id": session, "mcp-protocol-version": version, ...options.headers } });
  await send({ jsonrpc: "2.0", method: "notifications/initialized" });
  return {
    session,
    initialized: isObject(initialized) ? initialized : {},
    send,
    request(method, params = {}, options = {}) {
      nextId += 1;
      return send({ jsonrpc: "2.0", id: options.id ?? nextId, method, params }, options);
    },
  };
}

export function resultOf(got: Got): JsonObject {
  const { result } = got.last;
  if (!isObject(result)) throw new Error(`no result in ${JSON.stringify(got.last)}`);
  return result;
}

export function errorOf(got: Got): JsonObject {
  const { error } = got.last;
  if (!isObject(error)) throw new Error(`no error in ${JSON.stringify(got.last)}`);
  return error;
}
