import { createServer, type IncomingMessage, type ServerOptions, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { Policy } from "@bailiwick/policy";
import { visibleName } from "../../call/names.ts";
import type { Presented } from "../../call/presented.ts";
import { Refusal, type RefusalCode } from "../../call/refusal.ts";
import type { AgentSurface } from "../../call/surface.ts";
import { chainOf } from "../../domain/ended.ts";
import { Fault } from "../../domain/fault.ts";
import type { Session } from "../../domain/session.ts";
import type { CallIo, LineUsage } from "../../domain/tool.ts";
import type { FrontTls } from "../http/front.ts";
import { absoluteTarget, authorityOf, type Destination } from "./destination.ts";
import { DialedLine } from "./dialed-line.ts";
import { forward, unclear } from "./forward.ts";
import {
  HEADERS_TIMEOUT_MS,
  IDLE_TIMEOUT_MS,
  MAX_CONNECTIONS,
  MAX_HEADER_BYTES,
  MAX_LINE_BYTES,
  MAX_LINES_PER_SESSION,
  RECHECK_MS,
} from "./limits.ts";
import { type LineBounds, pump } from "./pump.ts";
import { headersOf, refused, type Reply, reply, replyTo, wireText } from "./replies.ts";
import { proxyToken } from "./token.ts";

export interface EgressProxyOptions {
  readonly surface: Pick<AgentSurface, "session" | "handle">;
  readonly policy: () => Policy;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Serves HTTPS: then the token is not sent in plain. */
  readonly tls?: FrontTls | undefined;
  readonly bounds?: Partial<LineBounds & { readonly linesPerSession: number; readonly recheckMs: number }> | undefined;
  now(): Date;
  onFault(error: unknown): void;
}

export interface EgressProxy {
  /** `http://<host>:<port>` as bound, `https` with a certificate. */
  readonly url: string;
  /** Cuts every line and waits until each has its outcome. */
  close(): Promise<void>;
}

/**
 * A proxy (CONNECT, and `http:` requests in absolute form) for agents that bring their own HTTP client. Each line, and each plain request, is one
 * call of the catalog's egress action with `{ host, port }`: policy decides it, its intent is durable before a byte leaves, and its outcome
 * says how much went each way. Inside CONNECT only host, port and amounts are seen.
 * @throws Error `EADDRINUSE` with what to do.
 */
export async function startEgressProxy(options: EgressProxyOptions): Promise<EgressProxy> {
  const proxy = new Proxy(options);
  const settings: ServerOptions = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    // Node looks for late headers every 30 s unless told otherwise.
    connectionsCheckingInterval: HEADERS_TIMEOUT_MS / 2,
    insecureHTTPParser: false,
  };
  const server =
    options.tls === undefined
      ? createServer(settings)
      : createTlsServer({ ...settings, ...options.tls, minVersion: "TLSv1.2", handshakeTimeout: HEADERS_TIMEOUT_MS });
  server.maxConnections = MAX_CONNECTIONS;
  server.on("connect", (req: IncomingMessage, client: Duplex, head: Buffer) => proxy.tunnel(req, client, head));
  server.on("request", (req: IncomingMessage, res: ServerResponse) => proxy.plain(req, res));
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "EADDRINUSE"
          ? new Error(`${options.host}:${options.port} is taken by another program; give another with \`--egress-port\``)
          : error,
      ),
    );
    server.listen(options.port, options.host, resolve);
  });
  // Listening on a TCP port, so the address is one of host and port.
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  return {
    url: `${options.tls === undefined ? "http" : "https"}://${host}:${port}`,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await proxy.stop();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** How one request gets its line, and where it is told that it gets none. */
interface Asked {
  readonly req: IncomingMessage;
  readonly to: Destination;
  readonly gone: AbortSignal;
  readonly take: (line: DialedLine) => ReturnType<NonNullable<CallIo["line"]>>;
}

/** Refusals after which a session opens no line any more. */
const ENDED: ReadonlySet<RefusalCode> = new Set<RefusalCode>(["session_revoked", "agent_stopped", "token_expired", "unauthenticated"]);

class Proxy {
  readonly #options: EgressProxyOptions;
  readonly #bounds: LineBounds;
  readonly #maxLines: number;
  readonly #recheckMs: number;
  readonly #lines = new Map<string, number>();
  readonly #running = new Set<Promise<void>>();
  readonly #stopping = new AbortController();

  constructor(options: EgressProxyOptions) {
    const {
      idleMs = IDLE_TIMEOUT_MS,
      maxBytes = MAX_LINE_BYTES,
      linesPerSession = MAX_LINES_PER_SESSION,
      recheckMs = RECHECK_MS,
    } = options.bounds ?? {};
    this.#options = options;
    this.#bounds = { idleMs, maxBytes };
    this.#maxLines = linesPerSession;
    this.#recheckMs = recheckMs;
  }

  tunnel(req: IncomingMessage, client: Duplex, head: Buffer): void {
    const gone = goneWith(client);
    // An error with nobody to hear it would end the broker.
    client.on("error", () => undefined);
    const say = (answer: Reply): void => {
      client.resume();
      client.end(wireText(answer), () => client.destroy());
    };
    const to = authorityOf(req.url ?? "");
    if (to === undefined) return say(reply(400, "malformed_request", "CONNECT takes `host:port` and nothing else"));
    const take: Asked["take"] = (line) => {
      client.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      return pump(client, head, line, this.#bounds);
    };
    this.#run({ req, to, gone, take }, say);
  }

  plain(req: IncomingMessage, res: ServerResponse): void {
    const gone = goneWith(res);
    const say = (answer: Reply): void => {
      if (res.headersSent) return void res.destroy();
      req.resume();
      res.writeHead(answer.status, headersOf(answer)).end(JSON.stringify(answer.body));
    };
    const to = absoluteTarget(req.url ?? "");
    if (to === undefined)
      return say(reply(400, "malformed_request", "this is a proxy: it takes CONNECT, and `http:` requests with their whole address"));
    const doubt = unclear(req);
    if (doubt !== undefined) return say(reply(400, "malformed_request", `where this request ends is in doubt: ${doubt}`));
    this.#run({ req, to, gone, take: (line) => forward(req, res, to, line, this.#bounds) }, say);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running);
  }

  #run(asked: Asked, say: (answer: Reply) => void): void {
    const work = this.#call(asked).then(
      (answer) => {
        if (answer !== undefined) say(answer);
      },
      (error: unknown) => {
        this.#options.onFault(error);
        say(reply(503, "internal_fault", "the broker failed; its log says why"));
      },
    );
    this.#running.add(work);
    void work.finally(() => this.#running.delete(work));
  }

  /** Undefined when a line was opened: it has been answered then. */
  async #call(asked: Asked): Promise<Reply | undefined> {
    const name = this.#actionName();
    if (name === undefined) return reply(403, "tool_unknown", "the policy opens no lines: it has no tool with `connect: { egress: ... }`");
    const presented = this.#presented(asked.req);
    if (presented.token === undefined)
      return reply(407, "unauthenticated", "the proxy takes a session token as the password of any user: `http://session:<token>@<proxy>`");
    let session;
    try {
      session = await this.#options.surface.session(presented);
    } catch (failure) {
      if (failure instanceof Refusal) return refused(failure);
      throw failure;
    }
    if (!this.#enter(session.id)) return reply(429, "too_many_at_once", `this session has ${this.#maxLines} lines open; close some first`);
    try {
      return await this.#handle(asked, presented, name, session);
    } finally {
      this.#leave(session.id);
    }
  }

  async #handle({ req, to, gone, take }: Asked, presented: Presented, name: string, session: Session): Promise<Reply | undefined> {
    let opened = false;
    const answer = await this.#options.surface.handle({
      presented,
      peer: req.socket.remoteAddress ?? "",
      kind: "tool",
      name,
      args: { host: to.host, port: to.port },
      patience: { waitMs: 0 },
      io: {
        signal: AbortSignal.any([gone, this.#stopping.signal]),
        capabilities: {},
        progress: () => undefined,
        log: () => undefined,
        ask: () => Promise.reject(new Fault("agent_cannot_answer", "a line carries no questions")),
        line: (line) => {
          // INVARIANT: a line goes only where the call that opened it was decided for.
          if (!(line instanceof DialedLine) || line.host !== to.host || line.port !== to.port || opened)
            throw new Fault("tool_unavailable", "the line that was opened is not the one that was asked for");
          opened = true;
          return this.#whileSessionHolds(line, session, presented, take);
        },
      },
    });
    return opened ? undefined : replyTo(answer);
  }

  /** A line ends with the token and the session it was opened with, whatever its action's `timeout` says. */
  async #whileSessionHolds(line: DialedLine, session: Session, presented: Presented, take: Asked["take"]): Promise<LineUsage> {
    const over = new AbortController();
    const checks = setInterval(() => void this.#hasEnded(presented).then((ended) => ended && over.abort()), this.#recheckMs);
    const until = Math.min(...chainOf(session).map(({ expiresAt }) => expiresAt.getTime()));
    try {
      return await take(line.within(until - this.#options.now().getTime(), over.signal));
    } finally {
      clearInterval(checks);
    }
  }

  /** Only what is known: a store that does not answer ends no line. */
  async #hasEnded(presented: Presented): Promise<boolean> {
    try {
      await this.#options.surface.session(presented);
      return false;
    } catch (failure) {
      return failure instanceof Refusal && ENDED.has(failure.code);
    }
  }

  #actionName(): string | undefined {
    const policy = this.#options.policy();
    const action = policy.tools.find(({ connect }) => "egress" in connect)?.actions[0];
    return action === undefined ? undefined : visibleName(policy, action);
  }

  #presented(req: IncomingMessage): Presented {
    const token = proxyToken(req.headers["proxy-authorization"]);
    return { token, scheme: "Bearer", method: req.method ?? "", url: "" };
  }

  #enter(session: string): boolean {
    const lines = this.#lines.get(session) ?? 0;
    if (lines >= this.#maxLines) return false;
    this.#lines.set(session, lines + 1);
    return true;
  }

  #leave(session: string): void {
    const lines = (this.#lines.get(session) ?? 1) - 1;
    if (lines === 0) this.#lines.delete(session);
    else this.#lines.set(session, lines);
  }
}

function goneWith(client: Duplex | ServerResponse): AbortSignal {
  const gone = new AbortController();
  client.once("close", () => gone.abort());
  return gone.signal;
}
