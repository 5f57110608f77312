import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { z } from "zod";

/** OTLP 1.x, JSON encoding: the members that a test looks at. */
const value = z.object({ stringValue: z.string().optional(), intValue: z.union([z.string(), z.number()]).optional() });
const attributes = z
  .array(z.object({ key: z.string(), value }))
  .default([])
  .transform((list) => Object.fromEntries(list.map((each) => [each.key, each.value.stringValue ?? Number(each.value.intValue)])));
const span = z.object({
  traceId: z.string().regex(/^[\da-f]{32}$/u),
  spanId: z.string().regex(/^[\da-f]{16}$/u),
  parentSpanId: z.string().optional(),
  traceState: z.string().optional(),
  name: z.string(),
  /** 1 internal, 2 server, 3 client. */
  kind: z.number(),
  attributes,
  events: z.array(z.unknown()).default([]),
  /** 2 is an error. */
  status: z.object({ code: z.number().optional(), message: z.string().optional() }).default({}),
});
const payload = z.object({
  resourceSpans: z.array(z.object({ resource: z.object({ attributes }), scopeSpans: z.array(z.object({ spans: z.array(span) })) })),
});

export type CollectedSpan = z.output<typeof span>;

export interface Collector {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly url: string;
  readonly spans: CollectedSpan[];
  readonly resources: Readonly<Record<string, string | number>>[];
  /** Everything that came in, as it came. */
  readonly raw: string[];
  /** The one span of this name. */
  span(name: string): CollectedSpan;
  /** What it does from now on: takes spans, refuses them, or never answers. */
  mode: "take" | "refuse" | "hang";
  close(): Promise<void>;
}

/** An OTLP/HTTP collector on a port of its own; closed with the test. */
export async function startCollector(port = 0): Promise<Collector> {
  const server = createServer();
  const collector: Collector = {
    url: "",
    spans: [],
    resources: [],
    raw: [],
    mode: "take",
    span(name) {
      const found = collector.spans.filter((each) => each.name === name);
      const [only] = found;
      if (only === undefined || found.length > 1) {
        throw new Error(`${found.length} spans \`${name}\` among ${collector.spans.map((each) => each.name).join(", ")}`);
      }
      return only;
    },
    close: () => closed(server),
  };
  server.on("request", (request, response) => {
    void text(request).then((body) => {
      if (collector.mode === "hang") return;
      if (collector.mode === "refuse" || request.url !== "/v1/traces") return void response.writeHead(400).end();
      const { resourceSpans } = payload.parse(JSON.parse(body));
      collector.raw.push(body);
      collector.resources.push(...resourceSpans.map((each) => each.resource.attributes));
      collector.spans.push(...resourceSpans.flatMap((each) => each.scopeSpans.flatMap((scope) => scope.spans)));
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => closed(server));
  return Object.assign(collector, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

async function closed(server: Server): Promise<void> {
  if (!server.listening) return;
  server.close();
  server.closeAllConnections();
  await once(server, "close");
}

/** An environment of these variables and nothing else. */
export function environment(variables: Readonly<Record<string, string>>): (name: string) => string | undefined {
  return (name) => variables[name];
}
