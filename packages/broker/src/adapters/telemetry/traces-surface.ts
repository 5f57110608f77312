import { type Span, SpanKind, type Tracer } from "@opentelemetry/api";
import type { Operation, Policy } from "@bailiwick/policy";
import { BROKER_TOOLS, entryFor } from "../../call/names.ts";
import type { RefusalCode } from "../../call/refusal.ts";
import type { AgentSurface } from "../../call/surface.ts";
import type { CallAnswer, IncomingCall } from "../../call/types.ts";
import { contextOf, failed, parentOf, within } from "./traces-context.ts";
import { BAILIWICK, GEN_AI, GENERAL } from "./traces-names.ts";
import { methodOf, operationAttributes } from "./traces-operation.ts";

/**
 * The same surface with one span for each call, under the agent's own. From then on the call carries our span as its trace, so that record and
 * tool name it. Named as the conventions for generative AI have it, and of the kind that those for MCP give to the side that answers.
 */
export function tracedSurface(tracer: Tracer, surface: AgentSurface, policy: () => Policy): AgentSurface {
  return {
    ...surface,
    handle: (call) => {
      const named = entryFor(policy(), call.kind, call.name) !== undefined;
      return traced(tracer, { kind: call.kind, name: named ? call.name : undefined }, call, (own) => surface.handle(own));
    },
    resume: (ticket, call) => traced(tracer, { kind: "tool", name: BROKER_TOOLS[0] }, call, (own) => surface.resume(ticket, own)),
    requestElevation: (args, call) =>
      traced(tracer, { kind: "tool", name: BROKER_TOOLS[1] }, call, (own) => surface.requestElevation(args, own)),
  };
}

interface Asked {
  readonly kind: Operation["kind"];
  /** Absent when the catalog has no such name: a span's name is none that an agent can invent. */
  readonly name: string | undefined;
}

async function traced<Call extends Pick<IncomingCall, "traceparent" | "tracestate">>(
  tracer: Tracer,
  asked: Asked,
  call: Call,
  handle: (call: Call) => Promise<CallAnswer>,
): Promise<CallAnswer> {
  const { traceparent, tracestate } = call;
  const parent = traceparent === undefined ? {} : { traceparent, tracestate };
  const span = tracer.startSpan(nameOf(asked), { kind: SpanKind.SERVER, attributes: operationAttributes(asked) }, parentOf(parent));
  try {
    const answer = await within(span, () => handle({ ...call, ...contextOf(span) }));
    tell(span, answer);
    return answer;
  } catch (thrown) {
    failed(span, "_OTHER");
    throw thrown;
  } finally {
    span.end();
  }
}

function nameOf({ kind, name }: Asked): string {
  const verb = kind === "tool" ? GEN_AI.executeTool : methodOf(kind);
  return name === undefined || kind === "resource" ? verb : `${verb} ${name}`;
}

function tell(span: Span, answer: CallAnswer): void {
  if (answer.callId !== undefined) span.setAttribute(BAILIWICK.callId, answer.callId);
  switch (answer.kind) {
    case "result":
      span.setAttribute(BAILIWICK.code, "ok");
      if (answer.body["isError"] === true) failed(span, "tool_error");
      return;
    case "tool_error":
      span.setAttributes({ [BAILIWICK.code]: "tool_error", [GENERAL.responseStatus]: String(answer.code) });
      if (isServersFault(answer.code)) failed(span, String(answer.code));
      return;
    case "pending":
    case "pending_elevation":
      span.setAttributes({ [BAILIWICK.code]: "pending", [BAILIWICK.verdict]: "ask" });
      return;
    case "refused":
      span.setAttributes({ [BAILIWICK.code]: answer.code, [BAILIWICK.verdict]: "deny" });
      if (BROKEN.has(answer.code)) failed(span, answer.code);
      return;
    case "unknown":
      span.setAttribute(BAILIWICK.code, "unknown");
      failed(span, "unknown");
  }
}

/** A part failed; every other refusal is the broker doing its work. */
const BROKEN: ReadonlySet<RefusalCode> = new Set([
  "tool_unavailable",
  "credential_unavailable",
  "log_unavailable",
  "store_unavailable",
  "internal_fault",
] as const);

/** JSON-RPC 2.0, section 5.1: the other codes say that the request was wrong. */
function isServersFault(code: number): boolean {
  return code === -32_603 || (code >= -32_099 && code <= -32_000);
}
