import type { JsonObject } from "@bailiwick/policy";
import { Fault } from "../domain/fault.ts";
import { ToolError } from "../domain/tool.ts";
import { redeem } from "./approve.ts";
import { contentLine } from "./content-line.ts";
import { elapsedMs } from "./elapsed.ts";
import { changedIn } from "./expects.ts";
import { filteredLine } from "./filtered-line.ts";
import { reviewedFingerprint } from "./identify.ts";
import type { EquippedCall } from "./inject.ts";
import { settleUnsent } from "./record.ts";
import { MAX_RESULT_BYTES } from "./result-limit.ts";
import type { CallPorts } from "./ports.ts";
import { Refusal } from "./refusal.ts";
import { toolCaller } from "./tool-caller.ts";
import { traceOf } from "./trace-of.ts";
import type { LimitedCall } from "./types.ts";
import { noteRefused } from "./upstream.ts";

/** What came back from the tool, unfiltered: nothing of it has been shown to the agent. */
export interface ExecutedCall extends EquippedCall {
  readonly answer:
    | { readonly kind: "result"; readonly body: JsonObject }
    | { readonly kind: "tool_error"; readonly error: ToolError }
    /** Sent, and the broker cannot say what happened. */
    | { readonly kind: "unknown"; readonly why: string };
  /** From the sending to the answer, or to when no answer was expected any more. */
  readonly upstreamMs: number;
}

/**
 * Takes the permit back (arguments, policy version, single use) and sends the call, once. Never retries.
 * @throws Refusal when the permit no longer covers the call or nothing was sent; the outcome is recorded.
 */
export async function execute(ports: CallPorts, equipped: EquippedCall): Promise<ExecutedCall> {
  const { intent, connection } = equipped;
  let sentAt = ports.now();
  const ended = (answer: ExecutedCall["answer"]): ExecutedCall => ({ ...equipped, answer, upstreamMs: elapsedMs(ports, sentAt) });
  const running = ports.running.begin(intent.permit.call.session, intent.permit.call.incoming.io);
  try {
    await requireSameTool(ports, intent.permit.call);
    const call = redeem(ports, intent.permit);
    sentAt = ports.now();
    const body = await connection.invoke(
      call.operation,
      { ...call.pushed, ...call.args, ...call.opened },
      {
        timeoutMs: call.action.timeoutMs,
        maxBytes: MAX_RESULT_BYTES,
        equipment: equipped.equipped.equipment,
        io: contentLine(ports, call, filteredLine(call, running.io)),
        ...(call.views === undefined ? {} : { views: call.views, maskSalt: ports.maskSalt }),
        caller: toolCaller(call.caller),
        ...(call.incoming.expects === undefined ? {} : { changed: (record: JsonObject) => changedIn(call, record) }),
        trace: traceOf(call.incoming),
      },
    );
    return ended({ kind: "result", body });
  } catch (thrown) {
    if (thrown instanceof ToolError) return ended({ kind: "tool_error", error: thrown });
    const { tool, connection: key, session } = intent.permit.call;
    const failure = noteRefused(ports, tool, { ...key, session }, thrown);
    if (failure instanceof Refusal || (failure instanceof Fault && nothingWasSent(failure)))
      throw await settleUnsent(ports, intent, failure);
    return ended({ kind: "unknown", why: failure instanceof Fault ? failure.message : "the connection to the tool failed" });
  } finally {
    running.done();
  }
}

// A tool that restarted since the call was identified may have come back as something else than what a person reviewed.
async function requireSameTool(ports: CallPorts, call: LimitedCall): Promise<void> {
  const now = await reviewedFingerprint(ports, call, call.connection);
  if (now !== call.fingerprint)
    throw new Refusal("tool_unreviewed", "the tool changed while this call was under way; repeat it to have it decided again");
}

function nothingWasSent(fault: Fault): boolean {
  return fault.code === "tool_unavailable" || fault.code === "credential_unavailable";
}
