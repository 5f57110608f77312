import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import type { Dispatcher } from "undici";
import { ClientError } from "./client-error.ts";
import { createLocalGuard } from "./local-guard.ts";
import type { BrokerSession } from "./session.ts";
import { readAll, sendAuthorized } from "./upstream.ts";

/** Nothing else is bound: whoever reaches the endpoint and knows its secret acts as the agent. */
export type LoopbackAddress = "127.0.0.1" | "::1";

export interface LocalGatewayOptions {
  readonly upstream: BrokerSession;
  readonly dispatcher: Dispatcher;
  readonly host: LoopbackAddress;
  /** 0 takes a free one. */
  readonly port: number;
}

/** A local MCP endpoint (Streamable HTTP) that adds the sender proof. */
export interface LocalGateway {
  /** With the secret in its path: whoever has this URL acts as the agent. */
  readonly url: string;
  /** The same endpoint for clients that send the secret as a bearer token. */
  readonly bare: { readonly url: string; readonly bearer: string };
  /** Cuts what is under way. */
  close(): Promise<void>;
}

/** One message: what the broker takes, and a little more so that the refusal of too large a one comes from there. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
const SECRET_BYTES = 32;

/** What a client may say to the broker: nothing that authorizes, nothing about this connection. */
const PASSED_REQUEST = /^(?:content-type|accept|accept-language|last-event-id|traceparent|tracestate|mcp-.*)$/u;
const PASSED_ANSWER = /^(?:content-type|cache-control|retry-after|allow|mcp-.*)$/u;

/**
 * Starts the endpoint on a loopback address, under a secret that is new each time and written nowhere. All its clients share one session at
 * the broker; tokens and keys stay in memory. @throws ClientError `wish_impossible` when the port is taken.
 */
export async function startLocalGateway(options: LocalGatewayOptions): Promise<LocalGateway> {
  const { host } = options;
  const secret = randomBytes(SECRET_BYTES).toString("base64url");
  const server = createServer();
  server.listen(options.port, host);
  await once(server, "listening").catch((cause: unknown) => {
    throw new ClientError("wish_impossible", `cannot listen on ${host} port ${options.port}`, "give another port; 0 takes a free one", {
      cause,
    });
  });
  // Listening on a TCP port, so the address is one of host and port.
  const { port } = server.address() as AddressInfo;
  const guard = createLocalGuard(port, secret);
  server.on("request", (req: IncomingMessage, res: ServerResponse) => {
    const unwelcome = guard(req.method ?? "", req.url ?? "", req.headers);
    if (unwelcome !== undefined) return say(req, res, unwelcome.status, unwelcome.message);
    passOn(options, req, res).catch((error: unknown) => fail(req, res, error));
  });
  const base = `http://${host === "::1" ? "[::1]" : host}:${port}`;
  return {
    url: `${base}/${secret}/mcp`,
    bare: { url: `${base}/mcp`, bearer: secret },
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function passOn({ upstream, dispatcher }: LocalGatewayOptions, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const controller = new AbortController();
  res.once("close", () => controller.abort());
  const body = req.method === "POST" ? await readAll(req, MAX_BODY_BYTES).catch(tooLarge) : undefined;
  const answer = await sendAuthorized(upstream, {
    // The guard let only these pass.
    method: req.method === "GET" || req.method === "DELETE" ? req.method : "POST",
    url: `${upstream.url}/mcp`,
    headers: picked(req.headers, PASSED_REQUEST),
    body,
    dispatcher,
    signal: controller.signal,
  });
  // A 401 would make the client look for an authorization server here; what is wrong lies between this endpoint and the broker.
  res.writeHead(answer.status === 401 ? 502 : answer.status, picked(answer.headers, PASSED_ANSWER));
  res.flushHeaders();
  await pipeline(answer.body, res);
}

function picked(headers: IncomingHttpHeaders, which: RegExp): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) if (which.test(name) && typeof value === "string") kept[name] = value;
  return kept;
}

class BodyTooLarge extends Error {}

function tooLarge(cause: unknown): never {
  throw new BodyTooLarge(`the message is larger than ${MAX_BODY_BYTES} bytes or broke off; send less`, { cause });
}

function fail(req: IncomingMessage, res: ServerResponse, error: unknown): void {
  if (res.headersSent || res.destroyed) return void res.destroy();
  if (error instanceof BodyTooLarge) return say(req, res, 413, error.message);
  // A typed error means that nothing was sent.
  if (error instanceof ClientError) return say(req, res, 502, error.message);
  say(req, res, 502, "the broker cannot be reached or broke off; the call may have taken effect");
}

/** A JSON-RPC error, since that is what MCP clients show. */
function say(req: IncomingMessage, res: ServerResponse, status: number, message: string): void {
  res.writeHead(status, { "content-type": "application/json", ...(req.complete ? {} : { connection: "close" }) });
  res.end(JSON.stringify({ jsonrpc: "2.0", id: null, error: { code: -32603, message } }));
}
