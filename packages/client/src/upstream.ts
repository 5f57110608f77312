import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher } from "undici";
import { request } from "undici";
import { parseJson } from "./json.ts";
import { isFinal } from "./refusal.ts";
import type { Headers, OutgoingRequest } from "./sender.ts";
import type { BrokerSession } from "./session.ts";

export interface PassedOn extends OutgoingRequest {
  readonly method: "GET" | "POST" | "DELETE";
  /** Beside those that authorize the request. */
  readonly headers: Headers;
  readonly dispatcher: Dispatcher;
  readonly signal?: AbortSignal | undefined;
}

/** The broker's answer as it comes. */
export interface UpstreamAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: AsyncIterable<Uint8Array>;
}

/** A 401 of the broker is a short JSON-RPC error. */
const MAX_REFUSAL_BYTES = 64 * 1024;

/**
 * Sends a request with a fresh authorization, and once more with a fresh token after a 401, which means that nothing ran.
 * @throws ClientError when no token could be had; undici's errors; the signal's reason.
 */
export async function sendAuthorized(session: BrokerSession, outgoing: PassedOn): Promise<UpstreamAnswer> {
  const first = await session.authorize(outgoing);
  const answer = await sendOnce(first.headers, outgoing);
  if (answer.status !== 401) return answer;
  const said = await readAll(answer.body, MAX_REFUSAL_BYTES);
  if (isFinal(parseJson(said.toString("utf8")))) return { ...answer, body: only(said) };
  await session.renew(first.token);
  return sendOnce((await session.authorize(outgoing)).headers, outgoing);
}

async function sendOnce(authorization: Headers, outgoing: PassedOn): Promise<UpstreamAnswer> {
  const { url, method, headers, body, dispatcher, signal } = outgoing;
  const answer = await request(url, {
    method,
    headers: { ...headers, ...authorization },
    dispatcher,
    ...(body === undefined ? {} : { body }),
    ...(signal === undefined ? {} : { signal }),
  });
  return { status: answer.statusCode, headers: answer.headers, body: answer.body };
}

async function* only(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

/** @throws Error when there is more than `maxBytes`. */
export async function readAll(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let held = 0;
  for await (const chunk of body) {
    held += chunk.length;
    if (held > maxBytes) throw new Error(`the answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
