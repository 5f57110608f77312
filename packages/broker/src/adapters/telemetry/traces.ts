import { resourceFromAttributes } from "@opentelemetry/resources";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider } from "@opentelemetry/sdk-trace";
import type { Policy } from "@bailiwick/policy";
import { z } from "zod";
import type { CallPorts } from "../../call/ports.ts";
import type { AgentSurface } from "../../call/surface.ts";
import { boundedExport } from "./traces-export.ts";
import { GENERAL } from "./traces-names.ts";
import { tracedPorts } from "./traces-ports.ts";
import { tracedSurface } from "./traces-surface.ts";

/** `traces` in `log.yaml`. */
export const tracesSchema = z.strictObject({ endpoint: z.url({ protocol: /^https?$/u, error: "must be an http or https URL" }) });

export interface TraceOptions {
  /** From `log.yaml`; wins over the environment. */
  readonly settings?: z.output<typeof tracesSchema> | undefined;
  /** Read: `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_TRACES_SAMPLER_ARG`, `OTEL_SERVICE_NAME`, `OTEL_SDK_DISABLED`. */
  readonly environment: (name: string) => string | undefined;
  readonly version: string;
  readonly brokerId: string;
  /** Told once when the collector stops taking spans, and once when it takes them again. */
  readonly onCollector?: ((up: boolean) => void) | undefined;
}

/** Spans of calls, exported by OTLP over HTTP. */
export interface Traces {
  /** The same ports, with a span around each use that takes time. */
  ports(ports: CallPorts): CallPorts;
  /** The same surface, with a span for each call. */
  surface(surface: AgentSurface, policy: () => Policy): AgentSurface;
  /** Spans that were lost since the start: the queue was full, or the collector did not take them. */
  lost(): number;
  /** Sends what waits, for at most two seconds. */
  shutdown(): Promise<void>;
}

/**
 * Opens the way to the collector that the settings or the environment name. Without one, ports and surface are handed back as they came.
 * @throws Error when the environment names an address or a ratio that is none.
 */
export function openTraces(options: TraceOptions): Traces {
  const url = collector(options);
  if (url === undefined) return OFF;
  const ratio = samplingRatio(options.environment("OTEL_TRACES_SAMPLER_ARG"));
  const out = boundedExport(new OTLPTraceExporter({ url, timeoutMillis: EXPORT_TIMEOUT_MS }), options.onCollector);
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      [GENERAL.serviceName]: options.environment("OTEL_SERVICE_NAME") ?? "bailiwick",
      [GENERAL.serviceVersion]: options.version,
      [GENERAL.serviceInstance]: options.brokerId,
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [out],
  });
  const tracer = provider.getTracer("bailiwick", options.version);
  return {
    ports: (ports) => tracedPorts(tracer, ports),
    surface: (surface, policy) => tracedSurface(tracer, surface, policy),
    lost: () => out.lost(),
    shutdown: () => out.shutdown(),
  };
}

/** One request to the collector may take this long, its retries included. */
const EXPORT_TIMEOUT_MS = 5_000;

const OFF: Traces = {
  ports: (ports) => ports,
  surface: (surface) => surface,
  lost: () => 0,
  shutdown: () => Promise.resolve(),
};

// OpenTelemetry, OTLP exporter: the signal's own endpoint is used as it is, the general one gets the signal's path.
function collector({ settings, environment }: TraceOptions): string | undefined {
  if (settings !== undefined) return settings.endpoint;
  if (environment("OTEL_SDK_DISABLED")?.toLowerCase() === "true") return undefined;
  const own = environment("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") ?? "";
  if (own !== "") return address("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", own).href;
  const general = environment("OTEL_EXPORTER_OTLP_ENDPOINT") ?? "";
  if (general === "") return undefined;
  const base = address("OTEL_EXPORTER_OTLP_ENDPOINT", general);
  base.pathname = `${base.pathname.replace(/\/+$/u, "")}/v1/traces`;
  return base.href;
}

function address(name: string, text: string): URL {
  const url = URL.parse(text);
  if (url !== null && (url.protocol === "http:" || url.protocol === "https:")) return url;
  throw new Error(
    `\`${name}\` is no http or https URL; set it to the address of an OTLP collector such as \`http://127.0.0.1:4318\`, or unset it`,
  );
}

function samplingRatio(text: string | undefined): number {
  if (text === undefined || text.trim() === "") return 1;
  const ratio = Number(text);
  if (ratio >= 0 && ratio <= 1) return ratio;
  throw new Error("`OTEL_TRACES_SAMPLER_ARG` is no number from 0 to 1; set it to the share of new traces to keep, or unset it to keep all");
}
