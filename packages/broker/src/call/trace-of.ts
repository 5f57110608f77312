import type { TraceContext } from "../domain/trace-context.ts";
import type { IncomingCall } from "./types.ts";

/** What a call tells its tool of the trace it belongs to. */
export function traceOf({ traceparent, tracestate }: Pick<IncomingCall, "traceparent" | "tracestate">): TraceContext | undefined {
  return traceparent === undefined ? undefined : { traceparent, tracestate };
}
