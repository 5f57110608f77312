import { once } from "node:events";
import { createServer as createHttp, type IncomingHttpHeaders } from "node:http";
import { createServer as createHttps } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { text } from "node:stream/consumers";
import { createServer as createTls } from "node:tls";
import { parseFrames } from "./parsers.ts";

export interface SyslogReceiver {
  readonly url: string;
  /** Messages, in the order of their arrival. */
  readonly messages: string[];
  readonly connections: number;
  readonly resumed: number;
  /** What becomes of the next connection; `undefined`: it is read to its end. */
  next: "cut at once" | "cut at the first bytes" | "silent" | undefined;
  close(): Promise<void>;
}

/** A receiver of RFC 5425: TLS, octet counting, and an end for an end. */
export async function syslogReceiver(tls: { readonly cert: string; readonly key: string }): Promise<SyslogReceiver> {
  const sockets = new Set<Socket>();
  const state = { messages: [] as string[], connections: 0, resumed: 0, next: undefined as SyslogReceiver["next"] };
  const server = createTls({ ...tls, allowHalfOpen: true }, (socket) => {
    const { next } = state;
    state.next = undefined;
    state.connections += 1;
    if (socket.isSessionReused()) state.resumed += 1;
    const chunks: Buffer[] = [];
    socket.on("error", () => undefined);
    if (next === "cut at once") return socket.destroy();
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      if (next === "cut at the first bytes") socket.destroy();
    });
    socket.on("end", () => {
      const { messages, rest } = parseFrames(Buffer.concat(chunks));
      if (rest > 0) throw new Error(`${rest} bytes of an unfinished frame`);
      state.messages.push(...messages);
      if (next !== "silent") socket.end();
    });
    return undefined;
  });
  server.on("tlsClientError", () => undefined);
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  // All addresses of this machine: 127.0.0.2 is one that the certificate does not name.
  server.listen(0, "0.0.0.0");
  await once(server, "listening");
  return Object.assign(state, {
    url: `syslog+tls://localhost:${(server.address() as AddressInfo).port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  });
}

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface WebhookReceiver {
  readonly url: string;
  /** Requests that were answered with 200. */
  readonly taken: Received[];
  readonly all: Received[];
  /** Status of the next answers, in order; 200 when there is none. */
  readonly statuses: number[];
  /** Called with each request, before it is answered. */
  onRequest: (() => void) | undefined;
  close(): Promise<void>;
}

export async function webhookReceiver(tls?: { readonly cert: string; readonly key: string }): Promise<WebhookReceiver> {
  const taken: Received[] = [];
  const all: Received[] = [];
  const statuses: number[] = [];
  const handle: Parameters<typeof createHttp>[1] = (request, response) => {
    void text(request).then((body) => {
      const status = statuses.shift() ?? 200;
      receiver.onRequest?.();
      const received = { headers: request.headers, body };
      all.push(received);
      if (status === 200) taken.push(received);
      response.writeHead(status, status >= 300 && status < 400 ? { location: "/elsewhere" } : {}).end("thanks");
    });
  };
  const server = tls === undefined ? createHttp(handle) : createHttps(tls, handle);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const receiver: WebhookReceiver = {
    url: `${tls === undefined ? "http" : "https"}://localhost:${(server.address() as AddressInfo).port}/events`,
    taken,
    all,
    statuses,
    onRequest: undefined,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return receiver;
}
