import type { Json, JsonObject } from "@bailiwick/policy";
import { Fault } from "../../domain/fault.ts";
import { type CallIo, ToolError } from "../../domain/tool.ts";
import { objectAt, RPC, stringAt } from "../mcp-protocol/index.ts";
import type { Deadline } from "./deadline.ts";
import type { Exchanged } from "./exchanges.ts";
import { answerInputs } from "./inputs.ts";
import { EMPTY_ROUND_PAUSE_MS, MAX_INPUT_ROUNDS } from "./limits.ts";
import { pause } from "./pause.ts";
import { followTask } from "./tasks.ts";

/** A call whose first answer has come. */
export interface ModernCall {
  readonly tool: string;
  readonly method: string;
  readonly params: JsonObject;
  readonly io: CallIo | undefined;
  readonly deadline: Deadline;
}

/**
 * Brings an answer of the modern era to its final result: answers `input_required` and repeats the same request
 * with the inputs and the server's own state (SEP-2322), follows a `task` (SEP-2663). The repetition is the protocol's, not a retry.
 */
export async function finishModern(once: Exchanged, call: ModernCall, first: JsonObject): Promise<JsonObject> {
  let result = first;
  for (let round = 0; stringAt(result, "resultType") === "input_required"; round += 1) {
    if (call.io === undefined || round === MAX_INPUT_ROUNDS) throw endless(call.tool);
    const requests = objectAt(result, "inputRequests");
    const inputs = await answerInputs(requests, call.io, call.deadline);
    if (Object.keys(requests).length === 0) await pause(EMPTY_ROUND_PAUSE_MS, call.deadline.signal);
    const state = result["requestState"];
    const again: Record<string, Json> = { ...call.params };
    if (Object.keys(inputs).length > 0) again["inputResponses"] = inputs;
    if (state !== undefined) again["requestState"] = state;
    result = await once(call.method, again);
  }
  if (stringAt(result, "resultType") !== "task") return result;
  if (call.io === undefined) throw new ToolError(RPC.internal, "the tool answered with a task that was not asked for");
  return followTask(once, { tool: call.tool, io: call.io, deadline: call.deadline }, result);
}

function endless(tool: string): Fault {
  return new Fault(
    "agent_cannot_answer",
    `the tool \`${tool}\` went on asking after ${MAX_INPUT_ROUNDS} rounds of answers; the call was given up`,
  );
}
