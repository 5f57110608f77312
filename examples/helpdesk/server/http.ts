import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createMcpHandler, type McpHttpHandler } from "@modelcontextprotocol/server";
import type { Pool } from "pg";
import { isToolset, toolsetServer } from "./toolsets.ts";

/** Bytes of one request: articles are the longest things written here. */
const MAX_BODY_BYTES = 1024 * 1024;

export interface HelpdeskServer {
  /** `http://127.0.0.1:<port>`; MCP is at `/<environment>/<toolset>/mcp`. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * The helpdesk over Streamable HTTP. `keys` are the API keys of each environment, sent as `authorization: Bearer <key>`.
 * Whoever has a key may do everything for every tenant, as with most real servers: narrowing is the broker's work.
 */
export async function startHelpdeskServer(options: {
  readonly pools: Readonly<Record<string, Pool>>;
  readonly keys: Readonly<Record<string, readonly string[]>>;
}): Promise<HelpdeskServer> {
  const handlers = new Map<string, McpHttpHandler>();
  const server = createServer((request, response) => {
    serve(request, response).catch(() => {
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the helpdesk server has no port");
  return { url: `http://127.0.0.1:${address.port}`, close };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [environment = "", toolset, end, more] = (request.url ?? "").slice(1).split("/");
    const pool = Object.hasOwn(options.pools, environment) ? options.pools[environment] : undefined;
    if (pool === undefined || !isToolset(toolset) || end !== "mcp" || more !== undefined)
      return refuse(response, 404, "there is nothing here");
    if (!holdsKey(request.headers.authorization, options.keys[environment] ?? []))
      return refuse(response, 401, "the API key is missing or wrong");
    const body = await readBody(request);
    if (body === undefined) return refuse(response, 413, "the request is too large");
    const name = `${environment}/${toolset}`;
    const handler = handlers.get(name) ?? createMcpHandler(() => toolsetServer(toolset, pool));
    handlers.set(name, handler);
    await write(response, await handler.fetch(toRequest(request, body, name)));
  }

  async function close(): Promise<void> {
    for (const handler of handlers.values()) await handler.close();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }
}

function holdsKey(header: string | undefined, keys: readonly string[]): boolean {
  const given = digest(header ?? "");
  return keys.some((key) => timingSafeEqual(given, digest(`Bearer ${key}`)));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const part = Buffer.from(chunk);
    bytes += part.length;
    if (bytes > MAX_BODY_BYTES) return undefined;
    chunks.push(part);
  }
  return Buffer.concat(chunks);
}

function toRequest(request: IncomingMessage, body: Buffer, name: string): Request {
  const headers = new Headers();
  for (const [key, value] of Object.entries(request.headersDistinct)) for (const one of value ?? []) headers.append(key, one);
  const method = request.method ?? "GET";
  const hasBody = method !== "GET" && method !== "HEAD" && body.length > 0;
  return new Request(`http://127.0.0.1/${name}/mcp`, { method, headers, ...(hasBody ? { body: new Uint8Array(body) } : {}) });
}

async function write(response: ServerResponse, answer: Response): Promise<void> {
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  if (answer.body !== null) for await (const chunk of answer.body) response.write(chunk);
  response.end();
}

function refuse(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ error: why }));
}
