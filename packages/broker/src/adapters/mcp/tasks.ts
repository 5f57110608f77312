import { randomBytes } from "node:crypto";
import type { JsonObject } from "@bailiwick/policy";
import type { Presented } from "../../call/presented.ts";
import type { RpcError } from "../mcp-protocol/index.ts";
import type { Asks } from "./asks.ts";
import type { Shaped } from "./answers.ts";
import { MAX_TASKS, MAX_TASKS_EACH } from "./settings.ts";
import { createShares } from "./shares.ts";

/** One call that goes on after its HTTP request was answered (tasks extension, SEP-2663). */
export interface Task {
  readonly id: string;
  readonly principal: string;
  /** Changes what `tasks/get` says while the call works. */
  describe(status: { readonly statusMessage?: string | undefined; readonly pollIntervalMs?: number | undefined }): void;
  settle(shaped: Shaped): void;
  cancel(): void;
  /** Answers open questions by key; unknown keys are left alone. */
  answer(responses: ReadonlyMap<string, JsonObject>): void;
  /** The answer to the request that created it: no result, error or questions (those are read by `tasks/get`). */
  created(): JsonObject;
  detailed(): JsonObject;
  /** Called with what the poller presents each time the agent polls, until the task ends. */
  onPoll: ((presented: Presented) => void) | undefined;
}

export interface TaskStore {
  /** Returns undefined when too many tasks are kept already. */
  create(options: {
    readonly principal: string;
    readonly agent: string;
    readonly asks: Asks;
    readonly ttlMs: number;
    readonly pollIntervalMs: number;
    readonly statusMessage: string | undefined;
    readonly onCancel: () => void;
  }): Task | undefined;
  /** Undefined for unknown ids and for those of another principal: the two look alike. */
  find(principal: string, id: string): Task | undefined;
  close(): void;
}

type Ended =
  | { readonly status: "completed"; readonly result: JsonObject }
  | { readonly status: "failed"; readonly error: RpcError }
  | { readonly status: "cancelled" };

/** Tasks live in memory until their time to live is over; one still working then is cancelled. */
export function createTaskStore(now: () => Date): TaskStore {
  const tasks = new Map<string, { readonly task: Task; readonly end: () => void }>();
  const shares = createShares(MAX_TASKS, MAX_TASKS_EACH);
  return {
    create(options) {
      if (!shares.take(options.agent)) return undefined;
      const task = createTask(now, options);
      const timer = setTimeout(
        () => {
          tasks.delete(task.id);
          shares.give(options.agent);
          task.cancel();
        },
        Math.min(options.ttlMs, MAX_TIMER_MS),
      );
      timer.unref();
      tasks.set(task.id, { task, end: () => clearTimeout(timer) });
      return task;
    },
    find(principal, id) {
      const task = tasks.get(id)?.task;
      return task?.principal === principal ? task : undefined;
    },
    close() {
      for (const { task, end } of tasks.values()) {
        end();
        task.cancel();
      }
      tasks.clear();
    },
  };
}

/** The longest delay that timers of JavaScript take. */
const MAX_TIMER_MS = 2_147_483_647;

function createTask(now: () => Date, options: Parameters<TaskStore["create"]>[0]): Task {
  const id = `task_${randomBytes(16).toString("base64url")}`;
  const createdAt = now().toISOString();
  let updatedAt = createdAt;
  let { statusMessage, pollIntervalMs } = options;
  let ended: Ended | undefined;

  function end(how: Ended): void {
    if (ended !== undefined) return;
    ended = how;
    updatedAt = now().toISOString();
    task.onPoll = undefined;
  }

  function base(status: string): JsonObject {
    const ttlMs = Math.max(1, Math.round(options.ttlMs));
    return {
      taskId: id,
      status,
      createdAt,
      lastUpdatedAt: updatedAt,
      ttlMs,
      pollIntervalMs,
      ...(statusMessage === undefined ? {} : { statusMessage }),
    };
  }

  const task: Task = {
    id,
    principal: options.principal,
    onPoll: undefined,
    describe(status) {
      statusMessage = status.statusMessage ?? statusMessage;
      pollIntervalMs = status.pollIntervalMs ?? pollIntervalMs;
      updatedAt = now().toISOString();
    },
    settle(shaped) {
      if ("result" in shaped) return end({ status: "completed", result: shaped.result });
      end({ status: "failed", error: shaped.error });
    },
    cancel() {
      if (ended !== undefined) return;
      end({ status: "cancelled" });
      options.onCancel();
    },
    answer(responses) {
      if (options.asks.answer(responses) > 0) updatedAt = now().toISOString();
    },
    created: () => base("working"),
    detailed() {
      if (ended === undefined)
        return options.asks.size > 0 ? { ...base("input_required"), inputRequests: options.asks.requests() } : base("working");
      if (ended.status === "completed") return { ...base("completed"), result: ended.result };
      if (ended.status === "failed") {
        const { code, message, data } = ended.error;
        return { ...base("failed"), error: data === undefined ? { code, message } : { code, message, data } };
      }
      return base("cancelled");
    },
  };
  return task;
}
