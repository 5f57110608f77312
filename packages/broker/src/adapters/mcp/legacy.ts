import type { ServerResponse } from "node:http";
import type { JsonObject } from "@bailiwick/policy";
import type { RpcMessage, RpcNotification, RpcRequest } from "../mcp-protocol/index.ts";
import {
  EVENT_STREAM_TYPE,
  HEADER,
  LOG_LEVELS,
  NEWEST_LEGACY_VERSION,
  RPC,
  eraOf,
  isRequestId,
  objectAt,
  resultMessage,
  stringAt,
} from "../mcp-protocol/index.ts";
import { Fault } from "../../domain/fault.ts";
import type { EndpointContext, LegacyRequest, Sender } from "./context.ts";
import { headerOf } from "./era.ts";
import { failureOf } from "./failure.ts";
import { answerLegacyCall } from "./legacy-call.ts";
import type { LegacySession, LegacySessions } from "./legacy-session.ts";
import { hearAnswer, notifyListener, openListener } from "./legacy-session.ts";
import type { LegacyStream } from "./legacy-stream.ts";
import { createLegacyStream } from "./legacy-stream.ts";
import { INSTRUCTIONS, answerList, serverCapabilities } from "./listing.ts";
import { askedBy } from "./operation.ts";
import { accepts, sendEmpty, sendJson } from "./reply.ts";
import { RpcFault } from "./rpc-fault.ts";
import { MAX_SUBSCRIPTIONS } from "./settings.ts";

/** Answers one POST of the older revisions. @throws RpcFault | Refusal for what comes before a session's request. */
export async function answerLegacyPost(
  context: EndpointContext,
  sessions: LegacySessions,
  sender: Sender,
  message: RpcMessage,
  res: ServerResponse,
): Promise<void> {
  if (message.kind === "request" && message.method === "initialize") return initialize(context, sessions, sender, message, res);
  const session = sessionOf(sessions, sender);
  if (message.kind === "result" || message.kind === "failure") {
    hearAnswer(session, message);
    return sendEmpty(res, 202);
  }
  if (message.kind === "notification") {
    hearNotification(session, message);
    return sendEmpty(res, 202);
  }
  await answerRequest(context, sender, session, message, res);
}

/** Opens the session's stream for list changes and resource updates, or continues a broken POST stream (`Last-Event-ID`). */
export function openLegacyStream(context: EndpointContext, sessions: LegacySessions, sender: Sender, res: ServerResponse): void {
  const session = sessionOf(sessions, sender);
  if (!accepts(sender.headers.accept, EVENT_STREAM_TYPE))
    throw new RpcFault(RPC.invalidRequest, "GET answers with an event stream; accept `text/event-stream`", { status: 406 });
  const lastEvent = headerOf(sender.headers, HEADER.lastEventId);
  const at = /^([\da-f]+)-(\d+)$/.exec(lastEvent ?? "");
  const stream = session.streams.get(at?.[1] ?? "");
  if (stream?.attach(res, Number(at?.[2]))) return;
  const lifeMs = Math.max(sender.session.expiresAt.getTime() - context.settings.now().getTime(), 0);
  openListener(session, res, sender.presented, context.settings.durations.keepAliveMs, lifeMs);
}

export function endLegacySession(sessions: LegacySessions, sender: Sender, res: ServerResponse): void {
  sessions.end(sessionOf(sessions, sender));
  sendEmpty(res, 204);
}

/** Tells every open GET stream whose session is still live. */
export function tellListsChanged(context: EndpointContext, sessions: LegacySessions): void {
  for (const session of sessions.all()) {
    const { listener } = session;
    if (listener === undefined) continue;
    context.surface.session(listener.presented).then(
      () => {
        for (const kind of ["tools", "resources", "prompts"]) notifyListener(session, `notifications/${kind}/list_changed`);
      },
      () => listener.stop(),
    );
  }
}

async function initialize(
  context: EndpointContext,
  sessions: LegacySessions,
  sender: Sender,
  message: RpcRequest,
  res: ServerResponse,
): Promise<void> {
  const wanted = stringAt(message.params, "protocolVersion");
  if (wanted === undefined)
    throw new RpcFault(RPC.invalidParams, "`protocolVersion` is missing; name the revision you speak", { status: 400 });
  const version = eraOf(wanted) === "legacy" ? wanted : NEWEST_LEGACY_VERSION;
  const listing = await context.surface.list(sender.presented);
  const session = sessions.create(sender.session.agent, sender.principal, version, objectAt(message.params, "capabilities"));
  const result = {
    protocolVersion: version,
    capabilities: serverCapabilities(listing),
    serverInfo: context.settings.serverInfo,
    instructions: INSTRUCTIONS,
  };
  sendJson(res, 200, resultMessage(message.id, result), { [HEADER.session]: session.id });
}

/** @throws RpcFault 400 without a session id, 404 when the session is not this principal's or over (the client then initializes anew). */
function sessionOf(sessions: LegacySessions, sender: Sender): LegacySession {
  const version = headerOf(sender.headers, HEADER.protocolVersion);
  if (version !== undefined && eraOf(version) !== "legacy") {
    throw new RpcFault(
      RPC.invalidRequest,
      `protocol version \`${version.slice(0, 40)}\` is not supported for sessions; use ${NEWEST_LEGACY_VERSION}`,
      { status: 400 },
    );
  }
  const id = headerOf(sender.headers, HEADER.session);
  if (id === undefined)
    throw new RpcFault(RPC.invalidRequest, "the `Mcp-Session-Id` header is missing; send `initialize` first", { status: 400 });
  const session = sessions.find(sender.principal, id);
  if (session === undefined)
    throw new RpcFault(SESSION_NOT_FOUND, "the MCP session is unknown or over; send `initialize` again", { status: 404 });
  return session;
}

/** The code that clients of SDK v1 know for a lost session. */
const SESSION_NOT_FOUND = -32001;

function hearNotification(session: LegacySession, message: RpcNotification): void {
  if (message.method !== "notifications/cancelled") return;
  const id = message.params["requestId"];
  if (isRequestId(id)) session.calls.get(id)?.abort(new Fault("cancelled", "the agent cancelled the request"));
}

async function answerRequest(
  context: EndpointContext,
  sender: Sender,
  session: LegacySession,
  message: RpcRequest,
  res: ServerResponse,
): Promise<void> {
  const { durations } = context.settings;
  const reply = createLegacyStream(res, {
    canStream: accepts(sender.headers.accept, EVENT_STREAM_TYPE),
    keepAliveMs: durations.keepAliveMs,
    prime: session.version >= FIRST_WITH_PRIMING,
    onStart: (stream) => keepStream(session, stream),
    onEnd: (stream) => {
      const forget = setTimeout(() => session.streams.delete(stream.id), durations.resumeMs);
      forget.unref();
    },
  });
  const { id, method, params } = message;
  const request: LegacyRequest = { ...sender, id, method, params, session, caller: sender.session, reply };
  try {
    const asked = askedBy(request.method, request.params);
    if (asked !== undefined) return await answerLegacyCall(context, request, asked);
    reply.end(resultMessage(message.id, await dispatch(context, request, sender)));
  } catch (error) {
    const failure = failureOf(context.settings, message.id, sender.presented.token !== undefined, error);
    reply.end(failure.message, failure.status, failure.headers);
  }
}

/** Keeps a stream for resumption; the oldest ones go when a session has too many. */
function keepStream(session: LegacySession, stream: LegacyStream): void {
  const [oldest] = session.streams.keys();
  if (session.streams.size >= MAX_KEPT_STREAMS && oldest !== undefined) session.streams.delete(oldest);
  session.streams.set(stream.id, stream);
}

/** Streams of one session that can be resumed. */
const MAX_KEPT_STREAMS = 64;

const FIRST_WITH_PRIMING = "2025-11-25";

async function dispatch(context: EndpointContext, request: LegacyRequest, sender: Sender): Promise<JsonObject> {
  const { method, params } = request;
  const listed = await answerList(context, sender, method, params);
  if (listed !== undefined) return listed;
  switch (method) {
    case "ping":
      return {};
    case "completion/complete":
      return completeFor(context, request);
    case "logging/setLevel":
      return setLevel(context, request);
    case "resources/subscribe":
      return subscribe(context, request);
    case "resources/unsubscribe":
      return unsubscribe(request);
    default:
      throw new RpcFault(RPC.methodNotFound, `the method \`${method.slice(0, 100)}\` does not exist here`, {
        data: { code: "method_unknown" },
      });
  }
}

async function completeFor(context: EndpointContext, request: LegacyRequest): Promise<JsonObject> {
  const controller = new AbortController();
  request.session.calls.set(request.id, controller);
  try {
    return await context.surface.complete(request.presented, request.params, controller.signal);
  } finally {
    request.session.calls.delete(request.id);
  }
}

async function setLevel(context: EndpointContext, request: LegacyRequest): Promise<JsonObject> {
  const level = stringAt(request.params, "level");
  if (!LOG_LEVELS.some((known) => known === level) || level === undefined) {
    throw new RpcFault(RPC.invalidParams, `\`level\` must be one of ${LOG_LEVELS.join(", ")}`);
  }
  request.session.logLevel = level;
  await context.surface.setLogLevel(request.presented, level);
  return {};
}

async function subscribe(context: EndpointContext, request: LegacyRequest): Promise<JsonObject> {
  const { session, presented } = request;
  const uri = stringAt(request.params, "uri");
  if (uri === undefined) throw new RpcFault(RPC.invalidParams, "the parameter `uri` is missing; name the resource");
  if (session.subscriptions.has(uri)) return {};
  if (session.subscriptions.size >= MAX_SUBSCRIPTIONS)
    throw new RpcFault(RPC.invalidParams, `a session holds at most ${MAX_SUBSCRIPTIONS} subscriptions; end one first`);
  const stop = await context.surface.subscribe(presented, uri, (params) => {
    const { listener } = session;
    if (listener === undefined) return;
    context.surface.session(listener.presented).then(
      () => notifyListener(session, "notifications/resources/updated", params),
      () => listener.stop(),
    );
  });
  session.subscriptions.set(uri, stop);
  return {};
}

async function unsubscribe(request: LegacyRequest): Promise<JsonObject> {
  const uri = stringAt(request.params, "uri") ?? "";
  const stop = request.session.subscriptions.get(uri);
  request.session.subscriptions.delete(uri);
  await stop?.();
  return {};
}
