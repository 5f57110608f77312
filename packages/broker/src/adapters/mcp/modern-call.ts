import type { JsonObject } from "@bailiwick/policy";
import type { Presented } from "../../call/presented.ts";
import type { CallAnswer, Waiting } from "../../call/types.ts";
import { Fault } from "../../domain/fault.ts";
import { RPC, resultMessage } from "../mcp-protocol/index.ts";
import { waitingText } from "./answers.ts";
import { createAsks, inputResponses } from "./asks.ts";
import { becomeTask, mayBecomeTask } from "./become-task.ts";
import type { EndpointContext, ModernRequest } from "./context.ts";
import { ioOf } from "./modern-io.ts";
import { respond, shape, stillWaiting } from "./modern-respond.ts";
import { finishModern } from "./modern-result.ts";
import type { Asked } from "./operation.ts";
import { askSurface, statedReason, traceOf, wishedWaitMs } from "./operation.ts";
import type { Held } from "./request-state.ts";
import { RpcFault } from "./rpc-fault.ts";
import type { Running } from "./running-call.ts";
import { bindingOf, detach } from "./running-call.ts";
import type { Task } from "./tasks.ts";

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
    waiting: undefined,
    settled: undefined,
    flushing: false,
  };
  attach(running, request);
  // The agent may have gone while its headers were compared.
  if (running.attached) run(running, asked, request.presented);
}

function run(running: Running, asked: Asked, presented: Presented): void {
  const { context, request } = running;
  const { leaseMs } = context.settings.durations;
  const call = {
    presented,
    peer: request.peer,
    statedReason: statedReason(request.params),
    ...traceOf(request.params, request.headers),
    io: ioOf(running),
    patience: {
      waitMs: Math.min(wishedWaitMs(request.params) ?? leaseMs, leaseMs),
      onHeld: (waiting: Waiting) => onHeld(running, waiting),
      onAsked: (waiting: Waiting) => onHeld(running, waiting),
    },
  };
  askSurface(context.surface, asked, call).then(
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

/** A person was asked. A task answers at once; otherwise headers go out now, because clients give up on silence. */
function onHeld(running: Running, waiting: Waiting): void {
  running.waiting = waiting;
  if (running.task !== undefined) return running.task.describe({ statusMessage: waitingText(waiting) });
  if (wishedWaitMs(running.request.params) !== undefined) return;
  const { now } = running.context.settings;
  if (mayBecomeTask(running)) {
    becomeTask(running, {
      ttlMs: Math.max(waiting.expiresAt.getTime() - now().getTime(), 0) + TASK_GRACE_MS,
      message: waitingText(waiting),
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
    request.session.agent,
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
  // The next leg runs as the poller's request: a session is shorter than a person's pause.
  task.onPoll = (presented) => {
    task.onPoll = undefined;
    run(running, { what: "ticket", ticket: waiting.id }, presented);
  };
}
