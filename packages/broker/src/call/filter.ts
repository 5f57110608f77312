import type { JsonObject } from "@bailiwick/policy";
import type { ExecutedCall } from "./execute.ts";
import { isObject } from "./paths.ts";
import type { CallPorts } from "./ports.ts";
import { sealing } from "./pages.ts";
import { recordAfter } from "./record-after.ts";
import { isFiltered, presentResult, type PresentedResult } from "./present-result.ts";
import { scrub, scrubText } from "./scrub.ts";
import type { ContentMasking, FoundKinds } from "./content-tools.ts";
import { contentOfError, contentOfResult } from "./content-results.ts";
import { named } from "./naming.ts";
import { namesOfRun, withTokens } from "./tokens.ts";
import type { CallAnswer, LimitedCall } from "./types.ts";
import { WITHHELD_ERROR } from "./withheld.ts";

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
  /** How often each kind that the rules look for was found in it; absent where nothing was. */
  readonly found?: FoundCounts | undefined;
}

/** By kind, never what was found. */
export type FoundCounts = Readonly<Record<string, number>>;

/** Takes the broker's secrets, hidden rows, hidden or masked fields and what the rules on texts look for out of what the tool answered. */
export async function filter(ports: Pick<CallPorts, "maskSalt" | "tokens">, executed: ExecutedCall): Promise<FilteredCall> {
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
        ? { message: WITHHELD_ERROR }
        : { message: scrubText(message, secrets), ...(data === undefined ? {} : { data: scrub({ data }, secrets)["data"] }) };
      const { body, found } = await withNames(ports, call, (masking, counts) => ({
        body: contentOfError(call, { ...shownError }, masking, counts),
      }));
      const answered = { message: String(body["message"]), ...(body["data"] === undefined ? {} : { data: body["data"] }) };
      return { ...executed, records: 0, status: "failed", found, answer: { kind: "tool_error", callId, code, ...answered } };
    }
    case "result": {
      const body = scrub(answer.body, secrets);
      const cleaned = await withNames(ports, call, (masking, counts) => {
        const presented = presentResult(call, body, { ...masking, seal: sealing(ports, call) });
        return { ...presented, body: contentOfResult(call, presented.body, masking, counts) };
      });
      const status = answer.body["isError"] === true ? "failed" : "succeeded";
      const after = recordAfter(call.action, body);
      return {
        ...executed,
        records: cleaned.records,
        status,
        after,
        found: cleaned.found,
        answer: { kind: "result", callId, ...shown(callId, cleaned) },
      };
    }
  }
}

/**
 * Does the work with names for values, and then calls by name what the run already has a name for: also where no rule asks for it, a tool that
 * says back what it was sent must not tell the agent what a token stands for.
 */
async function withNames<T extends { readonly body: JsonObject }>(
  ports: Pick<CallPorts, "maskSalt" | "tokens">,
  call: LimitedCall,
  work: (masking: ContentMasking, found: FoundKinds) => T,
): Promise<T & { readonly found?: FoundCounts | undefined }> {
  const { done, found } = await withTokens(ports, call.session, (token) => {
    const counts: FoundKinds = new Map();
    return { done: work({ maskSalt: ports.maskSalt, token }, counts), found: counts };
  });
  const body = named(done.body, await namesOfRun(ports, call));
  return { ...done, body, ...(found.size === 0 ? {} : { found: Object.fromEntries(found) }) };
}

function shown(
  callId: string,
  cleaned: PresentedResult & { readonly found?: FoundCounts | undefined },
): { body: JsonObject; hidden: readonly string[]; masked: readonly string[]; rowsRemoved: number } {
  const { body, hidden, masked, rowsRemoved, found } = cleaned;
  const note = {
    callId,
    ...(hidden.length + masked.length + rowsRemoved === 0 ? {} : { hidden: [...hidden], masked: [...masked], rowsRemoved }),
    ...(found === undefined ? {} : { found }),
  };
  const meta = body["_meta"];
  const kept = isObject(meta) ? meta : {};
  return { body: { ...body, _meta: { ...kept, bailiwick: note } }, hidden, masked, rowsRemoved };
}

function unknownText(why: string): string {
  return `the call was sent and its outcome is unknown (${why}); do not repeat it blindly, look at the record or ask the operator`;
}
