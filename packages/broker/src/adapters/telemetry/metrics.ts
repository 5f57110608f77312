import { PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { AggregationType, InstrumentType, MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";

/** What became of one call. Labels are closed lists or names from the policy folder: nothing an agent can invent. */
export interface CallMeasure {
  readonly verdict: "allow" | "ask" | "deny";
  /** A refusal code, or `ok`, `pending`, `tool_error`, `unknown`. */
  readonly code: string;
  /** A tool of the catalog; `none` when the call named none. */
  readonly tool: string;
  readonly durationMs: number;
}

export interface Metrics {
  call(measure: CallMeasure): void;
  /** Time one step of the path took. */
  step(step: string, durationMs: number): void;
  /** Time one durable append to the log took, and how many records it carried. */
  logAppend(durationMs: number, records: number): void;
  /** Prometheus text exposition 0.0.4. */
  prometheus(): Promise<string>;
  shutdown(): Promise<void>;
}

/** Calls last from a cached refusal (under a millisecond) to a tool's timeout; seconds as Prometheus wants them. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** Label values kept per instrument; beyond it OpenTelemetry counts into one overflow series. */
const MAX_SERIES = 2_000;

/**
 * The broker's figures, through OpenTelemetry, pulled by our own `/metrics`: no port of its own.
 * `pendingApprovals` and `overdueCredentials` are asked at each scrape.
 */
export function createMetrics(options: {
  readonly pendingApprovals: () => Promise<number>;
  readonly overdueCredentials: () => Promise<number>;
  /** Spans that never reached their collector, since the start; absent: no traces are exported. */
  readonly lostSpans?: (() => number) | undefined;
}): Metrics {
  const reader = new PullReader({ cardinalitySelector: () => MAX_SERIES });
  const views = [
    {
      instrumentType: InstrumentType.HISTOGRAM,
      aggregation: { type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM, options: { boundaries: SECONDS } },
    } as const,
  ];
  const provider = new MeterProvider({ readers: [reader], views });
  const meter = provider.getMeter("bailiwick");
  const calls = meter.createCounter("bailiwick_calls", { description: "calls by verdict, code and tool" });
  const callSeconds = meter.createHistogram("bailiwick_call_duration_seconds", { unit: "s", description: "time from arrival to answer" });
  const stepSeconds = meter.createHistogram("bailiwick_step_duration_seconds", { unit: "s", description: "time by step of the path" });
  const appendSeconds = meter.createHistogram("bailiwick_log_append_duration_seconds", {
    unit: "s",
    description: "time until a record was durable",
  });
  const records = meter.createCounter("bailiwick_log_records", { description: "records made durable" });
  meter
    .createObservableGauge("bailiwick_approvals_pending", { description: "calls that wait for a person" })
    .addCallback(async (result) => result.observe(await options.pendingApprovals()));
  meter
    .createObservableGauge("bailiwick_credentials_overdue", { description: "credentials in use longer than their rotation plan says" })
    .addCallback(async (result) => result.observe(await options.overdueCredentials()));
  const { lostSpans } = options;
  if (lostSpans !== undefined) {
    meter
      .createObservableCounter("bailiwick_trace_spans_lost", { description: "spans dropped, or not taken by the collector" })
      .addCallback((result) => result.observe(lostSpans()));
  }
  const serializer = new PrometheusSerializer(undefined, false, undefined, true, true);
  return {
    call: ({ verdict, code, tool, durationMs }) => {
      calls.add(1, { verdict, code, tool });
      callSeconds.record(durationMs / 1000, { verdict });
    },
    step: (step, durationMs) => stepSeconds.record(durationMs / 1000, { step }),
    logAppend: (durationMs, count) => {
      appendSeconds.record(durationMs / 1000);
      records.add(count);
    },
    // The exporter brings its own copy of the SDK, whose enums have the same numbers.
    // oxlint-disable-next-line typescript/no-unsafe-enum-assignment
    prometheus: async () => serializer.serialize((await reader.collect()).resourceMetrics),
    shutdown: () => provider.shutdown(),
  };
}

/** Collects when asked; the official exporter always makes an HTTP server of its own. */
class PullReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}
