import { Buffer } from "node:buffer";
import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { JsonObject } from "@bailiwick/policy";
import { EVENT_STREAM_TYPE, JSON_TYPE, SSE_KEEP_ALIVE, encodeSse } from "../mcp-protocol/index.ts";

/** The answer to one POST: one JSON body, unless something must be said before the result; then an event stream. */
export interface Reply {
  /** True when the peer accepts an event stream. */
  readonly canStream: boolean;
  /** True once headers were sent; the HTTP status can no longer be chosen. */
  readonly started: boolean;
  readonly ended: boolean;
  /** Sends the headers of an event stream now, so that the peer sees life. Without `canStream` it does nothing. */
  start(): void;
  /** A message before the result. Dropped when the peer cannot hear it. */
  send(message: JsonObject): void;
  /** The result. Status and headers count only when nothing was sent yet. */
  end(message: JsonObject, status?: number, headers?: OutgoingHttpHeaders): void;
  /** Called once when the peer goes before the end, also when it has gone already. */
  onGone(listener: () => void): void;
}

/** A peer that reads slower than its tool talks loses messages on the way, never the result. */
export const MAX_UNREAD_BYTES = 1024 * 1024;

export const STREAM_HEADERS: OutgoingHttpHeaders = {
  "content-type": EVENT_STREAM_TYPE,
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

export function createReply(res: ServerResponse, canStream: boolean, keepAliveMs: number): Reply {
  let started = false;
  let ended = false;
  let keepAlive: NodeJS.Timeout | undefined;

  function start(): void {
    if (started || ended || !canStream) return;
    started = true;
    res.writeHead(200, STREAM_HEADERS);
    res.flushHeaders();
    keepAlive = setInterval(() => res.write(SSE_KEEP_ALIVE), keepAliveMs);
  }

  res.on("close", () => clearInterval(keepAlive));
  return {
    canStream,
    get started() {
      return started;
    },
    get ended() {
      return ended;
    },
    start,
    send(message) {
      if (ended || !canStream || res.destroyed || res.writableLength > MAX_UNREAD_BYTES) return;
      start();
      res.write(encodeSse(JSON.stringify(message)));
    },
    end(message, status = 200, headers = {}) {
      if (ended) return;
      ended = true;
      clearInterval(keepAlive);
      if (res.destroyed) return;
      if (started) res.end(encodeSse(JSON.stringify(message)));
      else sendJson(res, status, message, headers);
    },
    onGone(listener) {
      const gone = (): void => {
        if (ended) return;
        ended = true;
        listener();
      };
      if (res.destroyed) gone();
      else res.on("close", gone);
    },
  };
}

export function sendJson(res: ServerResponse, status: number, body: JsonObject, headers: OutgoingHttpHeaders = {}): void {
  const text = JSON.stringify(body);
  res.writeHead(status, { ...headers, "content-type": JSON_TYPE, "content-length": Buffer.byteLength(text) });
  res.end(text);
}

export function sendEmpty(res: ServerResponse, status: number, headers: OutgoingHttpHeaders = {}): void {
  res.writeHead(status, { ...headers, "content-length": 0 });
  res.end();
}

/** Undefined `Accept` accepts everything (RFC 9110 section 12.5.1). */
export function accepts(accept: string | undefined, type: string): boolean {
  if (accept === undefined) return true;
  const lower = accept.toLowerCase();
  return lower.includes(type) || lower.includes("*/*") || lower.includes(`${type.slice(0, type.indexOf("/"))}/*`);
}
