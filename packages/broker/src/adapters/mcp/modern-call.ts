import type { JsonObject } from "@bailiwick/policy";
import type { Approval } from "../../domain/approval.ts";
import type { AgentRequest, CallIo } from "../../domain/tool.ts";
import { Fault } from "../../domain/fault.ts";
import type { CallAnswer } from "../../call/types.ts";
import {
  LOG_LEVELS,
  META,
  RPC,
  TASKS_EXTENSION,
  errorMessage,
  isObject,
  notificationMessage,
  objectAt,
  resultMessage,
  stringAt,
} from "../mcp-protocol/index.ts";
import { asToolResult } from "./approval-wait.ts";
import type { FinalAnswer, Shaped } from "./answers.ts";
import { pendingError, pendingFacts, pendingResult, shapeAnswer, waitingText } from "./answers.ts";
import type { Asks } from "./asks.ts";
import { createAsks, inputResponses, requireCapability } from "./asks.ts";
import { challenge, isAuthenticationCode } from "./authenticate.ts";
import type { EndpointContext, ModernRequest } from "./context.ts";
import { finishModern } from "./modern-result.ts";
import type { Asked } from "./operation.ts";
import { statedReason, traceparentOf, wishedWaitMs } from "./operation.ts";
import type { Binding, Held } from "./request-state.ts";
import { RpcFault } from "./rpc-fault.ts";
import { LAST_LEASE_ROUND } from "./settings.ts";
import type { Task } from "./tasks.ts";

/** A governed call of the modern era while it runs. It outlives the HTTP request when it becomes a task or waits for an answer. */
interface Running {
  readonly context: EndpointContext;
  readonly asked: Asked;
  readonly asks: Asks;
  readonly controller: AbortController;
  readonly round: number;
  /** The newest HTTP request of this call: its capabilities count. */
  request: ModernRequest;
  /** True while that request still waits for its answer. */
  attached: boolean;
  task: Task | undefined;
  /** Set once a person was asked. */
  approval: Approval | undefined;
  /** The answer, when it came while no request was attached. */
  settled: CallAnswer | undefined;
  flushing: boolean;
}

/**
 * Answers `tools/call`, `resources/read` or `prompts/get`: starts the call, or continues the one that `requestState` stands for.
 * @throws RpcFault for malformed retry members and for a `requestState` that may not be used.
 */
export function answerModernCall(context: EndpointContext, request: ModernRequest, asked: Asked): void {
  const responses = inputResponses(request.params);
  const held = heldBy(context, request);
  if (held?.kind === "asked") {
    const continuation = context.suspended.take(held.handle);
    if (continuation === undefined) throw staleState();
    return continuation(request, responses);
  }
  const lease = held === undefined ? undefined : { asked: { what: "ticket", ticket: held.ticket } as const, round: held.round + 1 };
  start(context, request, lease?.asked ?? asked, lease?.round ?? 1, responses);
}

function heldBy(context: EndpointContext, request: ModernRequest): Held | undefined {
  const state = request.params["requestState"];
  if (state === undefined) return undefined;
  const held = typeof state === "string" ? context.states.open(state, bindingOf(request)) : undefined;
  if (held === undefined) throw staleState();
  return held;
}

function staleState(): RpcFault {
  return new RpcFault(
    RPC.invalidParams,
    "`requestState` cannot be used: it was changed, has expired, was used before or belongs to another request; repeat the request without it",
    { data: { code: "malformed_request" } },
  );
}

function bindingOf(request: ModernRequest): Binding {
  return { principal: request.principal, method: request.method, params: request.params };
}

function start(
  context: EndpointContext,
  request: ModernRequest,
  asked: Asked,
  round: number,
  early: ReadonlyMap<string, JsonObject>,
): void {
  const running: Running = {
    context,
    asked,
    asks: createAsks(early, () => onAsk(running)),
    controller: new AbortController(),
    round,
    request,
    attached: false,
    task: undefined,
    approval: undefined,
    settled: undefined,
    flushing: false,
  };
  attach(running, request);
  run(running, asked, request.token);
}

function run(running: Running, asked: Asked, token: string | undefined): void {
  const { context, request } = running;
  const { leaseMs } = context.settings.durations;
  const call = {
    token,
    peer: request.peer,
    statedReason: statedReason(request.params),
    traceparent: traceparentOf(request.params, request.headers),
    io: ioOf(running),
    patience: {
      waitMs: Math.min(wishedWaitMs(request.params) ?? leaseMs, leaseMs),
      onHeld: (approval: Approval) => onHeld(running, approval),
    },
  };
  const answer =
    asked.what === "ticket"
      ? context.surface.resume(asked.ticket, call)
      : context.surface.handle({ ...call, kind: asked.kind, name: asked.name, args: asked.args });
  answer.then(
    (value) => onAnswer(running, value),
    () =>
      onAnswer(running, {
        kind: "refused",
        callId: undefined,
        code: "internal_fault",
        message: "the broker failed; see its log",
        rules: [],
        next: [],
      }),
  );
}

function attach(running: Running, request: ModernRequest): void {
  running.request = request;
  running.attached = true;
  request.reply.onGone(() => {
    if (!running.attached || running.request !== request) return;
    // A closed stream is how a client of this era cancels (2026-07-28, basic/utilities/cancellation).
    running.attached = false;
    running.controller.abort(new Fault("cancelled", "the agent closed the request"));
    running.asks.reject("the agent closed the request");
  });
}

function ioOf(running: Running): CallIo {
  return {
    signal: running.controller.signal,
    get capabilities() {
      return running.request.envelope.capabilities;
    },
    progress(update) {
      const { progressToken } = running.request.envelope;
      if (!running.attached || progressToken === undefined) return;
      const { progress, total, message } = update;
      const facts = { progressToken, progress, ...(total === undefined ? {} : { total }), ...(message === undefined ? {} : { message }) };
      running.request.reply.send(notificationMessage("notifications/progress", facts));
    },
    log(message) {
      if (running.attached && isLoud(message, running.request.envelope.logLevel))
        running.request.reply.send(notificationMessage("notifications/message", message));
    },
    async ask(request: AgentRequest) {
      requireCapability(running.request.envelope.capabilities, request);
      if (running.controller.signal.aborted) throw new Fault("agent_cannot_answer", "the agent closed the request");
      return running.asks.add(request);
    },
    task(status) {
      if (running.task !== undefined) return running.task.describe(status);
      if (!mayBecomeTask(running)) return;
      becomeTask(running, { ttlMs: status.ttlMs, pollMs: status.pollIntervalMs, message: status.statusMessage });
    },
  };
}

/** Modern clients get no log messages unless the request names a level. */
function isLoud(message: JsonObject, level: string | undefined): boolean {
  if (level === undefined) return false;
  const floor = LOG_LEVELS.findIndex((known) => known === level);
  return LOG_LEVELS.findIndex((known) => known === stringAt(message, "level")) >= Math.max(floor, 0);
}

function mayBecomeTask(running: Running): boolean {
  const { attached, request } = running;
  return attached && request.method === "tools/call" && isObject(objectAt(request.envelope.capabilities, "extensions")[TASKS_EXTENSION]);
}

function becomeTask(
  running: Running,
  status: { readonly ttlMs?: number | undefined; readonly pollMs?: number | undefined; readonly message?: string | undefined },
): void {
  const { context, request } = running;
  const task = context.tasks.create({
    principal: request.principal,
    asks: running.asks,
    ttlMs: status.ttlMs ?? context.settings.durations.taskTtlMs,
    pollIntervalMs: status.pollMs ?? context.settings.durations.pollMs,
    statusMessage: status.message,
    onCancel: () => {
      running.controller.abort(new Fault("cancelled", "the agent cancelled the task"));
      running.asks.reject("the agent cancelled the task");
    },
  });
  if (task === undefined) return;
  running.task = task;
  const created = { resultType: "task", ...task.created(), _meta: { [META.serverInfo]: context.settings.serverInfo } };
  detach(running, (id) => resultMessage(id, created));
}

/** A person was asked. A task answers at once; otherwise headers go out now, because clients give up on silence. */
function onHeld(running: Running, approval: Approval): void {
  running.approval = approval;
  if (running.task !== undefined) return running.task.describe({ statusMessage: waitingText(approval) });
  if (wishedWaitMs(running.request.params) !== undefined) return;
  const { now } = running.context.settings;
  if (mayBecomeTask(running)) {
    becomeTask(running, {
      ttlMs: Math.max(approval.expiresAt.getTime() - now().getTime(), 0) + TASK_GRACE_MS,
      message: waitingText(approval),
    });
  }
  if (running.attached) running.request.reply.start();
}

/** A task outlives its approval by this much, so that a late answer can still be read. */
const TASK_GRACE_MS = 10 * 60_000;

function onAsk(running: Running): void {
  if (running.task !== undefined || running.flushing) return;
  running.flushing = true;
  // Questions asked in the same turn travel in one answer.
  setImmediate(() => {
    running.flushing = false;
    flushAsks(running);
  });
}

function flushAsks(running: Running): void {
  if (!running.attached || running.task !== undefined || running.asks.size === 0) return;
  const { context, request } = running;
  const ttlMs = context.settings.durations.suspendMs;
  const handle = context.suspended.keep(
    request.principal,
    (next, responses) => resume(running, next, responses),
    ttlMs,
    () => expire(running),
  );
  if (handle === undefined) return running.asks.reject("too many calls wait for an answer of this agent; answer or abandon some first");
  const requestState = context.states.seal({ kind: "asked", handle }, bindingOf(request), ttlMs);
  const inputRequests = running.asks.requests();
  detach(running, (id) =>
    resultMessage(id, finishModern(context.settings, request.method, { resultType: "input_required", inputRequests, requestState })),
  );
}

function resume(running: Running, request: ModernRequest, responses: ReadonlyMap<string, JsonObject>): void {
  attach(running, request);
  if (running.settled !== undefined) return respond(running, running.settled);
  running.asks.answer(responses);
  // What got no usable answer stands: it is asked again, as the specification recommends.
  if (running.asks.size > 0) onAsk(running);
}

function expire(running: Running): void {
  running.controller.abort(new Fault("cancelled", "the agent did not answer the tool's question in time"));
  running.asks.reject("the agent did not answer in time");
}

function onAnswer(running: Running, answer: CallAnswer): void {
  if (running.task !== undefined) return settleTask(running, running.task, answer);
  if (running.attached) return respond(running, answer);
  running.settled = answer;
}

function settleTask(running: Running, task: Task, answer: CallAnswer): void {
  const waiting = stillWaiting(running, answer);
  if (waiting === undefined) return task.settle(shape(running, answer));
  // The next leg runs with the poller's token: a session is shorter than a person's pause.
  task.onPoll = (token) => {
    task.onPoll = undefined;
    run(running, { what: "ticket", ticket: waiting.id }, token);
  };
}

/** The approval of a held call that goes on waiting: nobody answered yet, or the token of this leg ran out before the effect. */
function stillWaiting(running: Running, answer: CallAnswer): Approval | undefined {
  if (answer.kind === "pending") return answer.approval;
  return answer.kind === "refused" && answer.code === "token_expired" ? running.approval : undefined;
}

function respond(running: Running, answer: CallAnswer): void {
  const waiting = stillWaiting(running, answer);
  if (waiting !== undefined) return void respondPending(running, waiting);
  const { context, request } = running;
  if (answer.kind === "refused" && isAuthenticationCode(answer.code) && !request.reply.started) {
    const headers = challenge(context.settings, request.token !== undefined, answer.message);
    running.attached = false;
    return request.reply.end(errorMessage(request.id, RPC.invalidRequest, answer.message, { code: answer.code }), 401, headers);
  }
  const shaped = shape(running, answer);
  if ("result" in shaped) {
    // The upstream does not get to say "task" or "input required" in our name.
    const result = { ...shaped.result, resultType: "complete" };
    return detach(running, (id) => resultMessage(id, finishModern(context.settings, request.method, result)));
  }
  const { code, message, data } = shaped.error;
  detach(running, (id) => errorMessage(id, code, message, data), code === RPC.missingClientCapability ? 400 : 200);
}

function shape(running: Running, answer: CallAnswer): Shaped {
  const { asked, request } = running;
  if (answer.kind === "pending") return { error: pendingError(factsOf(running, answer.approval)) };
  const tool = request.method === "tools/call";
  const final: FinalAnswer = answer;
  const shaped = shapeAnswer(final, tool, asked.what === "operation" ? asked.name : (stringAt(request.params, "uri") ?? ""));
  return "result" in shaped && tool ? { result: asToolResult(shaped.result) } : shaped;
}

async function respondPending(running: Running, approval: Approval): Promise<void> {
  const { context, request } = running;
  const facts = factsOf(running, approval);
  if (running.round < LAST_LEASE_ROUND && wishedWaitMs(request.params) === undefined) {
    const lease: Held = { kind: "lease", ticket: approval.id, round: running.round };
    const requestState = context.states.seal(lease, bindingOf(request), LEASE_STATE_TTL_MS);
    const result = { resultType: "input_required", requestState, _meta: { "bailiwick/pending": facts } };
    return detach(running, (id) => resultMessage(id, finishModern(context.settings, request.method, result)));
  }
  if (request.method !== "tools/call") {
    const { code, message, data } = pendingError(facts);
    return detach(running, (id) => errorMessage(id, code, message, data));
  }
  const strict = await hasOutputSchema(context, request);
  detach(running, (id) => resultMessage(id, finishModern(context.settings, request.method, pendingResult(facts, strict))));
}

/** A client retries a lease at once; this leaves room for a slow one. */
const LEASE_STATE_TTL_MS = 10 * 60_000;

function factsOf(running: Running, approval: Approval): ReturnType<typeof pendingFacts> {
  const { settings } = running.context;
  return pendingFacts(approval, settings.approvalUrl(approval.id), settings.durations.retryAfterMs);
}

/** Whether the tool was shown with an output schema; asked only when a call stays pending, which is rare. */
export async function hasOutputSchema(
  context: EndpointContext,
  request: { readonly token: string | undefined; readonly params: JsonObject },
): Promise<boolean> {
  try {
    const { tools } = await context.surface.list(request.token);
    const name = stringAt(request.params, "name");
    return tools.some((tool) => tool["name"] === name && isObject(tool["outputSchema"]));
  } catch {
    return false;
  }
}

function detach(running: Running, message: (id: string | number) => JsonObject, status = 200): void {
  if (!running.attached) return;
  running.attached = false;
  running.request.reply.end(message(running.request.id), status);
}
