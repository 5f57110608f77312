import { readFileSync } from "node:fs";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createGuardedFetch, type GuardedFetch, type GuardedFetchOptions } from "../../../src/adapters/outbound/guarded-fetch.ts";
import { REDIRECT } from "./person-client.ts";

const folder = new URL("../../smtp-tool/", import.meta.url);
const cert = readFileSync(new URL("localhost.cert.pem", folder), "utf8");
const key = readFileSync(new URL("localhost.key.pem", folder), "utf8");

/** An https server on this machine with a client's metadata document. */
export interface DocumentHost {
  readonly port: number;
  /** The client id: the document's address. */
  readonly id: string;
  /** Requests it has seen. */
  seen(): number;
  /** Answers something else from now on. */
  serve(listener: RequestListener): void;
  /** A fetch that believes its certificate. */
  fetch(options?: GuardedFetchOptions): GuardedFetch;
  close(): void;
}

export function clientDocument(id: string, more: Record<string, unknown> = {}): string {
  return JSON.stringify({
    client_id: id,
    client_name: "Desk from its document",
    redirect_uris: [REDIRECT],
    token_endpoint_auth_method: "none",
    ...more,
  });
}

export async function documentHost(): Promise<DocumentHost> {
  let requests = 0;
  let listener: RequestListener = (_, res) => res.writeHead(200, { "content-type": "application/json" }).end(clientDocument(id()));
  const server = createTlsServer({ cert, key }, (req, res) => {
    requests += 1;
    listener(req, res);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the test server has no port");
  const { port } = address;
  const id = (): string => `https://localhost:${port}/client.json`;
  return {
    port,
    id: id(),
    seen: () => requests,
    serve: (next) => {
      listener = next;
    },
    fetch: (options = {}) => createGuardedFetch({ allowLoopback: true, ca: cert, ...options }),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A plain server that must not be reached. */
export async function forbiddenServer(): Promise<{ readonly port: number; seen(): number; close(): void }> {
  let requests = 0;
  const server = createServer((_, res) => {
    requests += 1;
    res.end();
  });
  server.on("connection", () => (requests += 1));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the test server has no port");
  return { port: address.port, seen: () => requests, close: () => server.close() };
}
