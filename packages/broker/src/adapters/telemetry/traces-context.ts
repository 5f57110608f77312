import { AsyncLocalStorage } from "node:async_hooks";
import {
  type Context,
  createTraceState,
  ROOT_CONTEXT,
  type Span,
  type SpanOptions,
  SpanStatusCode,
  trace,
  type Tracer,
} from "@opentelemetry/api";
import { Refusal } from "../../call/refusal.ts";
import { Fault } from "../../domain/fault.ts";
import { ToolError } from "../../domain/tool.ts";
import type { TraceContext } from "../../domain/trace-context.ts";
import { BAILIWICK, GENERAL } from "./traces-names.ts";

/** The call that the code running now works for. Kept here and not in OpenTelemetry's global registry, which belongs to the process. */
const current = new AsyncLocalStorage<{ readonly span: Span; readonly context: Context }>();

export function currentSpan(): Span | undefined {
  return current.getStore()?.span;
}

/** Runs `work` as what the span is about. */
export function within<T>(span: Span, work: () => T): T {
  return current.run({ span, context: trace.setSpan(ROOT_CONTEXT, span) }, work);
}

/** Where a span that begins a call hangs: under the agent's, or nowhere. */
export function parentOf({ traceparent, tracestate }: Partial<TraceContext>): Context {
  const [, traceId, spanId, flags] = traceparent?.split("-") ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & SAMPLED,
    isRemote: true,
    ...(tracestate === undefined ? {} : { traceState: createTraceState(tracestate) }),
  });
}

/** What the next one in the line is told: this span is its parent (W3C Trace Context, section 3.2). */
export function contextOf(span: Span): TraceContext {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext();
  const traceparent = `00-${traceId}-${spanId}-${(traceFlags & SAMPLED).toString(16).padStart(2, "0")}`;
  const tracestate = traceState?.serialize() ?? "";
  return { traceparent, tracestate: tracestate === "" ? undefined : tracestate };
}

const SAMPLED = 1;

/**
 * A step of the call that runs now, as a span under the call's. Outside of a call there is no span. What the step throws passes; a refusal is
 * a judgement and no error of the step. Messages are left out: they may hold what the agent or the tool said.
 */
export async function step<T>(
  tracer: Tracer,
  name: string,
  options: SpanOptions,
  work: (span: Span | undefined) => Promise<T>,
): Promise<T> {
  const call = current.getStore();
  if (call === undefined) return work(undefined);
  const span = tracer.startSpan(name, options, call.context);
  try {
    return await work(span);
  } catch (thrown) {
    if (thrown instanceof Refusal) span.setAttribute(BAILIWICK.code, thrown.code);
    else failed(span, errorType(thrown));
    if (thrown instanceof ToolError) span.setAttribute(GENERAL.responseStatus, String(thrown.code));
    throw thrown;
  } finally {
    span.end();
  }
}

export function failed(span: Span, type: string): void {
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.setAttribute(GENERAL.errorType, type);
}

function errorType(thrown: unknown): string {
  if (thrown instanceof Fault) return thrown.code;
  return thrown instanceof ToolError ? String(thrown.code) : "_OTHER";
}
