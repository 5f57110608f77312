import type { JsonObject } from "@bailiwick/policy";
import type { ExecutedCall } from "./execute.ts";
import { isObject } from "./paths.ts";
import type { CallPorts } from "./ports.ts";
import { recordAfter } from "./record-after.ts";
import { isFiltered, presentResult, type PresentedResult } from "./present-result.ts";
import { scrub, scrubText } from "./scrub.ts";
import type { CallAnswer } from "./types.ts";

/** What happened, for the record. */
export type OutcomeStatus = "succeeded" | "failed" | "unknown";

/** A call with the answer that may be shown to its agent. */
export interface FilteredCall extends Omit<ExecutedCall, "answer"> {
  readonly answer: CallAnswer;
  readonly status: OutcomeStatus;
  /** Records in the result that the agent is shown. */
  readonly records: number;
  /** The record as the call left it, whole; for its facts, and never shown. */
  readonly after?: JsonObject | undefined;
}

/** Takes the broker's secrets, hidden rows and hidden or masked fields out of what the tool answered. */
export function filter(ports: Pick<CallPorts, "maskSalt">, executed: ExecutedCall): FilteredCall {
  const { call } = executed.intent.permit;
  const { callId } = call;
  const { answer } = executed;
  const { secrets } = executed.equipped;
  switch (answer.kind) {
    case "unknown":
      return { ...executed, records: 0, status: "unknown", answer: { kind: "unknown", callId, message: unknownText(answer.why) } };
    case "tool_error": {
      const { code, message, data } = answer.error;
      const shownError = isFiltered(call)
        ? { message: "the tool answered with an error; its text is withheld because this agent sees this data filtered" }
        : { message: scrubText(message, secrets), ...(data === undefined ? {} : { data: scrub({ data }, secrets)["data"] }) };
      return { ...executed, records: 0, status: "failed", answer: { kind: "tool_error", callId, code, ...shownError } };
    }
    case "result": {
      const body = scrub(answer.body, secrets);
      const cleaned = presentResult(call, body, ports.maskSalt);
      const status = answer.body["isError"] === true ? "failed" : "succeeded";
      const after = recordAfter(call.action, body);
      return { ...executed, records: cleaned.records, status, after, answer: { kind: "result", callId, ...shown(callId, cleaned) } };
    }
  }
}

function shown(
  callId: string,
  cleaned: PresentedResult,
): { body: JsonObject; hidden: readonly string[]; masked: readonly string[]; rowsRemoved: number } {
  const { body, hidden, masked, rowsRemoved } = cleaned;
  const note = {
    callId,
    ...(hidden.length + masked.length + rowsRemoved === 0 ? {} : { hidden: [...hidden], masked: [...masked], rowsRemoved }),
  };
  const meta = body["_meta"];
  const kept = isObject(meta) ? meta : {};
  return { body: { ...body, _meta: { ...kept, bailiwick: note } }, hidden, masked, rowsRemoved };
}

function unknownText(why: string): string {
  return `the call was sent and its outcome is unknown (${why}); do not repeat it blindly, look at the record or ask the operator`;
}
