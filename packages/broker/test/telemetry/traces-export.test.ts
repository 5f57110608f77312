import { afterEach, describe, expect, test } from "vitest";
import { createMetrics } from "../../src/adapters/telemetry/metrics.ts";
import { openTraces, type TraceOptions, type Traces, tracesSchema } from "../../src/adapters/telemetry/traces.ts";
import { MAX_WAITING_SPANS } from "../../src/adapters/telemetry/traces-export.ts";
import type { AgentSurface } from "../../src/call/surface.ts";
import { incoming, testPolicy } from "../call/support.ts";
import { createMemorySurface } from "../mcp/support/memory-surface.ts";
import { echo } from "../mcp/support/operations.ts";
import { startCollector, environment } from "./support/collector.ts";

const open: Traces[] = [];
afterEach(() => Promise.all(open.splice(0).map((each) => each.shutdown())));

function traces(variables: Readonly<Record<string, string>>, more: Partial<TraceOptions> = {}): Traces {
  const opened = openTraces({ environment: environment(variables), version: "0.0.0", brokerId: "brk_test", ...more });
  open.push(opened);
  return opened;
}

const POLICY = testPolicy();

/** A surface that answers from memory, traced. */
function traced(by: Traces): AgentSurface {
  const memory = createMemorySurface([echo]);
  memory.allow("t1");
  return by.surface(memory, () => POLICY);
}

const call = (surface: AgentSurface, traceparent?: string): Promise<unknown> =>
  surface.handle({ ...incoming("t1", "echo", {}), ...(traceparent === undefined ? {} : { traceparent }) });

describe("the collector", () => {
  test("is the one of `log.yaml`, else the one for traces, else the general one with the path of traces", async () => {
    const [first, second, third] = [await startCollector(), await startCollector(), await startCollector()];
    const all = {
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${second.url}/v1/traces`,
      OTEL_EXPORTER_OTLP_ENDPOINT: `${third.url}/`,
    };
    const { OTEL_EXPORTER_OTLP_ENDPOINT } = all;
    const settings = tracesSchema.parse({ endpoint: `${first.url}/v1/traces` });
    for (const each of [traces(all, { settings }), traces(all), traces({ OTEL_EXPORTER_OTLP_ENDPOINT })]) {
      await call(traced(each));
      await each.shutdown();
    }
    expect([first, second, third].map((each) => each.spans.length)).toEqual([1, 1, 1]);
  });

  test("learns which service, version and broker speak", async () => {
    const collector = await startCollector();
    const own = traces({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    await call(traced(own));
    await own.shutdown();
    expect(collector.resources).toEqual([{ "service.name": "bailiwick", "service.version": "0.0.0", "service.instance.id": "brk_test" }]);
  });

  test("is not looked for when nothing names one: ports and surface come back as they were", async () => {
    const memory = createMemorySurface([]);
    expect(traces({}).surface(memory, () => POLICY)).toBe(memory);
    const off = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9", OTEL_SDK_DISABLED: "true" };
    expect(traces(off).surface(memory, () => POLICY)).toBe(memory);
  });

  test.each([
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "localhost:4318" }, "`OTEL_EXPORTER_OTLP_ENDPOINT` is no http or https URL"],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "file:///etc" }, "`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` is no http or https URL"],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9", OTEL_TRACES_SAMPLER_ARG: "10%" }, "`OTEL_TRACES_SAMPLER_ARG` is no number"],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9", OTEL_TRACES_SAMPLER_ARG: "1.5" }, "`OTEL_TRACES_SAMPLER_ARG` is no number"],
  ])("that %o names is refused at start", (variables, message) => {
    expect(() => traces(variables)).toThrow(message);
  });

  test("cannot be given members that nobody knows", () => {
    expect(tracesSchema.safeParse({ endpoint: "http://127.0.0.1:4318/v1/traces", header: "x" }).success).toBe(false);
    expect(tracesSchema.safeParse({ endpoint: "grpc://127.0.0.1:4317" }).success).toBe(false);
  });
});

describe("sampling", () => {
  test("follows the agent's flag, and begins new traces by the ratio", async () => {
    const collector = await startCollector();
    const none = traces({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_TRACES_SAMPLER_ARG: "0" });
    const surface = traced(none);
    const [wanted, unwanted] = [`00-${"a".repeat(32)}-${"b".repeat(16)}-01`, `00-${"c".repeat(32)}-${"d".repeat(16)}-00`];
    await call(surface);
    await call(surface, unwanted);
    await call(surface, wanted);
    await none.shutdown();
    expect(collector.spans.map((each) => each.traceId)).toEqual(["a".repeat(32)]);
  });
});

describe("a collector that is away", () => {
  test("costs no call its answer, and each lost span is counted", async () => {
    const collector = await startCollector();
    await collector.close();
    const own = traces({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    const surface = traced(own);
    for (let at = 0; at < 10; at += 1) expect(await call(surface)).toMatchObject({ kind: "result" });
    await own.shutdown();
    expect(own.lost()).toBe(10);
  });

  test("and refuses is told of once, and again when it takes spans", async () => {
    const collector = await startCollector();
    const heard: boolean[] = [];
    const own = traces({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }, { onCollector: (up) => void heard.push(up) });
    const surface = traced(own);
    collector.mode = "refuse";
    // A batch goes out as soon as it is full.
    for (let at = 0; at < 512; at += 1) await call(surface);
    await expect.poll(() => own.lost()).toBe(512);
    collector.mode = "take";
    await call(surface);
    await own.shutdown();
    expect(heard).toEqual([false, true]);
    expect(collector.spans).toHaveLength(1);
    expect(own.lost()).toBe(512);
  });

  test("and hangs fills a queue of bounded length; what does not fit is counted, and the figure is in /metrics", async () => {
    const collector = await startCollector();
    collector.mode = "hang";
    const own = traces({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    const surface = traced(own);
    const calls = MAX_WAITING_SPANS + 512 + 100;
    for (let at = 0; at < calls; at += 1) await call(surface);
    expect(own.lost()).toBe(100);
    const metrics = createMetrics({ pendingApprovals: async () => 0, overdueCredentials: async () => 0, lostSpans: () => own.lost() });
    expect(await metrics.prometheus()).toContain("bailiwick_trace_spans_lost_total 100");
    await metrics.shutdown();
  });
});
