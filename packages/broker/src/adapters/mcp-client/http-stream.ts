import { StringDecoder } from "node:string_decoder";
import { createSseDecoder, parseJson, parseMessage, type RpcFailure, type RpcMessage, type RpcResult } from "../mcp-protocol/index.ts";
import type { HttpResponse } from "./http-body.ts";
import { STREAM_DRAIN_MS, STREAM_RETRY_DEFAULT_MS } from "./limits.ts";
import { Fault } from "../../domain/fault.ts";

export interface StreamEnd {
  /** Absent when the stream ended without it. */
  readonly answer: RpcResult | RpcFailure | undefined;
  readonly lastEventId: string | undefined;
  readonly retryMs: number;
}

/**
 * Reads an event stream until `deliver` returns the answer or the stream ends.
 * After the answer the rest is drained, so that the socket can be used again.
 * @throws Fault `result_too_large`, or the error of the socket.
 */
export function readStream(
  response: HttpResponse,
  maxChars: number,
  signal: AbortSignal,
  deliver: (message: RpcMessage) => RpcResult | RpcFailure | undefined,
): Promise<StreamEnd> {
  const { promise, resolve, reject } = Promise.withResolvers<StreamEnd>();
  const { body } = response;
  const text = new StringDecoder("utf8");
  let lastEventId: string | undefined;
  let retryMs = STREAM_RETRY_DEFAULT_MS;
  let drain: NodeJS.Timeout | undefined;

  const decoder = createSseDecoder(maxChars, (event) => {
    if (event.id !== undefined) lastEventId = event.id;
    if (event.retryMs !== undefined) retryMs = event.retryMs;
    const message = event.data === "" ? undefined : parseMessage(parseJson(event.data));
    const answer = message === undefined || drain !== undefined ? undefined : deliver(message);
    if (answer === undefined) return;
    drain = setTimeout(() => body.destroy(), STREAM_DRAIN_MS);
    drain.unref();
    resolve({ answer, lastEventId, retryMs });
  });

  body.on("data", (chunk: Buffer) => {
    try {
      decoder.push(text.write(chunk));
    } catch (error) {
      reject(error instanceof RangeError ? new Fault("result_too_large", `${error.message}; ask the tool for less`) : error);
      body.destroy();
    }
  });
  body.on("end", () => {
    clearTimeout(drain);
    resolve({ answer: undefined, lastEventId, retryMs });
  });
  body.on("error", (error: Error) => {
    clearTimeout(drain);
    // A stream that broke can be resumed like one that ended, when it named its events.
    if (lastEventId === undefined || signal.aborted) reject(error);
    else resolve({ answer: undefined, lastEventId, retryMs });
  });
  return promise;
}
