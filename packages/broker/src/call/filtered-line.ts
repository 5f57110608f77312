import { Fault } from "../domain/fault.ts";
import type { CallIo } from "../domain/tool.ts";
import { isFiltered } from "./present-result.ts";
import type { DecidedCall } from "./types.ts";

/**
 * The line to an agent that sees this action's records filtered: what a tool says while it works is free text, in which nobody can tell the
 * records apart, so of progress only the figures pass and of messages nothing. A question that the tool has for the agent cannot be put
 * either: shown without its text somebody would answer they know not what.
 */
export function filteredLine(call: DecidedCall, io: CallIo): CallIo {
  if (!isFiltered(call)) return io;
  const { task } = io;
  return {
    ...io,
    progress: ({ progress, total }) => io.progress({ progress, total }),
    log: () => undefined,
    ask: (request) => (request.method === "roots/list" ? io.ask(request) : Promise.reject(unasked())),
    ...(task === undefined ? {} : { task: ({ status, pollIntervalMs, ttlMs }) => task({ status, pollIntervalMs, ttlMs }) }),
  };
}

function unasked(): Fault {
  return new Fault(
    "agent_cannot_answer",
    "the agent sees this data filtered, and a tool's question may show what it must not see; give the tool what it needs as arguments",
  );
}
