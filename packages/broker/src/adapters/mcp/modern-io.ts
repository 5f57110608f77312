import type { JsonObject } from "@bailiwick/policy";
import { Fault } from "../../domain/fault.ts";
import type { AgentRequest, CallIo } from "../../domain/tool.ts";
import { LOG_LEVELS, notificationMessage, stringAt } from "../mcp-protocol/index.ts";
import { requireCapability } from "./asks.ts";
import { becomeTask, mayBecomeTask } from "./become-task.ts";
import type { Running } from "./running-call.ts";

/** The line from a running call to its agent, whichever HTTP request is attached at the time. */
export function ioOf(running: Running): CallIo {
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
