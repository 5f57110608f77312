import { Pool } from "undici";
import type { JsonObject } from "@bailiwick/policy";
import { Fault } from "../../domain/fault.ts";
import {
  EVENT_STREAM_TYPE,
  HEADER,
  JSON_TYPE,
  parseJson,
  parseMessage,
  requestMessage,
  RPC,
  type RequestId,
  type RpcFailure,
  type RpcMessage,
  type RpcResult,
} from "../mcp-protocol/index.ts";
import { discard, type HttpResponse, readText } from "./http-body.ts";
import { networkFault, statusFault } from "./http-faults.ts";
import { readStream, type StreamEnd } from "./http-stream.ts";
import { CONNECT_TIMEOUT_MS, ENVELOPE_BYTES, MAX_HTTP_CONNECTIONS, MAX_LISTING_BYTES, MAX_STREAM_RESUMES } from "./limits.ts";
import { pause } from "./pause.ts";
import type { Outgoing, Wire, WireListener } from "./wire.ts";

type Answer = RpcResult | RpcFailure;
type Headers = Readonly<Record<string, string>>;

/** Streamable HTTP (MCP 2025-03-26 and later) to one server, on one pool of kept-alive sockets. Redirects are not followed. */
export function createHttpWire(tool: string, url: URL, listener: WireListener): Wire {
  const pool = new Pool(url.origin, {
    connections: MAX_HTTP_CONNECTIONS,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: false,
  });
  const path = url.pathname + url.search;
  let session: string | undefined;
  let protocol: string | undefined;

  async function open(
    method: "POST" | "GET" | "DELETE",
    headers: Headers,
    body: string | null,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const own: Record<string, string> = { ...headers, accept: method === "GET" ? EVENT_STREAM_TYPE : ACCEPT };
    if (body !== null) own["content-type"] = JSON_TYPE;
    if (session !== undefined) own[HEADER.session] = session;
    try {
      return await pool.request({ path, method, headers: own, body, signal });
    } catch (error) {
      throw networkFault(tool, error, signal);
    }
  }

  function deliver(message: RpcMessage, origin: RequestId | undefined): Answer | undefined {
    if (message.kind === "notification") listener.notification(message, origin);
    else if (message.kind === "request") listener.request(message, origin);
    else if (origin !== undefined && (message.id === origin || message.id === null)) return message;
    return undefined;
  }

  /** Follows a POST's stream to its answer; a stream cut short is resumed, the request itself never sent again. */
  async function follow(response: HttpResponse, out: Outgoing): Promise<Answer> {
    let end: StreamEnd = await readStream(response, out.maxBytes + ENVELOPE_BYTES, out.signal, (message) => deliver(message, out.id));
    for (let resumes = 0; end.answer === undefined; resumes += 1) {
      if (end.lastEventId === undefined || resumes === MAX_STREAM_RESUMES) throw streamCut(tool);
      await pause(end.retryMs, out.signal);
      const headers = { ...out.headers, [HEADER.lastEventId]: end.lastEventId };
      const next = await open("GET", headers, null, out.signal);
      if (next.statusCode !== 200) {
        discard(next);
        throw streamCut(tool);
      }
      const previous = end;
      end = await readStream(next, out.maxBytes + ENVELOPE_BYTES, out.signal, (message) => deliver(message, out.id));
      end = { ...end, lastEventId: end.lastEventId ?? previous.lastEventId };
    }
    return end.answer;
  }

  async function answerOf(response: HttpResponse, out: Outgoing): Promise<Answer> {
    const type = contentType(response);
    if (response.statusCode === 200 && type === EVENT_STREAM_TYPE) return follow(response, out);
    const text = await readText(response, out.maxBytes + ENVELOPE_BYTES, tool);
    const message = type === JSON_TYPE ? parseMessage(parseJson(text)) : undefined;
    if (message?.kind === "failure") {
      if (response.statusCode === 404 && session !== undefined && message.error.code !== -32601) throw sessionEnded();
      if (response.statusCode === 400 && FORGOTTEN.has(message.error.code) && !OPENING.has(out.method)) throw sessionEnded();
      if (response.statusCode === 401 || response.statusCode === 403)
        throw statusFault(tool, response.statusCode, response.headers["www-authenticate"]);
      return message;
    }
    if (response.statusCode === 404 && session !== undefined) throw sessionEnded();
    if (response.statusCode < 200 || response.statusCode > 299)
      throw statusFault(tool, response.statusCode, response.headers["www-authenticate"]);
    if (message?.kind === "result" && message.id === out.id) return message;
    throw new Fault(
      "tool_lost",
      `the tool \`${tool}\` answered with something that is no MCP message for this request; whether it acted is not known`,
    );
  }

  function sessionEnded(): Fault {
    session = undefined;
    const fault = new Fault(
      "tool_unavailable",
      `the server of the tool \`${tool}\` no longer knows this connection, it was restarted or changed; this request did not run; send it again`,
    );
    listener.lost(fault);
    return fault;
  }

  return {
    kind: "http",
    async send(out) {
      out.signal.throwIfAborted();
      const response = await open("POST", out.headers, JSON.stringify(requestMessage(out.id, out.method, out.params)), out.signal);
      try {
        const answer = await answerOf(response, out);
        const given = response.headers[HEADER.session];
        if (out.method === "initialize" && typeof given === "string") session = given;
        protocol = out.headers[HEADER.protocolVersion] ?? protocol;
        return answer;
      } catch (error) {
        throw networkFault(tool, error, out.signal);
      }
    },

    async post(message: JsonObject, headers) {
      const response = await open("POST", headers, JSON.stringify(message), AbortSignal.timeout(CONNECT_TIMEOUT_MS));
      discard(response);
    },

    async listen(headers, signal, onOpen) {
      const response = await open("GET", headers, null, signal);
      if (response.statusCode !== 200 || contentType(response) !== EVENT_STREAM_TYPE) {
        discard(response);
        if (response.statusCode === 404 && session !== undefined) throw sessionEnded();
        if (response.statusCode >= 500) throw statusFault(tool, response.statusCode, response.headers["www-authenticate"]);
        return "unsupported";
      }
      onOpen();
      try {
        await readStream(response, MAX_LISTING_BYTES, signal, (message) => deliver(message, undefined));
      } catch (error) {
        throw networkFault(tool, error, signal);
      }
      return "ended";
    },

    async close() {
      if (session !== undefined) {
        const headers: Headers = protocol === undefined ? {} : { [HEADER.protocolVersion]: protocol };
        const farewell = open("DELETE", headers, null, AbortSignal.timeout(FAREWELL_MS));
        await farewell.then(discard, () => undefined);
        session = undefined;
      }
      await pool.destroy();
    },
  };
}

/** Refusals of the transport itself: another revision is spoken now, or (SDKs of the legacy era) the session is not known. Nothing ran. */
const FORGOTTEN: ReadonlySet<number> = new Set([RPC.unsupportedVersion, -32_000]);
/** While a dialect is being found, such a refusal is an answer. */
const OPENING: ReadonlySet<string> = new Set(["server/discover", "initialize"]);
const ACCEPT = `${JSON_TYPE}, ${EVENT_STREAM_TYPE}`;
/** Ending a session is a courtesy; a server that does not answer it must not delay our own end. */
const FAREWELL_MS = 500;

function contentType(response: HttpResponse): string {
  const value = response.headers["content-type"];
  return typeof value === "string" ? (value.split(";", 1)[0] ?? "").trim().toLowerCase() : "";
}

function streamCut(tool: string): Fault {
  return new Fault("tool_lost", `the tool \`${tool}\` ended its stream before its answer; whether it acted is not known`);
}
