import type { JsonObject } from "@bailiwick/policy";
import { type AgentRequest, type CallIo, ToolError } from "../../domain/tool.ts";
import { isObject, objectAt, RPC, stringAt } from "../mcp-protocol/index.ts";
import type { Deadline } from "./deadline.ts";
import { askAgent, askMethod } from "./exchanges.ts";

/** Answers all questions at once, under the server's own keys. */
export async function answerInputs(requests: JsonObject, io: CallIo, deadline: Deadline): Promise<JsonObject> {
  const entries = Object.entries(requests).map(async ([key, request]): Promise<[string, JsonObject]> => {
    const method = isObject(request) ? askMethod(stringAt(request, "method")) : undefined;
    if (method === undefined || !isObject(request)) {
      throw new ToolError(RPC.internal, "the tool asked for an input of a kind that is not known");
    }
    return [key, await answerInput({ method, params: objectAt(request, "params"), key }, io, deadline)];
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** An elicitation can be answered with "nobody decided"; the other kinds have no such answer and end the call. */
async function answerInput(request: AgentRequest, io: CallIo, deadline: Deadline): Promise<JsonObject> {
  try {
    return await askAgent(io, deadline, request);
  } catch (error) {
    if (request.method === "elicitation/create" && !deadline.signal.aborted) return { action: "cancel" };
    throw error;
  }
}
