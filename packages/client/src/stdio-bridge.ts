import { setTimeout as sleep } from "node:timers/promises";
import type { Dispatcher } from "undici";
import { ClientError } from "./client-error.ts";
import type { JsonObject } from "./json.ts";
import { isObject, parseJson } from "./json.ts";
import { paramHeaders } from "./param-headers.ts";
import type { RpcMessage } from "./rpc.ts";
import { RPC, errorMessage, isRequestId, objectAt, parseMessage, textAt } from "./rpc.ts";
import type { BrokerSession } from "./session.ts";
import { createEventReader } from "./sse.ts";
import type { UpstreamAnswer } from "./upstream.ts";
import { readAll, sendAuthorized } from "./upstream.ts";
import { headerValue } from "./wire.ts";

export interface BridgeOptions {
  readonly endpoint: string;
  readonly upstream: BrokerSession;
  readonly dispatcher: Dispatcher;
  /** Takes one line with its newline. */
  readonly write: (line: string) => void;
}

export interface Bridge {
  /** One line from the client. */
  receive(line: string): void;
  /** Waits for the answers still due, then ends MCP's session. */
  close(): Promise<void>;
}

/** Largest event that is passed on. */
const MAX_EVENT_CHARS = 64 * 1024 * 1024;
/** Largest answer that is no stream. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** What one bridge knows of its line to the broker. `session` is MCP's own, of the older revisions. */
interface Line extends BridgeOptions {
  /** Set by the answer to `initialize`: the older revisions have sessions. */
  session: string | undefined;
  version: string | undefined;
  /** The stream for messages the broker starts; only with a session. */
  listener: AbortController | undefined;
  /** Requests under way by id, for the cancellation of the stateless revision, which is a closed stream. */
  readonly running: Map<string | number, { readonly method: string; readonly controller: AbortController }>;
  /** Input schemas of the tools last listed: they say which arguments are mirrored into headers. */
  schemas: ReadonlyMap<string, JsonObject>;
}

/** Carries JSON-RPC messages between a stdio client and the broker's HTTP endpoint. Both eras pass: the client chooses. */
export function createBridge(options: BridgeOptions): Bridge {
  const line: Line = { ...options, session: undefined, version: undefined, listener: undefined, running: new Map(), schemas: new Map() };
  const due = new Set<Promise<void>>();
  // Until the session stands, messages go one after the other: the second would otherwise lack the session's id.
  let handshake: Promise<void> = Promise.resolve();

  function track(work: Promise<void>): Promise<void> {
    due.add(work);
    void work.finally(() => due.delete(work));
    return work;
  }
  return {
    receive(text) {
      const body = parseJson(text);
      const message = parseMessage(body);
      if (message === undefined)
        return put(
          line,
          errorMessage(
            null,
            body === undefined ? RPC.parse : RPC.invalidRequest,
            "the line is no JSON-RPC 2.0 message; send one message a line",
          ),
        );
      if (cancelsModern(line, message)) return;
      const work = handshake.then(() => carry(line, message, text));
      if (message.kind === "request" && message.method === "initialize") handshake = work;
      void track(work);
    },
    async close() {
      for (const { method, controller } of line.running.values()) if (method === "subscriptions/listen") controller.abort();
      await Promise.allSettled(due);
      line.listener?.abort();
      if (line.session !== undefined) await endSession(line);
    },
  };
}

function put(line: Line, message: JsonObject): void {
  line.write(`${JSON.stringify(message)}\n`);
}

/** In the stateless revision a notification cannot cancel over HTTP; closing the request's stream does. */
function cancelsModern(line: Line, message: RpcMessage): boolean {
  if (line.session !== undefined || message.kind !== "notification" || message.method !== "notifications/cancelled") return false;
  const id = message.params["requestId"];
  if (isRequestId(id)) line.running.get(id)?.controller.abort();
  return true;
}

async function carry(line: Line, message: RpcMessage, text: string): Promise<void> {
  const controller = new AbortController();
  const id = message.kind === "request" ? message.id : undefined;
  if (message.kind === "request") line.running.set(message.id, { method: message.method, controller });
  try {
    const answered = await post(line, message, text, controller.signal);
    if (id !== undefined && !answered)
      put(line, errorMessage(id, RPC.internal, "the broker's answer ended without a result; the call may have taken effect"));
  } catch (error) {
    if (controller.signal.aborted) return;
    if (id !== undefined) put(line, errorMessage(id, RPC.internal, lostBecause(error)));
  } finally {
    if (id !== undefined) line.running.delete(id);
  }
}

/** A typed error means that nothing was sent. */
function lostBecause(error: unknown): string {
  if (error instanceof ClientError) return error.message;
  const why = error instanceof Error ? error.message : "unknown error";
  return `the broker cannot be reached or broke off: ${why}; the call may have taken effect`;
}

/** Returns whether the request's own answer was passed on. */
async function post(line: Line, message: RpcMessage, text: string, signal: AbortSignal): Promise<boolean> {
  const { endpoint: url, upstream, dispatcher } = line;
  const answer = await sendAuthorized(upstream, {
    method: "POST",
    url,
    body: text,
    headers: headersFor(line, message),
    dispatcher,
    signal,
  });
  const session = answer.headers["mcp-session-id"];
  if (message.kind === "request" && message.method === "initialize" && typeof session === "string") line.session = session;
  const id = message.kind === "request" ? message.id : undefined;
  let answered = false;
  const pass = (body: JsonObject): void => {
    if (isAnswerTo(body, id)) {
      answered = true;
      if (message.kind === "request") learn(line, message.method, objectAt(body, "result"));
    }
    put(line, body);
  };
  await readAnswer(answer, id, pass);
  if (message.kind === "notification" && message.method === "notifications/initialized") listen(line);
  return answered;
}

/** What later requests depend on. */
function learn(line: Line, method: string, result: JsonObject): void {
  if (method === "initialize") line.version = textAt(result, "protocolVersion");
  if (method !== "tools/list") return;
  const { tools } = result;
  const listed = Array.isArray(tools) ? tools.filter(isObject) : [];
  line.schemas = new Map(listed.map((tool) => [textAt(tool, "name") ?? "", objectAt(tool, "inputSchema")]));
}

/** The member that the `Mcp-Name` header mirrors (2026-07-28, basic/transports, standard request headers). */
function mirroredName(params: JsonObject): string | undefined {
  return textAt(params, "name") ?? textAt(params, "uri") ?? textAt(params, "taskId");
}

function isAnswerTo(body: JsonObject, id: string | number | undefined): boolean {
  return id !== undefined && body["id"] === id && body["method"] === undefined;
}

async function readAnswer(answer: UpstreamAnswer, id: string | number | undefined, pass: (body: JsonObject) => void): Promise<void> {
  if ((answer.headers["content-type"] ?? "").startsWith("text/event-stream")) return readEvents(answer, pass);
  const body = parseJson((await readAll(answer.body, MAX_ANSWER_BYTES)).toString("utf8"));
  if (!isObject(body)) return;
  // An error about the whole HTTP request has no id of its own; the client waits for this one.
  pass(id !== undefined && body["id"] === null && isObject(body["error"]) ? { ...body, id } : body);
}

async function readEvents(answer: UpstreamAnswer, pass: (body: JsonObject) => void): Promise<void> {
  const read = createEventReader(MAX_EVENT_CHARS, (data) => {
    const body = parseJson(data);
    if (isObject(body)) pass(body);
  });
  const text = new TextDecoder();
  for await (const chunk of answer.body) read(text.decode(chunk, { stream: true }));
}

function headersFor(line: Line, message: RpcMessage): Record<string, string> {
  const headers: Record<string, string> = {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
  };
  const claimed =
    message.kind === "request" || message.kind === "notification"
      ? textAt(objectAt(message.params, "_meta"), "io.modelcontextprotocol/protocolVersion")
      : undefined;
  if (claimed !== undefined && message.kind === "request") {
    const name = mirroredName(message.params);
    const mirrored =
      message.method === "tools/call" ? paramHeaders(line.schemas.get(name ?? ""), objectAt(message.params, "arguments")) : {};
    return {
      ...headers,
      ...mirrored,
      "mcp-protocol-version": claimed,
      "mcp-method": message.method,
      ...(name === undefined ? {} : { "mcp-name": headerValue(name) }),
    };
  }
  if (line.session !== undefined) headers["mcp-session-id"] = line.session;
  if (line.version !== undefined) headers["mcp-protocol-version"] = line.version;
  return headers;
}

/** Pause before the stream is opened again after it ended, as it does with each token; after failures longer and longer. */
const LISTEN_PAUSE_MS = 500;
const MAX_LISTEN_PAUSE_MS = 30_000;

function listen(line: Line): void {
  const controller = new AbortController();
  line.listener?.abort();
  line.listener = controller;
  void keepListening(line, controller.signal);
}

async function keepListening(line: Line, signal: AbortSignal): Promise<void> {
  let pauseMs = LISTEN_PAUSE_MS;
  while (!signal.aborted) {
    try {
      const { endpoint: url, upstream, dispatcher } = line;
      const headers = { ...sessionHeaders(line), accept: "text/event-stream" };
      const answer = await sendAuthorized(upstream, { method: "GET", url, headers, dispatcher, signal });
      if (answer.status !== 200) return void (await readAll(answer.body, MAX_ANSWER_BYTES));
      await readEvents(answer, (body) => put(line, body));
      pauseMs = LISTEN_PAUSE_MS;
    } catch {
      // A broken stream is opened again; a broker that is gone shows in the next request.
      pauseMs = Math.min(2 * pauseMs, MAX_LISTEN_PAUSE_MS);
    }
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

function sessionHeaders(line: Line): Record<string, string> {
  return {
    ...(line.session === undefined ? {} : { "mcp-session-id": line.session }),
    ...(line.version === undefined ? {} : { "mcp-protocol-version": line.version }),
  };
}

async function endSession(line: Line): Promise<void> {
  try {
    const { endpoint: url, upstream, dispatcher } = line;
    const answer = await sendAuthorized(upstream, { method: "DELETE", url, headers: sessionHeaders(line), dispatcher });
    await readAll(answer.body, MAX_ANSWER_BYTES);
  } catch {
    // The session ends by itself when it stays unused.
  }
}
