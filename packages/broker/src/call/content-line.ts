import { type JsonObject, REDACTED } from "@bailiwick/policy";
import { Fault } from "../domain/fault.ts";
import type { CallIo } from "../domain/tool.ts";
import { mayAnswer } from "./content.ts";
import { contentOfError } from "./content-results.ts";
import type { CallPorts } from "./ports.ts";
import type { DecidedCall } from "./types.ts";

/**
 * The line to an agent under rules on texts: what a tool says while it works is looked through like a result, and gets no tokens; what the agent
 * answers to a tool's question like an argument.
 */
export function contentLine({ maskSalt, labelled }: Pick<CallPorts, "maskSalt" | "labelled">, call: DecidedCall, io: CallIo): CallIo {
  if (call.decision.content === undefined) return io;
  const cleaned = (text: JsonObject): JsonObject => contentOfError(call, text, { maskSalt, token: () => REDACTED }, new Map());
  const { task } = io;
  return {
    ...io,
    progress: ({ message, ...figures }) =>
      io.progress(message === undefined ? figures : { ...figures, message: String(cleaned({ message })["message"]) }),
    log: (message) => io.log(cleaned(message)),
    ask: async (request) => {
      const answer = await io.ask({ ...request, params: cleaned(request.params) });
      if (!mayAnswer(labelled, call, answer)) throw unsent();
      return answer;
    },
    ...(task === undefined
      ? {}
      : {
          task: ({ statusMessage, ...status }) =>
            task(statusMessage === undefined ? status : { ...status, statusMessage: String(cleaned({ statusMessage })["statusMessage"]) }),
        }),
  };
}

function unsent(): Fault {
  return new Fault("agent_cannot_answer", "the answer to the tool's question holds what may not leave with this call; answer without it");
}
