import type { Json, JsonObject } from "@bailiwick/policy";
import { Fault } from "../../domain/fault.ts";
import { type CallIo, ToolError } from "../../domain/tool.ts";
import type { TraceContext } from "../../domain/trace-context.ts";
import {
  encodeHeaderValue,
  type Era,
  HEADER,
  META,
  MODERN_VERSION,
  notificationMessage,
  objectAt,
  routedName,
  TASKS_EXTENSION,
} from "../mcp-protocol/index.ts";
import { createDeadline, type Deadline } from "./deadline.ts";
import type { Exchanged, Exchanges } from "./exchanges.ts";
import { finishModern } from "./modern.ts";
import { modernMeta } from "./negotiate.ts";
import type { Wire } from "./wire.ts";

/** Everything about one request but its method and params. */
export interface RequestOptions {
  /** The agent's line; absent for requests of the broker itself. */
  readonly io?: CallIo | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** Goes out in the headers and, for servers behind a pipe or a proxy, in `_meta` (SEP-414). */
  readonly trace?: TraceContext | undefined;
}

/** One request to its final result, in the dialect the server speaks. */
export interface Peer {
  readonly era: Era;
  /** @throws ToolError, or Fault as ToolConnection.invoke says. */
  request(method: string, params: JsonObject, options: RequestOptions): Promise<JsonObject>;
  /** Log level for the requests that follow; only the modern era needs it on each. */
  logLevel: string | undefined;
}

export interface PeerContext {
  readonly tool: string;
  readonly wire: Wire;
  readonly exchanges: Exchanges;
}

export function createPeer(context: PeerContext, era: Era, version: string): Peer {
  const peer: Peer = {
    era,
    logLevel: undefined,
    async request(method, params, options) {
      const deadline = createDeadline({
        timeoutMs: options.timeoutMs,
        outer: options.signal ?? options.io?.signal,
        onTimeout: () => timeoutFault(context.tool, method, options.timeoutMs),
      });
      const capabilities = era === "modern" ? bridged(options.io) : {};
      const dialect = { era, version, capabilities, logLevel: peer.logLevel };
      const once: Exchanged = (each, eachParams, own = deadline) => exchange(context, dialect, each, eachParams, options, own);
      try {
        const result = await once(method, params);
        return era === "modern"
          ? await finishModern(once, { tool: context.tool, method, params, io: options.io, deadline }, result)
          : result;
      } finally {
        deadline.end();
      }
    },
  };
  return peer;
}

/** The headers that say which dialect a request is in; `version` is absent before there is an agreement. */
export function dialectHeaders(era: Era, version: string | undefined, method: string, params: JsonObject): Record<string, string> {
  if (era === "legacy") return version === undefined ? {} : { [HEADER.protocolVersion]: version };
  const name = routedName(method, params);
  const headers: Record<string, string> = { [HEADER.protocolVersion]: MODERN_VERSION, [HEADER.method]: method };
  if (name !== undefined) headers[HEADER.name] = encodeHeaderValue(name);
  return headers;
}

interface Dialect {
  readonly era: Era;
  readonly version: string | undefined;
  readonly capabilities: JsonObject;
  readonly logLevel: string | undefined;
}

/** Sends one request and waits for its answer. Cancelling tells the server: by a notification, or in the modern era over HTTP by closing the stream. */
export async function exchange(
  context: PeerContext,
  dialect: Dialect,
  method: string,
  params: JsonObject,
  options: RequestOptions,
  deadline: Deadline,
): Promise<JsonObject> {
  const { wire, exchanges } = context;
  const trace = traceMembers(options.trace);
  const headers = { ...options.headers, ...trace, ...dialectHeaders(dialect.era, dialect.version, method, params) };
  const id = exchanges.open({ io: options.io, deadline, headers });
  try {
    const answer = await wire.send({
      id,
      method,
      params: withMeta(dialect, params, { ...trace, ...(options.io === undefined ? {} : { progressToken: id }) }),
      headers,
      signal: deadline.signal,
      maxBytes: options.maxBytes,
    });
    if (answer.kind === "failure") throw new ToolError(answer.error.code, answer.error.message, answer.error.data);
    return answer.result;
  } catch (error) {
    if (deadline.signal.aborted && wire.kind === "http" && dialect.era === "legacy") {
      const cancelled = notificationMessage("notifications/cancelled", { requestId: id });
      wire.post(cancelled, headers).catch(() => undefined);
    }
    throw error;
  } finally {
    exchanges.close(id);
  }
}

function traceMembers(trace: TraceContext | undefined): Readonly<Record<string, string>> {
  if (trace === undefined) return {};
  const { traceparent, tracestate } = trace;
  return tracestate === undefined ? { traceparent } : { traceparent, tracestate };
}

function withMeta(dialect: Dialect, params: JsonObject, own: JsonObject): JsonObject {
  if (dialect.era === "legacy" && Object.keys(own).length === 0) return params;
  const meta: Record<string, Json> = { ...objectAt(params, "_meta") };
  if (dialect.era === "modern") {
    Object.assign(meta, modernMeta(dialect.capabilities));
    if (dialect.logLevel !== undefined) meta[META.logLevel] = dialect.logLevel;
  }
  return { ...params, _meta: { ...meta, ...own } };
}

/** Only what can be carried to the agent is declared in its name; anything else a server might use would be lost. */
function bridged(io: CallIo | undefined): JsonObject {
  if (io === undefined) return {};
  const declared: Record<string, Json> = {};
  for (const name of ["elicitation", "sampling", "roots"]) {
    const value = io.capabilities[name];
    if (value !== undefined) declared[name] = value;
  }
  const tasks = objectAt(io.capabilities, "extensions")[TASKS_EXTENSION];
  if (tasks !== undefined) declared["extensions"] = { [TASKS_EXTENSION]: tasks };
  return declared;
}

function timeoutFault(tool: string, method: string, timeoutMs: number): Fault {
  return new Fault(
    "tool_timeout",
    `the tool \`${tool}\` did not answer \`${method}\` within ${timeoutMs} ms; whether it acted is not known`,
  );
}
