import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { cosignCheckpoint, formatSignedNote, type NoteKey, type NoteSigner, parseSignedNote } from "@bailiwick/ledger";
import { WitnessFault } from "./fault.ts";
import { judge, readRequest, type ReadRequest } from "./judge.ts";
import type { WitnessState } from "./state.ts";
import { type Turns, turns } from "./turns.ts";
import { MAX_REQUEST_BYTES, originHash, SIZE_TYPE } from "./wire.ts";

/** From a request's first byte to its last. */
const REQUEST_TIMEOUT_MS = 10_000;
/** Requests for one log that wait for those before them; more are told to come back. */
const MAX_WAITING = 64;
const MAX_CONNECTIONS = 1_000;

export interface WitnessParts {
  readonly signer: NoteSigner;
  /** Keys of the logs; each is named by its log's origin, and a log may have several. */
  readonly logs: readonly NoteKey[];
  readonly state: WitnessState;
  now(): Date;
  /** A sentence for whoever runs the witness: a request that may be proof of a log's misbehaviour, or a fault. */
  say(line: string): void;
}

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Serves C2SP tlog-witness: `POST /add-checkpoint`, `GET /<origin hash>/checkpoint`, and `GET /` which says that it lives. */
export async function serveWitness(
  parts: WitnessParts,
  at: { readonly host: string; readonly port: number; readonly tls?: { readonly cert: Buffer; readonly key: Buffer } | undefined },
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const queue = turns(MAX_WAITING);
  const listener: RequestListener = (request, response) => {
    answer(parts, queue, request)
      .catch((error: unknown) => faulted(parts, error))
      .then((given) => send(response, given))
      .catch(() => response.destroy());
  };
  const times = { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS };
  const server = at.tls === undefined ? createServer(times, listener) : createTlsServer({ ...times, ...at.tls }, listener);
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) =>
      reject(new WitnessFault(`cannot listen on ${at.host}:${at.port}; give another \`--port\` or \`--host\``, { cause: error })),
    );
    server.listen(at.port, at.host, resolve);
  });
  // Listening on a TCP port, so the address is one of host and port.
  const { port } = server.address() as AddressInfo;
  return {
    url: `${at.tls === undefined ? "http" : "https"}://${at.host.includes(":") ? `[${at.host}]` : at.host}:${port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}

async function answer(parts: WitnessParts, queue: Turns, request: IncomingMessage): Promise<Answer> {
  const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
  if (path === "/add-checkpoint") {
    if (request.method !== "POST") return words(405, "a checkpoint is sent with POST");
    const body = await readBody(request);
    if (body === "too long") return words(413, `a request has at most ${MAX_REQUEST_BYTES} bytes`);
    return body === "not text" ? words(400, "a request is UTF-8") : addCheckpoint(parts, queue, body.text);
  }
  if (request.method !== "GET" && request.method !== "HEAD") return words(405, "this is read with GET");
  if (path === "/") return words(200, `witness ${parts.signer.key.name} of ${origins(parts).length} logs`);
  const origin = origins(parts).find((one) => path === `/${originHash(one)}/checkpoint`);
  const held = origin === undefined ? undefined : await parts.state.held(origin);
  return held === undefined
    ? words(404, "nothing is here; a log's checkpoint lies at /<SHA-256 of its origin>/checkpoint once one was cosigned")
    : { status: 200, type: PLAIN, body: held.note };
}

/** One request for a log after the other: between reading what was cosigned last and keeping the next nobody else may come. */
async function addCheckpoint(parts: WitnessParts, queue: Turns, body: string): Promise<Answer> {
  const read = readRequest(body, parts.logs);
  if (!read.ok) return words(read.status, read.why);
  const turn = queue.take(read.request.checkpoint.origin, () => cosign(parts, read.request));
  return turn ?? words(503, "too many requests for this log wait; come back in a second");
}

async function cosign(parts: WitnessParts, request: ReadRequest): Promise<Answer> {
  const { origin, size } = request.checkpoint;
  const verdict = judge(request, await parts.state.held(origin));
  if (!verdict.ok) {
    if (verdict.status === 409) return { status: 409, type: SIZE_TYPE, body: `${verdict.why}\n` };
    parts.say(
      `\`${origin}\` signed a checkpoint that was not cosigned: ${verdict.why}; keep it as evidence:\n${formatSignedNote(request.signed)}`,
    );
    return words(verdict.status, verdict.why);
  }
  const { key } = parts.signer;
  const seconds = Math.floor(parts.now().getTime() / 1000);
  const note = await cosignCheckpoint(formatSignedNote(request.signed), parts.signer, seconds);
  // INVARIANT: nobody sees the cosignature before the checkpoint is on the disk; a witness that forgets could sign a second history.
  await parts.state.keep(origin, { size, text: request.text, note });
  const own = parseSignedNote(note).signatures.filter(({ name, id }) => name === key.name && id === key.id);
  const lines = formatSignedNote({ text: request.text, signatures: own }).slice(request.text.length + 1);
  return { status: 200, type: PLAIN, body: lines };
}

async function readBody(request: IncomingMessage): Promise<{ readonly text: string } | "too long" | "not text"> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    if (!(chunk instanceof Buffer)) return "not text";
    bytes += chunk.byteLength;
    // The rest is read and dropped: an answer before the end of the request would be lost with the connection.
    if (bytes <= MAX_REQUEST_BYTES) chunks.push(chunk);
  }
  if (bytes > MAX_REQUEST_BYTES) return "too long";
  try {
    return { text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks)) };
  } catch {
    return "not text";
  }
}

function faulted(parts: WitnessParts, error: unknown): Answer {
  const known = error instanceof WitnessFault;
  parts.say(known ? error.message : `a request failed: ${error instanceof Error ? error.message : "for no known reason"}`);
  return words(503, "the witness cannot keep what it would sign, so it signs nothing; its operator is told why");
}

function origins({ logs }: WitnessParts): readonly string[] {
  return [...new Set(logs.map(({ name }) => name))];
}

function words(status: number, text: string): Answer {
  return { status, type: PLAIN, body: `${text}\n` };
}

function send(response: ServerResponse, { status, type, body }: Answer): void {
  response.writeHead(status, {
    "content-type": type,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...(status === 413 ? { connection: "close" } : {}),
    ...(status === 503 ? { "retry-after": "1" } : {}),
  });
  response.end(body);
}

const PLAIN = "text/plain; charset=utf-8";
