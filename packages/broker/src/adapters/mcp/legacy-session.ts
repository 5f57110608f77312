import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { JsonObject } from "@bailiwick/policy";
import { Fault } from "../../domain/fault.ts";
import type { Presented } from "../../call/presented.ts";
import type { RequestId, RpcFailure, RpcResult } from "../mcp-protocol/index.ts";
import { SSE_KEEP_ALIVE, encodeSse, notificationMessage } from "../mcp-protocol/index.ts";
import type { LegacyStream } from "./legacy-stream.ts";
import { MAX_UNREAD_BYTES, STREAM_HEADERS } from "./reply.ts";
import type { Settings } from "./settings.ts";
import { MAX_LEGACY_SESSIONS, MAX_LEGACY_SESSIONS_EACH } from "./settings.ts";

/** What `initialize` agreed on, and everything that hangs on it until DELETE or long silence. */
export interface LegacySession {
  readonly id: string;
  readonly agent: string;
  readonly principal: string;
  readonly version: string;
  readonly capabilities: JsonObject;
  logLevel: string | undefined;
  lastUsed: number;
  /** Calls in flight by the agent's request id. */
  readonly calls: Map<RequestId, AbortController>;
  /** Questions to the agent by our request id. */
  readonly questions: Map<RequestId, { readonly resolve: (result: JsonObject) => void; readonly reject: (fault: Fault) => void }>;
  /** POST streams that may be resumed. */
  readonly streams: Map<string, LegacyStream>;
  readonly subscriptions: Map<string, () => Promise<void>>;
  /** The GET stream, when the client opened one. */
  listener: { readonly res: ServerResponse; readonly presented: Presented; readonly stop: () => void } | undefined;
  nextQuestion: number;
}

export interface LegacySessions {
  create(agent: string, principal: string, version: string, capabilities: JsonObject): LegacySession;
  /** Undefined for unknown ids and for those of another principal: the two look alike. */
  find(principal: string, id: string): LegacySession | undefined;
  end(session: LegacySession): void;
  all(): Iterable<LegacySession>;
  close(): void;
}

export function createLegacySessions(settings: Settings): LegacySessions {
  const sessions = new Map<string, LegacySession>();
  const { sessionIdleMs } = settings.durations;

  function end(session: LegacySession): void {
    if (!sessions.delete(session.id)) return;
    for (const controller of session.calls.values()) controller.abort(new Fault("cancelled", "the agent's MCP session ended"));
    for (const question of session.questions.values()) question.reject(new Fault("agent_cannot_answer", "the agent's MCP session ended"));
    for (const unsubscribe of session.subscriptions.values()) unsubscribe().catch(() => {});
    session.questions.clear();
    session.subscriptions.clear();
    session.listener?.stop();
  }
  /** The map is kept in order of use, so the first one found is the least recently used. */
  function makeRoom(agent: string): void {
    const own = [...sessions.values()].filter((session) => session.agent === agent);
    if (own.length >= MAX_LEGACY_SESSIONS_EACH && own[0] !== undefined) end(own[0]);
    const [first] = sessions.values();
    if (sessions.size >= MAX_LEGACY_SESSIONS && first !== undefined) end(first);
  }
  function endIdle(): void {
    const oldest = settings.now().getTime() - sessionIdleMs;
    for (const session of sessions.values())
      if (session.lastUsed < oldest && session.calls.size === 0 && session.listener === undefined) end(session);
  }
  const sweep = setInterval(endIdle, Math.min(sessionIdleMs, SWEEP_MS));
  sweep.unref();

  return {
    create(agent, principal, version, capabilities) {
      makeRoom(agent);
      const session: LegacySession = {
        id: randomBytes(24).toString("base64url"),
        agent,
        principal,
        version,
        capabilities,
        logLevel: undefined,
        lastUsed: settings.now().getTime(),
        calls: new Map(),
        questions: new Map(),
        streams: new Map(),
        subscriptions: new Map(),
        listener: undefined,
        nextQuestion: 1,
      };
      sessions.set(session.id, session);
      return session;
    },
    find(principal, id) {
      const session = sessions.get(id);
      if (session?.principal !== principal) return undefined;
      session.lastUsed = settings.now().getTime();
      // Moved to the end: the first one is always the least recently used.
      sessions.delete(id);
      sessions.set(id, session);
      return session;
    },
    end,
    all: () => sessions.values(),
    close() {
      clearInterval(sweep);
      for (const session of sessions.values()) end(session);
    },
  };
}

/** How often idle sessions are looked for. */
const SWEEP_MS = 60_000;

/** The agent's answer to a question of ours. Answers nobody waits for are dropped. */
export function hearAnswer(session: LegacySession, message: RpcResult | RpcFailure): void {
  if (message.id === null) return;
  const question = session.questions.get(message.id);
  if (question === undefined) return;
  session.questions.delete(message.id);
  if (message.kind === "result") question.resolve(message.result);
  else
    question.reject(
      new Fault("agent_cannot_answer", `the agent answered with an error: ${message.error.message.slice(0, MAX_ERROR_CHARS)}`),
    );
}

/** An agent's error text is passed on to the tool; this much of it. */
const MAX_ERROR_CHARS = 500;

/** Opens the session's GET stream; a newer one takes the place of an older one. */
export function openListener(session: LegacySession, res: ServerResponse, presented: Presented, keepAliveMs: number, lifeMs: number): void {
  session.listener?.stop();
  res.writeHead(200, STREAM_HEADERS);
  res.flushHeaders();
  const keepAlive = setInterval(() => res.write(SSE_KEEP_ALIVE), keepAliveMs);
  const stop = (): void => {
    clearInterval(keepAlive);
    clearTimeout(expiry);
    if (session.listener?.res === res) session.listener = undefined;
    res.end();
  };
  const expiry = setTimeout(stop, lifeMs);
  res.on("close", stop);
  session.listener = { res, presented, stop };
}

export function notifyListener(session: LegacySession, method: string, params: JsonObject = {}): void {
  const { listener } = session;
  if (listener === undefined || listener.res.writableLength > MAX_UNREAD_BYTES) return;
  listener.res.write(encodeSse(JSON.stringify(notificationMessage(method, params))));
}
