import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { CatalogAction, CatalogTool, HttpRequest } from "@bailiwick/policy";
import { connectHttpTool, type HttpToolOptions } from "../../src/adapters/http-tool/connect.ts";
import type { CallIo, Equipment, ToolConnection } from "../../src/domain/tool.ts";

export const KEY = { tool: "crm", tenant: "acme", environment: "prod", workflow: "helpdesk" };
const AT = { file: "tools/crm.yaml", line: 1 };

/** For the host `localhost`. */
export const CERT = readFileSync(new URL("../smtp-tool/localhost.cert.pem", import.meta.url), "utf8");
const PRIVATE_KEY = readFileSync(new URL("../smtp-tool/localhost.key.pem", import.meta.url), "utf8");

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly raw: readonly string[];
  readonly body: string;
}

/** A server that keeps every request it got. */
export interface Api {
  readonly port: number;
  readonly seen: readonly Seen[];
  answer: RequestListener;
  close(): Promise<void>;
}

export const json =
  (value: unknown, status = 200): RequestListener =>
  (_, res) =>
    res.writeHead(status, { "content-type": "application/json; charset=utf-8" }).end(JSON.stringify(value));

export async function serveApi(options: { readonly tls?: boolean } = {}): Promise<Api> {
  const seen: Seen[] = [];
  let answer: RequestListener = json({ ok: true });
  const listener: RequestListener = (req, res) => {
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("end", () => {
      const { method = "", url = "", headers, rawHeaders: raw } = req;
      seen.push({ method, url, headers, raw, body: Buffer.concat(chunks).toString() });
      answer(req, res);
    });
  };
  const server: Server = options.tls === true ? createTlsServer({ cert: CERT, key: PRIVATE_KEY }, listener) : createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the test server has no port");
  return {
    port: address.port,
    seen,
    get answer() {
      return answer;
    },
    set answer(next) {
      answer = next;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

export function action(name: string, request: Partial<HttpRequest>, more: Partial<CatalogAction> = {}): CatalogAction {
  return {
    operation: { tool: "crm", kind: "tool", name },
    scope: `crm:${name}`,
    effect: "read",
    args: {},
    force: {},
    push: {},
    tokens: [],
    labels: {},
    destination: [],
    timeoutMs: 5_000,
    request: { method: "GET", path: `/${name}`, params: {}, query: {}, headers: {}, ...request },
    at: AT,
    ...more,
  };
}

export function crm(actions: readonly CatalogAction[], more: Partial<CatalogTool> = {}): CatalogTool {
  return { tool: "crm", connect: { http: { url: "unused" } }, types: {}, tenantField: {}, tables: [], actions, at: AT, ...more };
}

export const open: ToolConnection[] = [];

export function connectTo(
  connect: { readonly url: string; readonly private?: boolean },
  actions: readonly CatalogAction[],
  options: HttpToolOptions = {},
  more: Partial<CatalogTool> = {},
): ToolConnection {
  const connection = connectHttpTool(KEY, crm(actions, more), connect, options);
  open.push(connection);
  return connection;
}

export const PLAIN: Equipment = { headers: {}, environment: {} };

export function io(signal: AbortSignal = new AbortController().signal): CallIo {
  return { signal, capabilities: {}, progress: () => {}, log: () => {}, ask: () => Promise.reject(new Error("no agent here")) };
}

export function call(
  connection: ToolConnection,
  name: string,
  args: Parameters<ToolConnection["invoke"]>[1] = {},
  more: Partial<Parameters<ToolConnection["invoke"]>[2]> = {},
): ReturnType<ToolConnection["invoke"]> {
  return connection.invoke({ tool: "crm", kind: "tool", name }, args, {
    timeoutMs: 5_000,
    maxBytes: 100_000,
    equipment: PLAIN,
    io: io(),
    ...more,
  });
}
