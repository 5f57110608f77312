import { Fault } from "../../domain/fault.ts";
import { META, TASKS_EXTENSION, isObject, objectAt, resultMessage } from "../mcp-protocol/index.ts";
import type { Running } from "./running-call.ts";
import { detach } from "./running-call.ts";

/** Whether the client would understand a task as the answer to its request. */
export function mayBecomeTask(running: Running): boolean {
  const { attached, request } = running;
  return attached && request.method === "tools/call" && isObject(objectAt(request.envelope.capabilities, "extensions")[TASKS_EXTENSION]);
}

/** Answers the request with a task; the call goes on without it. Does nothing when too many tasks are kept. */
export function becomeTask(
  running: Running,
  status: { readonly ttlMs?: number | undefined; readonly pollMs?: number | undefined; readonly message?: string | undefined },
): void {
  const { context, request } = running;
  const task = context.tasks.create({
    principal: request.principal,
    agent: request.session.agent,
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
