import { BatchSpanProcessor, type ReadableSpan, type SpanExporter, type SpanProcessor } from "@opentelemetry/sdk-trace";

/** Spans that wait while the collector is slow or away; more are dropped. About 4 MB. */
export const MAX_WAITING_SPANS = 2_048;
/** How long a stopping broker waits for its collector. */
const SHUTDOWN_MS = 2_000;

/** A queue towards a collector that never blocks and says how much it lost. */
export interface BoundedExport extends SpanProcessor {
  lost(): number;
}

/** Batches spans on their way to `exporter`. The counting is ours: the processor of the SDK drops without a word. */
export function boundedExport(exporter: SpanExporter, onCollector: (up: boolean) => void = () => undefined): BoundedExport {
  let waiting = 0;
  let sent = 0;
  let lost = 0;
  let up = true;
  let ended = false;
  let ending: Promise<void> | undefined;
  const counted: SpanExporter = {
    export(spans, done) {
      waiting -= spans.length;
      sent += spans.length;
      exporter.export(spans, (result) => {
        sent -= spans.length;
        const taken = result.error === undefined;
        if (!taken) lost += spans.length;
        if (taken !== up) onCollector(taken);
        up = taken;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
  const batches = new BatchSpanProcessor({ exporter: counted, maxQueueSize: MAX_WAITING_SPANS });
  return {
    onStart: () => undefined,
    onEnd(span: ReadableSpan) {
      if ((span.spanContext().traceFlags & 1) === 0) return;
      if (waiting >= MAX_WAITING_SPANS) {
        lost += 1;
        return;
      }
      waiting += 1;
      batches.onEnd(span);
    },
    forceFlush: () => batches.forceFlush(),
    shutdown() {
      ending ??= end();
      return ending;
    },
    lost: () => (ended ? lost + waiting + sent : lost),
  };

  async function end(): Promise<void> {
    const { promise: tooLong, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, SHUTDOWN_MS);
    await Promise.race([batches.shutdown().catch(() => undefined), tooLong]);
    clearTimeout(timer);
    ended = true;
  }
}
