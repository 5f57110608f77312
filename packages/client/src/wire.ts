import type { Dispatcher } from "undici";
import { request } from "undici";
import { ClientError } from "./client-error.ts";
import type { JsonObject } from "./json.ts";
import { isObject, parseJson } from "./json.ts";
import type { Headers, OutgoingRequest } from "./sender.ts";
import { createEventReader } from "./sse.ts";

/** The stateless revision of MCP that this client speaks. */
export const PROTOCOL_VERSION = "2026-07-28";

const META = "io.modelcontextprotocol";
/** The broker sends headers at once when it holds a call; silence for this long is a dead connection. */
const SILENCE_MS = 90_000;
/** Largest answer that is read. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

export interface WireRequest {
  readonly url: string;
  /** Headers that authorize exactly this request. */
  readonly authorize: (request: OutgoingRequest) => Promise<Headers>;
  readonly id: number;
  readonly method: string;
  readonly params: JsonObject;
  readonly meta: JsonObject;
  /** Arguments that the tool wants mirrored into headers. */
  readonly paramHeaders: Headers;
  readonly dispatcher: Dispatcher;
  readonly signal: AbortSignal | undefined;
}

export interface WireAnswer {
  readonly status: number;
  /** The JSON-RPC answer; undefined when the body holds none. */
  readonly message: JsonObject | undefined;
  /** The broker's clock. */
  readonly date: string | undefined;
}

/** Thrown when the request went out and no answer came back: it may have taken effect. */
export class LostAnswer extends Error {
  override readonly name = "LostAnswer";
}

/** Sends one request. @throws LostAnswer; ClientError `broker_unreachable` when nothing was sent; the signal's reason when aborted. */
export async function send(wire: WireRequest): Promise<WireAnswer> {
  const { method, params, id } = wire;
  const meta = {
    [`${META}/protocolVersion`]: PROTOCOL_VERSION,
    [`${META}/clientInfo`]: { name: "@bailiwick/client", version: "0.1.0" },
    [`${META}/clientCapabilities`]: {},
    ...wire.meta,
  };
  const name = params["name"] ?? params["uri"];
  const url = `${wire.url}/mcp`;
  const body = JSON.stringify({ jsonrpc: "2.0", id, method, params: { ...params, _meta: meta } });
  const authorization = await wire.authorize({ method: "POST", url, body });
  try {
    const answer = await request(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        ...authorization,
        "mcp-protocol-version": PROTOCOL_VERSION,
        "mcp-method": method,
        ...(typeof name === "string" ? { "mcp-name": headerValue(name) } : {}),
        ...wire.paramHeaders,
      },
      body,
      dispatcher: wire.dispatcher,
      headersTimeout: SILENCE_MS,
      bodyTimeout: SILENCE_MS,
      ...(wire.signal === undefined ? {} : { signal: wire.signal }),
    });
    const text = await readText(answer.body);
    const streamed = String(answer.headers["content-type"] ?? "").includes("text/event-stream");
    const { date } = answer.headers;
    return {
      status: answer.statusCode,
      message: streamed ? answerIn(text, id) : objectIn(text),
      date: typeof date === "string" ? date : undefined,
    };
  } catch (error) {
    wire.signal?.throwIfAborted();
    if (isNotSent(error))
      throw new ClientError("broker_unreachable", `the broker at ${wire.url} cannot be reached`, "is it up?", { cause: error });
    throw new LostAnswer("the connection broke before the answer came; the call may have taken effect", { cause: error });
  }
}

async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let held = 0;
  for await (const chunk of body) {
    held += chunk.length;
    if (held > MAX_ANSWER_BYTES) throw new Error("the answer is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function isNotSent(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ECONNREFUSED" || code === "ENOTFOUND" || code === "UND_ERR_CONNECT_TIMEOUT" || code === "EAI_AGAIN";
}

/** The answer among a stream's events; progress and log messages are passed over. */
function answerIn(stream: string, id: number): JsonObject | undefined {
  let answer: JsonObject | undefined;
  const read = createEventReader(MAX_ANSWER_BYTES, (data) => {
    const message = objectIn(data);
    if (message?.["id"] === id && !("method" in message)) answer = message;
  });
  read(`${stream}\n\n`);
  return answer;
}

function objectIn(text: string): JsonObject | undefined {
  const value = parseJson(text);
  return isObject(value) ? value : undefined;
}

/** Visible ASCII travels as it is, everything else in MCP's base64 wrapper (2026-07-28, basic/transports, value encoding). */
export function headerValue(value: string): string {
  const plain = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value) && !/^=\?base64\?.*\?=$/.test(value);
  return plain ? value : `=?base64?${Buffer.from(value, "utf8").toString("base64")}?=`;
}
