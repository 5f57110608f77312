import type { JsonObject } from "@bailiwick/policy";
import type { CallAnswer, Waiting } from "../../call/types.ts";
import type { Asks } from "./asks.ts";
import type { EndpointContext, ModernRequest } from "./context.ts";
import type { Asked } from "./operation.ts";
import type { Binding } from "./request-state.ts";
import type { Task } from "./tasks.ts";

/** A governed call of the modern era while it runs. It outlives the HTTP request when it becomes a task or waits for an answer. */
export interface Running {
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
  waiting: Waiting | undefined;
  /** The answer, when it came while no request was attached. */
  settled: CallAnswer | undefined;
  flushing: boolean;
}

export function bindingOf(request: ModernRequest): Binding {
  return { principal: request.principal, method: request.method, params: request.params };
}

/** Answers the attached HTTP request; the call itself may go on. */
export function detach(running: Running, message: (id: string | number) => JsonObject, status = 200): void {
  if (!running.attached) return;
  running.attached = false;
  running.request.reply.end(message(running.request.id), status);
}
