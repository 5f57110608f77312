import { randomBytes } from "node:crypto";
import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { JsonObject } from "@bailiwick/policy";
import { SSE_KEEP_ALIVE, encodeSse } from "../mcp-protocol/index.ts";
import type { Reply } from "./reply.ts";
import { STREAM_HEADERS, sendJson } from "./reply.ts";

/**
 * The answer to one POST of the older revisions. Once it streams, its events are numbered and kept, so that a client
 * whose connection broke can fetch the rest with `Last-Event-ID` (2025-11-25, basic/transports, resumability).
 */
export interface LegacyStream extends Reply {
  readonly id: string;
  /** Continues on another HTTP answer after the given event. Returns false when events in between are gone. */
  attach(res: ServerResponse, lastEvent: number): boolean;
}

export interface LegacyStreamOptions {
  readonly canStream: boolean;
  readonly keepAliveMs: number;
  /** An empty first event gives the client an id to resume from; revisions before 2025-11-25 cannot read it. */
  readonly prime: boolean;
  readonly onStart: (stream: LegacyStream) => void;
  readonly onEnd: (stream: LegacyStream) => void;
}

/** Events kept for one stream; older ones are lost to a client that comes back late. */
const MAX_KEPT_EVENTS = 128;
/** And this many characters of them. */
const MAX_KEPT_CHARS = 256 * 1024;
/** Told to clients as the delay before they reconnect. */
const RETRY_MS = 1_000;

export function createLegacyStream(first: ServerResponse, options: LegacyStreamOptions): LegacyStream {
  const id = randomBytes(6).toString("hex");
  const events: { readonly number: number; readonly text: string }[] = [];
  const gone: (() => void)[] = [];
  let res: ServerResponse | undefined = first;
  let number = 0;
  let kept = 0;
  let started = false;
  let ended = false;
  const keepAlive = setInterval(() => {
    if (started) res?.write(SSE_KEEP_ALIVE);
  }, options.keepAliveMs);

  function follow(next: ServerResponse): void {
    res = next;
    next.on("close", () => {
      if (res !== next) return;
      res = undefined;
      if (!ended && !started) for (const listener of gone) listener();
    });
  }
  function push(text: string): void {
    events.push({ number, text });
    kept += text.length;
    res?.write(text);
    // What nobody has received yet is kept whatever its size: it may be the result.
    const atLeast = res === undefined ? 1 : 0;
    while (events.length > atLeast && (kept > MAX_KEPT_CHARS || events.length > MAX_KEPT_EVENTS)) kept -= events.shift()?.text.length ?? 0;
  }
  function start(): void {
    if (started || ended || !options.canStream || res === undefined) return;
    started = true;
    res.writeHead(200, STREAM_HEADERS);
    res.flushHeaders();
    if (options.prime) push(`id: ${id}-${number}\nretry: ${RETRY_MS}\ndata: \n\n`);
    options.onStart(stream);
  }
  function event(message: JsonObject): void {
    number += 1;
    push(encodeSse(JSON.stringify(message), `${id}-${number}`));
  }

  const stream: LegacyStream = {
    id,
    canStream: options.canStream,
    get started() {
      return started;
    },
    get ended() {
      return ended;
    },
    start,
    send(message) {
      if (ended || !options.canStream) return;
      start();
      if (started) event(message);
    },
    end(message, status = 200, headers: OutgoingHttpHeaders = {}) {
      if (ended) return;
      ended = true;
      clearInterval(keepAlive);
      if (started) {
        event(message);
        res?.end();
      } else if (res !== undefined && !res.destroyed) sendJson(res, status, message, headers);
      options.onEnd(stream);
    },
    onGone(listener) {
      gone.push(listener);
    },
    attach(next, lastEvent) {
      // Without this the next event's number would count as received.
      const oldest = events[0]?.number ?? number + 1;
      if (lastEvent > number || lastEvent + 1 < oldest) return false;
      next.writeHead(200, STREAM_HEADERS);
      next.flushHeaders();
      const missed = events.filter((each) => each.number > lastEvent);
      for (const { text } of missed) next.write(text);
      if (ended) next.end();
      else follow(next);
      return true;
    },
  };
  follow(first);
  return stream;
}
