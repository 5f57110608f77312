import type { IncomingMessage, ServerResponse } from "node:http";
import type { AgentSurface } from "../../call/surface.ts";
import type { RequestId, RpcMessage } from "../mcp-protocol/index.ts";
import { EVENT_STREAM_TYPE, JSON_TYPE, RPC, isObject, isRequestId, parseMessage } from "../mcp-protocol/index.ts";
import { presentedBy, principalOf } from "./authenticate.ts";
import { readJson } from "./body.ts";
import type { EndpointContext, Sender } from "./context.ts";
import { modernEnvelope } from "./era.ts";
import { failureOf } from "./failure.ts";
import { createGuard } from "./guard.ts";
import { answerLegacyPost, endLegacySession, openLegacyStream, tellListsChanged } from "./legacy.ts";
import type { LegacySessions } from "./legacy-session.ts";
import { createLegacySessions } from "./legacy-session.ts";
import type { Listeners } from "./listen.ts";
import { createListeners } from "./listen.ts";
import { answerModern } from "./modern.ts";
import { createParamHeaders } from "./param-headers.ts";
import { accepts, createReply, sendEmpty, sendJson } from "./reply.ts";
import { createRequestStates } from "./request-state.ts";
import { RpcFault } from "./rpc-fault.ts";
import type { McpEndpointOptions } from "./settings.ts";
import { resolveSettings } from "./settings.ts";
import { createSuspendedCalls } from "./suspended-calls.ts";
import { createTaskStore } from "./tasks.ts";
import { bodyMatches } from "../sender-proof/http-signature.ts";
import { proofInvalid } from "../sender-proof/refused.ts";

export interface McpEndpoint {
  /** Answers one HTTP request. Never throws. */
  handle(req: IncomingMessage, res: ServerResponse): void;
  /** Ends streams gracefully and cancels what still runs. */
  close(): Promise<void>;
}

/** The agents' side of MCP over Streamable HTTP, for the stateless revision and for those with sessions, on one path. */
export function createMcpEndpoint(surface: AgentSurface, options: McpEndpointOptions): McpEndpoint {
  const settings = resolveSettings(options);
  const context: EndpointContext = {
    surface,
    settings,
    guard: createGuard(settings),
    states: createRequestStates(settings.stateKey, settings.now),
    suspended: createSuspendedCalls(),
    tasks: createTaskStore(settings.now),
    paramHeaders: createParamHeaders(),
  };
  const sessions = createLegacySessions(settings);
  const listeners = createListeners(surface, settings);
  const stopHearing = surface.onListChange(() => {
    context.paramHeaders.forgetAll();
    listeners.listsChanged();
    tellListsChanged(context, sessions);
  });
  return {
    handle(req, res) {
      serve(context, sessions, listeners, req, res).catch((error: unknown) => fail(context, req, res, null, error));
    },
    async close() {
      stopHearing();
      listeners.close();
      sessions.close();
      context.tasks.close();
      context.suspended.close();
    },
  };
}

async function serve(
  context: EndpointContext,
  sessions: LegacySessions,
  listeners: Listeners,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const stranger = context.guard(req.headers);
  if (stranger !== undefined) {
    throw new RpcFault(RPC.invalidRequest, `${stranger}; add it to the allowed hosts or origins if it is yours`, {
      status: 403,
      data: { code: "origin_refused" },
    });
  }
  if (req.method !== "POST" && req.method !== "GET" && req.method !== "DELETE") return sendEmpty(res, 405, { allow: "POST, GET, DELETE" });
  const presented = presentedBy(req, `${context.settings.publicUrl()}${ENDPOINT_PATH}`);
  const session = await context.surface.session(presented);
  const sender: Sender = {
    presented,
    session,
    principal: principalOf(session),
    peer: req.socket.remoteAddress ?? "unknown",
    headers: req.headers,
  };
  if (req.method === "GET") return openLegacyStream(context, sessions, sender, res);
  if (req.method === "DELETE") return endLegacySession(sessions, sender, res);
  await servePost(context, sessions, listeners, sender, req, res);
}

async function servePost(
  context: EndpointContext,
  sessions: LegacySessions,
  listeners: Listeners,
  sender: Sender,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  if (!(req.headers["content-type"] ?? "").toLowerCase().startsWith(JSON_TYPE)) {
    throw new RpcFault(RPC.invalidRequest, "the content type is not `application/json`; send JSON", { status: 415 });
  }
  if (!accepts(req.headers.accept, JSON_TYPE) && !accepts(req.headers.accept, EVENT_STREAM_TYPE)) {
    throw new RpcFault(RPC.invalidRequest, "answers are `application/json` or `text/event-stream`; accept both", { status: 406 });
  }
  const body: unknown = await readJson(req, context.settings.maxBodyBytes, (bytes) => requireSigned(sender, bytes));
  let id: RequestId | null = isObject(body) && isRequestId(body["id"]) ? body["id"] : null;
  try {
    const message = messageIn(body);
    const envelope = modernEnvelope(message, req.headers);
    if (envelope === undefined) return await answerLegacyPost(context, sessions, sender, message, res);
    if (message.kind !== "request") return sendEmpty(res, 202);
    id = message.id;
    const reply = createReply(res, accepts(req.headers.accept, EVENT_STREAM_TYPE), context.settings.durations.keepAliveMs);
    await answerModern(context, listeners, { ...sender, id, method: message.method, params: message.params, envelope, reply });
  } catch (error) {
    fail(context, req, res, id, error);
  }
}

/** A signature covers the body by its digest; only here is the body there to be compared. */
function requireSigned({ presented, session }: Sender, bytes: Uint8Array): void {
  if (session.binding.kind === "hmac" && !bodyMatches(presented, bytes))
    throw proofInvalid("the body is not the one that `content-digest` names; send exactly what was signed");
}

function messageIn(body: unknown): RpcMessage {
  const message = parseMessage(body);
  if (message !== undefined) return message;
  const what = Array.isArray(body)
    ? "batches are not supported; send one JSON-RPC message per request"
    : "the body is no JSON-RPC 2.0 message";
  throw new RpcFault(RPC.invalidRequest, what, { status: 400, data: { code: "malformed_request" } });
}

/** The last resort for everything that went wrong before a request's own answer began. */
function fail(context: EndpointContext, req: IncomingMessage, res: ServerResponse, id: RequestId | null, error: unknown): void {
  if (res.headersSent || res.destroyed) return void res.end();
  const failure = failureOf(context.settings, id, req.headers.authorization !== undefined, error);
  // An answer without an id reaches no caller inside HTTP 200: then the status must say that the broker could not serve.
  const unserved = failure.status === 200 && id === null;
  const headers = {
    ...failure.headers,
    ...(unserved ? { "retry-after": RETRY_AFTER_S } : {}),
    // A refused body may still be on its way: the connection cannot be used again.
    ...(req.complete ? {} : { connection: "close" }),
  };
  sendJson(res, unserved ? 503 : failure.status, failure.message, headers);
}

/** Where the front serves this endpoint. */
const ENDPOINT_PATH = "/mcp";

/** Told to clients when a part of the broker is unavailable, in seconds. */
const RETRY_AFTER_S = "2";
