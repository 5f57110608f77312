import type { JsonObject } from "@bailiwick/policy";
import type { AgentRequest, CallIo } from "../../domain/tool.ts";
import { Fault } from "../../domain/fault.ts";
import type { CallAnswer, Waiting } from "../../call/types.ts";
import type { RpcError } from "../mcp-protocol/index.ts";
import {
  LOG_LEVELS,
  RPC,
  errorMessage,
  notificationMessage,
  objectAt,
  requestMessage,
  resultMessage,
  stringAt,
} from "../mcp-protocol/index.ts";
import { isWaiting, pendingError, pendingFacts, pendingResult, REFUSED, shapeAnswer, waitingIn, waitingText } from "./answers.ts";
import { asToolResult } from "./approval-wait.ts";
import { requireCapability } from "./asks.ts";
import { challenge, isAuthenticationCode, stepUp } from "./authenticate.ts";
import type { EndpointContext, LegacyRequest } from "./context.ts";
import { hasOutputSchema } from "./modern-respond.ts";
import { finishLegacy } from "./modern-result.ts";
import type { Asked } from "./operation.ts";
import { askSurface, statedReason, traceOf, wishedWaitMs } from "./operation.ts";
import { refusalData } from "./refusal-text.ts";
import { RpcFault } from "./rpc-fault.ts";

/** A governed call of the older revisions while it runs. */
interface Running {
  readonly context: EndpointContext;
  readonly request: LegacyRequest;
  readonly progressToken: string | number | undefined;
  readonly controller: AbortController;
  progress: NodeJS.Timeout | undefined;
}

/** Answers `tools/call`, `resources/read` or `prompts/get`. @throws RpcFault when the id is in use. */
export async function answerLegacyCall(context: EndpointContext, request: LegacyRequest, asked: Asked): Promise<void> {
  const { session, id, params } = request;
  if (session.calls.has(id)) throw new RpcFault(RPC.invalidRequest, "a request with this id is still running; use a fresh id");
  const token = objectAt(params, "_meta")["progressToken"];
  const progressToken = typeof token === "string" || typeof token === "number" ? token : undefined;
  const running: Running = { context, request, progressToken, controller: new AbortController(), progress: undefined };
  session.calls.set(id, running.controller);
  try {
    await respond(running, asked, await run(running, asked));
  } finally {
    clearInterval(running.progress);
    session.calls.delete(id);
  }
}

function run(running: Running, asked: Asked): Promise<CallAnswer> {
  const { context, request, progressToken } = running;
  const { holdMs, holdWithProgressMs } = context.settings.durations;
  const holdable = progressToken !== undefined && request.reply.canStream ? holdWithProgressMs : holdMs;
  const call = {
    presented: request.presented,
    peer: request.peer,
    statedReason: statedReason(request.params),
    ...traceOf(request.params, request.headers),
    io: ioOf(running),
    patience: {
      waitMs: Math.min(wishedWaitMs(request.params) ?? holdable, holdable),
      onHeld: (waiting: Waiting) => onHeld(running, waiting),
      onAsked: (waiting: Waiting) => onHeld(running, waiting),
    },
  };
  return askSurface(context.surface, asked, call);
}

/** A person was asked: headers at once, and signs of life that restart the client's clock. */
function onHeld(running: Running, waiting: Waiting): void {
  const { context, request, progressToken } = running;
  if (wishedWaitMs(request.params) === 0) return;
  request.reply.start();
  if (progressToken === undefined || running.progress !== undefined) return;
  let progress = 0;
  const tell = (): void => {
    progress += 1;
    request.reply.send(notificationMessage("notifications/progress", { progressToken, progress, message: waitingText(waiting) }));
  };
  tell();
  running.progress = setInterval(tell, context.settings.durations.progressMs);
}

function ioOf(running: Running): CallIo {
  const { request, progressToken, controller } = running;
  return {
    signal: controller.signal,
    capabilities: request.session.capabilities,
    progress(update) {
      // The tool's own progress starts after the wait; the two must not be mixed.
      clearInterval(running.progress);
      if (progressToken === undefined) return;
      const { progress, total, message } = update;
      const facts = { progressToken, progress, ...(total === undefined ? {} : { total }), ...(message === undefined ? {} : { message }) };
      request.reply.send(notificationMessage("notifications/progress", facts));
    },
    log(message) {
      if (isLoud(message, request.session.logLevel)) request.reply.send(notificationMessage("notifications/message", message));
    },
    ask: (question) => ask(running, question),
  };
}

/** Clients of these revisions hear everything until they set a level. */
function isLoud(message: JsonObject, level: string | undefined): boolean {
  if (level === undefined) return true;
  const floor = LOG_LEVELS.findIndex((known) => known === level);
  return LOG_LEVELS.findIndex((known) => known === stringAt(message, "level")) >= floor;
}

async function ask(running: Running, question: AgentRequest): Promise<JsonObject> {
  const { request, controller, context } = running;
  const { session } = request;
  requireCapability(session.capabilities, question);
  if (!request.reply.canStream || request.reply.ended || controller.signal.aborted)
    throw new Fault("agent_cannot_answer", "the agent cannot be asked on this request");
  const id = `bailiwick-${session.nextQuestion}`;
  session.nextQuestion += 1;
  const { promise, resolve, reject } = Promise.withResolvers<JsonObject>();
  const giveUp = (): void => reject(new Fault("agent_cannot_answer", "the agent did not answer in time"));
  const timer = setTimeout(giveUp, context.settings.durations.suspendMs);
  controller.signal.addEventListener("abort", giveUp, { once: true });
  session.questions.set(id, { resolve, reject });
  request.reply.send(requestMessage(id, question.method, question.params));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    controller.signal.removeEventListener("abort", giveUp);
    session.questions.delete(id);
  }
}

async function respond(running: Running, asked: Asked, answer: CallAnswer): Promise<void> {
  const { context, request } = running;
  const { reply, id } = request;
  const tool = request.method === "tools/call";
  if (isWaiting(answer)) {
    const waiting = waitingIn(answer);
    const facts = pendingFacts(waiting, context.settings.approvalUrl(waiting.id), context.settings.durations.retryAfterMs);
    if (!tool) return endWithError(request, pendingError(facts));
    return reply.end(resultMessage(id, pendingResult(facts, await hasOutputSchema(context, request))));
  }
  if (answer.kind === "refused" && isAuthenticationCode(answer.code) && !reply.started) {
    const headers = challenge(context.settings, request.presented.token !== undefined, answer);
    return reply.end(errorMessage(id, RPC.invalidRequest, answer.message, { code: answer.code }), 401, headers);
  }
  const wider = answer.kind === "refused" && !reply.started ? stepUp(context.settings, request.caller, answer) : undefined;
  if (wider !== undefined && answer.kind === "refused")
    return reply.end(errorMessage(id, REFUSED, answer.message, refusalData(answer)), 403, wider);
  const shaped = shapeAnswer(answer, tool, asked.what === "operation" ? asked.name : "");
  if ("error" in shaped) return endWithError(request, legacyError(shaped.error, request.method));
  reply.end(resultMessage(id, finishLegacy(tool ? asToolResult(shaped.result) : shaped.result)));
}

function endWithError(request: LegacyRequest, error: RpcError): void {
  request.reply.end(errorMessage(request.id, error.code, error.message, error.data));
}

/** Resources that do not exist had their own code before revision 2026-07-28. */
function legacyError(error: RpcError, method: string): RpcError {
  return method === "resources/read" && error.code === RPC.invalidParams ? { ...error, code: RPC.resourceNotFound } : error;
}
