import type { JsonObject } from "@bailiwick/policy";
import { Fault } from "../../domain/fault.ts";
import { type CallIo, ToolError } from "../../domain/tool.ts";
import { isObject, numberAt, objectAt, RPC, stringAt } from "../mcp-protocol/index.ts";
import { createDeadline, type Deadline } from "./deadline.ts";
import type { Exchanged } from "./exchanges.ts";
import { SMALL_REQUEST_TIMEOUT_MS, TASK_MAX_MS, TASK_POLL_DEFAULT_MS, TASK_POLL_MAX_MS, TASK_POLL_MIN_MS } from "./limits.ts";
import { answerInputs } from "./inputs.ts";
import { pause } from "./pause.ts";

export interface TaskCall {
  readonly tool: string;
  readonly io: CallIo;
  readonly deadline: Deadline;
}

/**
 * Polls a task until it ends and returns its result (SEP-2663). Questions on the way go to the agent, answers back by `tasks/update`.
 * Cancelling the call cancels the task at the server.
 */
export async function followTask(once: Exchanged, call: TaskCall, created: JsonObject): Promise<JsonObject> {
  const taskId = stringAt(created, "taskId");
  if (taskId === undefined) throw new ToolError(RPC.internal, "the tool answered with a task without an id");
  const ttlMs = durationAt(created, "ttlMs");
  call.deadline.extend(Math.min(ttlMs ?? TASK_MAX_MS, TASK_MAX_MS));
  try {
    return await poll(once, call, taskId, created);
  } catch (error) {
    if (call.deadline.signal.aborted) await giveUp(once, taskId);
    throw error;
  }
}

async function poll(once: Exchanged, call: TaskCall, taskId: string, created: JsonObject): Promise<JsonObject> {
  const answered = new Set<string>();
  let told: string | undefined;
  let task = created;
  for (;;) {
    const status = stringAt(task, "status") ?? "working";
    const news = `${status}\n${stringAt(task, "statusMessage") ?? ""}`;
    if (news !== told && !TERMINAL.has(status)) call.io.task?.(statusOf(task, status));
    told = news;
    // The creation names no result, even of a task that has ended already.
    if (task !== created) {
      if (status === "completed") return objectAt(task, "result");
      if (status === "failed") throw failure(task);
      if (status === "cancelled") throw new ToolError(RPC.internal, "the tool cancelled the task of this call");
    }
    if (status === "input_required") await answerNew(once, call, taskId, objectAt(task, "inputRequests"), answered);
    await pause(pollIntervalMs(task), call.deadline.signal);
    task = await once("tasks/get", { taskId });
  }
}

/** A question stays listed until the server has taken in its answer; it is put to the agent once. */
async function answerNew(once: Exchanged, call: TaskCall, taskId: string, requests: JsonObject, answered: Set<string>): Promise<void> {
  const fresh = Object.fromEntries(Object.entries(requests).filter(([key]) => !answered.has(key)));
  if (Object.keys(fresh).length === 0) return;
  const inputResponses = await answerInputs(fresh, call.io, call.deadline);
  for (const key of Object.keys(fresh)) answered.add(key);
  await once("tasks/update", { taskId, inputResponses });
}

function statusOf(task: JsonObject, status: string): Parameters<NonNullable<CallIo["task"]>>[0] {
  return {
    status,
    statusMessage: stringAt(task, "statusMessage"),
    pollIntervalMs: durationAt(task, "pollIntervalMs"),
    ttlMs: durationAt(task, "ttlMs"),
  };
}

function failure(task: JsonObject): Error {
  const error = task["error"];
  if (!isObject(error)) return new ToolError(RPC.internal, "the task of this call failed without a reason");
  return new ToolError(
    numberAt(error, "code") ?? RPC.internal,
    stringAt(error, "message") ?? "the task of this call failed",
    error["data"],
  );
}

function pollIntervalMs(task: JsonObject): number {
  const wished = durationAt(task, "pollIntervalMs") ?? TASK_POLL_DEFAULT_MS;
  return Math.min(Math.max(wished, TASK_POLL_MIN_MS), TASK_POLL_MAX_MS);
}

const TERMINAL: ReadonlySet<string> = new Set(["completed", "failed", "cancelled"]);

/** Failing to cancel changes nothing for the caller, who has gone. */
async function giveUp(once: Exchanged, taskId: string): Promise<void> {
  const deadline = createDeadline({ timeoutMs: SMALL_REQUEST_TIMEOUT_MS, outer: undefined, onTimeout: unconfirmed });
  try {
    await once("tasks/cancel", { taskId }, deadline);
  } catch (error) {
    if (!(error instanceof Fault) && !(error instanceof ToolError)) throw error;
  } finally {
    deadline.end();
  }
}

function unconfirmed(): Fault {
  return new Fault("tool_timeout", "the tool did not confirm that it cancelled the task");
}

function durationAt(object: JsonObject, key: string): number | undefined {
  const value = numberAt(object, key);
  return value !== undefined && value >= 0 ? value : undefined;
}
