import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

/** A client that sends its request slower than this is cut off. */
const REQUEST_TIMEOUT_MS = 60_000;
/** Idle connections are kept longer than the agents' own pools keep them, so that the client is the one who closes. */
const KEEP_ALIVE_MS = 75_000;
/** How long a stop waits for calls under way before their connections are cut. */
export const DRAIN_MS = 10_000;

/** Certificate chain and key in PEM, for a broker that agents reach without a proxy in between: only then can they prove a certificate of their own. */
export interface FrontTls {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** The broker's one port. */
export interface Front {
  /** `http://<host>:<port>` as bound, `https` with a certificate. */
  readonly url: string;
  /** Opens the doors; until then every request is answered 503. */
  open(handlers: {
    readonly mcp: (req: IncomingMessage, res: ServerResponse) => void;
    readonly oauth: { owns(path: string): boolean; handle(req: IncomingMessage, res: ServerResponse): void };
    readonly web: RequestListener;
  }): void;
  /** Answers 503 to new requests, waits for those under way at most DRAIN_MS, then closes. */
  close(): Promise<void>;
}

/**
 * Binds before anything else is started, so that a taken port is said at once and the public URL is known to all parts.
 * With TLS a client certificate is asked for and none is refused: it is worth what the token bound to it says (RFC 8705 section 3),
 * so a self-signed one does.
 * @throws Error `EADDRINUSE` with what to do; Error when certificate and key do not fit.
 */
export async function bindFront(host: string, port: number, tls?: FrontTls): Promise<Front> {
  let serve: RequestListener = unavailable;
  const times = { requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_MS };
  const listener: RequestListener = (req, res) => serve(req, res);
  const server =
    tls === undefined
      ? createServer(times, listener)
      : createTlsServer({ ...times, ...tls, minVersion: "TLSv1.2", requestCert: true, rejectUnauthorized: false }, listener);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(error.code === "EADDRINUSE" ? taken(host, port) : error));
    server.listen(port, host, resolve);
  });
  // Listening on a TCP port, so the address is one of host and port.
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? "http" : "https"}://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    open({ mcp, oauth, web }) {
      serve = (req, res) => {
        const path = pathOf(req);
        if (path === "/mcp") return mcp(req, res);
        return oauth.owns(path) ? oauth.handle(req, res) : web(req, res);
      };
    },
    async close() {
      serve = unavailable;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const cut = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
      await closed;
      clearTimeout(cut);
    },
  };
}

function pathOf(req: IncomingMessage): string {
  const url = req.url ?? "/";
  const query = url.indexOf("?");
  return query < 0 ? url : url.slice(0, query);
}

function unavailable(_req: IncomingMessage, res: ServerResponse): void {
  res.writeHead(503, { "content-type": "application/problem+json", "retry-after": "1", connection: "close" });
  res.end(
    JSON.stringify({
      type: "about:blank",
      title: "starting or stopping",
      status: 503,
      detail: "the broker is not serving now; try again shortly",
    }),
  );
}

function taken(host: string, port: number): Error {
  return new Error(`${host}:${port} is taken by another program; stop it, or give another port with \`--port\``);
}
