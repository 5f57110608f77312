import { AsyncLocalStorage } from "node:async_hooks";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { JsonObject } from "@bailiwick/policy";
import { createMcpEndpoint } from "../../src/adapters/mcp/index.ts";
import { openTraces } from "../../src/adapters/telemetry/traces.ts";
import { createToolConnections } from "../../src/adapters/tools/index.ts";
import { createAgentSurface } from "../../src/call/agent-surface.ts";
import type { CallPorts } from "../../src/call/ports.ts";
import type { AgentSurface } from "../../src/call/surface.ts";
import type { CallAnswer, IncomingCall } from "../../src/call/types.ts";
import { Fault } from "../../src/domain/fault.ts";
import { fingerprint } from "../../src/domain/fingerprint.ts";
import { ToolError } from "../../src/domain/tool.ts";
import { AGENT, incoming, limitedPolicy, testPolicy, world, type World } from "../call/support.ts";
import { modern, resultOf } from "../mcp/support/endpoint.ts";
import { bearer } from "../plain-session.ts";
import { decided } from "../store/approval-sample.ts";
import { testStore, type TestStore } from "../support/store.ts";
import { type CollectedSpan, type Collector, environment, startCollector } from "./support/collector.ts";
import { reportIn, serveReport } from "./support/reporting-server.ts";
import { REPORT } from "./support/reporting-tool.ts";

let db: TestStore;
beforeAll(async () => {
  db = await testStore();
});
afterAll(() => db.close());

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const TRACE = { traceparent: `00-${TRACE_ID}-b7ad6b7169203331-01`, tracestate: "rojo=1" };
const INTERNAL = 1;
const SERVER = 2;
const CLIENT = 3;
const ERROR = 2;

interface Traced extends World {
  readonly surface: AgentSurface;
  readonly collector: Collector;
  call(name: string, args?: JsonObject, more?: Partial<IncomingCall>): Promise<CallAnswer>;
  /** Everything that was traced is at the collector afterwards. */
  flush(): Promise<Collector>;
}

/** The call path on the real store, traced to a collector. `override` changes the ports below the tracing. */
async function tracedWorld(override?: (ports: CallPorts) => CallPorts, policy = testPolicy()): Promise<Traced> {
  const collector = await startCollector();
  const variables = environment({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  const traces = openTraces({ environment: variables, version: "0.0.0", brokerId: "brk_test" });
  const plain = await world(db.store, override, policy);
  const ports = traces.ports(plain.ports);
  const surface = traces.surface(
    createAgentSurface(ports, () => () => undefined),
    ports.policy,
  );
  return {
    ...plain,
    ports,
    surface,
    collector,
    call: (name, args = {}, more = {}) => surface.handle({ ...incoming(plain.session.id, name, args), ...more }),
    async flush() {
      await traces.shutdown();
      return collector;
    },
  };
}

const childrenOf = (collector: Collector, { spanId }: CollectedSpan): readonly string[] =>
  collector.spans.filter((each) => each.parentSpanId === spanId).map((each) => each.name);

describe("a call", () => {
  test("is one span under the agent's, with a span for each step that takes time", async () => {
    const { call, flush } = await tracedWorld();
    expect(await call("update_ticket", { id: "T-1", status: "closed" }, TRACE)).toMatchObject({ kind: "result" });
    const collector = await flush();
    const root = collector.span("execute_tool update_ticket");
    expect(root).toMatchObject({ traceId: TRACE_ID, parentSpanId: "b7ad6b7169203331", kind: SERVER, traceState: "rojo=1", status: {} });
    expect(childrenOf(collector, root)).toEqual([
      "authenticate",
      "load session",
      "record lookup",
      "connect",
      "tools/call get_ticket",
      "record intent",
      "connect",
      "tools/call update_ticket",
      "record outcome",
    ]);
    expect(new Set(collector.spans.map((each) => each.traceId))).toEqual(new Set([TRACE_ID]));
    expect(collector.span("tools/call update_ticket")).toMatchObject({ kind: CLIENT });
    expect(collector.span("record intent")).toMatchObject({ kind: INTERNAL });
  });

  test("says in the conventions' words and our own what it was", async () => {
    const { call, flush, session } = await tracedWorld();
    const answer = await call("update_ticket", { id: "T-1", status: "closed" });
    const collector = await flush();
    expect(collector.span("execute_tool update_ticket").attributes).toEqual({
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": "update_ticket",
      "mcp.method.name": "tools/call",
      "bailiwick.call.id": answer.callId,
      "bailiwick.code": "ok",
      "bailiwick.verdict": "allow",
      "bailiwick.policy.version": testPolicy().version,
      "bailiwick.tenant": "acme",
      "bailiwick.environment": "prod",
      "bailiwick.workflow": "helpdesk",
      "bailiwick.agent": AGENT,
      "bailiwick.session": session.id,
      "bailiwick.run": session.run,
      "bailiwick.tool": "tickets",
      "bailiwick.action": "tickets:update",
      "bailiwick.effect": "write",
      "bailiwick.status": "succeeded",
    });
    expect(collector.span("tools/call update_ticket").attributes).toEqual({
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": "update_ticket",
      "mcp.method.name": "tools/call",
      "network.transport": "pipe",
      "bailiwick.tool": "tickets",
    });
  });

  test("begins a trace of its own when the agent has none", async () => {
    const { call, flush } = await tracedWorld();
    await call("ping");
    const { parentSpanId } = (await flush()).span("execute_tool ping");
    expect(parentSpanId ?? "").toBe("");
  });

  test("is found from its record, which names its span", async () => {
    const { call, flush } = await tracedWorld();
    const answer = await call("ping", {}, TRACE);
    const records = await db.store.log.query("acme", { callId: answer.callId, limit: 10 });
    const { spanId } = (await flush()).span("execute_tool ping");
    expect(records).toHaveLength(2);
    for (const { text } of records) expect(JSON.parse(text)).toMatchObject({ traceparent: `00-${TRACE_ID}-${spanId}-01` });
  });

  test("that a person decides shows how long that took, and the one that continues it is a span of its own", async () => {
    const { call, flush, surface, session } = await tracedWorld();
    const held = await call("delete_ticket", { id: "T-1" }, { patience: { waitMs: 20 } });
    if (held.kind !== "pending") throw new Error(`expected a held call, got ${held.kind}`);
    await db.store.approvals.answer("acme", held.approval.id, decided("approve"));
    const { kind: _kind, name: _name, args: _args, ...rest } = incoming(session.id, "", {});
    expect(await surface.resume(held.approval.id, rest)).toMatchObject({ kind: "result" });
    const collector = await flush();
    const root = collector.span("execute_tool delete_ticket");
    expect(childrenOf(collector, root)).toEqual(expect.arrayContaining(["record hold", "wait for approval"]));
    expect(root.attributes).toMatchObject({ "bailiwick.verdict": "ask", "bailiwick.code": "pending" });
    expect(root.status.code).not.toBe(ERROR);
    expect(collector.span("execute_tool approval_wait").attributes).toMatchObject({
      "bailiwick.action": "tickets:delete",
      "bailiwick.code": "ok",
    });
  });
});

describe("calls at the same time", () => {
  test("each have their own spans, and their own verdict", async () => {
    const { call, flush } = await tracedWorld(undefined, limitedPolicy("perHour", 3));
    const calls = Array.from({ length: 8 }, () => call("update_ticket", { id: "T-1", status: "open" }));
    const answers = await Promise.all(calls);
    const collector = await flush();
    const roots = collector.spans.filter((each) => each.name === "execute_tool update_ticket");
    expect(roots).toHaveLength(8);
    for (const answer of answers) {
      const [root, ...others] = roots.filter((each) => each.attributes["bailiwick.call.id"] === answer.callId);
      if (root === undefined || others.length > 0) throw new Error("a call has no span, or several");
      const [verdict, code] = answer.kind === "result" ? ["allow", "ok"] : ["deny", "rate_limited"];
      expect(root.attributes).toMatchObject({ "bailiwick.verdict": verdict, "bailiwick.code": code });
      expect(childrenOf(collector, root).filter((name) => name === "record intent")).toHaveLength(1);
    }
    expect(answers.filter((each) => each.kind === "result")).toHaveLength(3);
  });
});

/** Runs something as nobody's call, as the log does that writes a batch for many. */
const outside = AsyncLocalStorage.snapshot();

test("a result that is withheld says so on its own call, though the log asks for that record on behalf of another", async () => {
  const asked = (ports: CallPorts): CallPorts => ({
    ...ports,
    log: {
      ...ports.log,
      intend: (tenant, entry, conditions) =>
        ports.log.intend(tenant, entry, { ...conditions, instead: (why) => outside(() => conditions.instead(why)) }),
    },
  });
  const reader = testPolicy({ "roles/support.yaml": "role: support\nreason: reads\nallow:\n  - do: tickets:read\n" });
  const { call, flush, session } = await tracedWorld(asked, reader);
  const poor = { ...session, id: `${session.id}_poor`, limits: { records: 1 } };
  await db.store.sessions.create(poor);
  expect(await call("list_tickets", {}, { presented: bearer(poor.id) })).toMatchObject({ kind: "unknown" });
  expect((await flush()).span("execute_tool list_tickets").attributes).toMatchObject({ "bailiwick.status": "withheld" });
});

describe("a span's status", () => {
  const down = (): Promise<never> => Promise.reject(new Fault("log_unavailable", "the disk of Zoe is full"));

  test("is no error when policy says no", async () => {
    const { call, flush } = await tracedWorld(
      undefined,
      testPolicy({ "roles/support.yaml": "role: support\nreason: nothing yet\nallow: []\n" }),
    );
    await call("ping");
    const root = (await flush()).span("execute_tool ping");
    expect(root.attributes).toMatchObject({ "bailiwick.verdict": "deny", "bailiwick.code": "no_grant" });
    expect(root.attributes).not.toHaveProperty("error.type");
    expect(root.status.code).not.toBe(ERROR);
  });

  test("is an error when a part fails, without the failure's words", async () => {
    const { call, flush } = await tracedWorld((ports) => ({ ...ports, log: { ...ports.log, intend: down, append: down } }));
    await call("ping");
    const collector = await flush();
    for (const name of ["execute_tool ping", "record intent"]) {
      expect(collector.span(name)).toMatchObject({ status: { code: ERROR }, attributes: { "error.type": "log_unavailable" } });
    }
    expect(collector.raw.join("")).not.toContain("Zoe");
  });

  test("is the tool's error at the request, and at the call only when the fault is the server's", async () => {
    const { call, flush, tool } = await tracedWorld();
    tool.answer = () => Promise.reject(new ToolError(-32_602, "no ticket of Zoe"));
    await call("ping");
    const collector = await flush();
    expect(collector.span("tools/call ping")).toMatchObject({
      status: { code: ERROR },
      attributes: { "error.type": "-32602", "rpc.response.status_code": "-32602" },
    });
    const root = collector.span("execute_tool ping");
    expect(root.status.code).not.toBe(ERROR);
    expect(root.attributes).toMatchObject({ "rpc.response.status_code": "-32602", "bailiwick.code": "tool_error" });
    expect(collector.raw.join("")).not.toContain("Zoe");
  });

  test("is an error when nobody knows what happened", async () => {
    const { call, flush, tool } = await tracedWorld();
    tool.answer = () => Promise.reject(new Fault("tool_lost", "gone"));
    await call("ping");
    expect((await flush()).span("execute_tool ping")).toMatchObject({
      status: { code: ERROR },
      attributes: { "error.type": "unknown", "bailiwick.status": "unknown" },
    });
  });

  test("is an error when the tool says that it failed", async () => {
    const { call, flush, tool } = await tracedWorld();
    tool.answer = () => ({ content: [{ type: "text", text: "Zoe is gone" }], isError: true });
    await call("ping");
    const collector = await flush();
    for (const name of ["execute_tool ping", "tools/call ping"]) {
      expect(collector.span(name)).toMatchObject({ status: { code: ERROR }, attributes: { "error.type": "tool_error" } });
    }
    expect(collector.raw.join("")).not.toContain("Zoe");
  });
});

describe("what a trace never holds", () => {
  test("is anything personal: arguments, results, users, tasks, reasons, names that an agent invents", async () => {
    const { call, flush, session, tool } = await tracedWorld();
    const more = { statedReason: "Zoe asked for it", peer: "203.0.113.9" };
    await call("update_ticket", { id: "T-1", status: "status-of-Zoe" }, more);
    await call("update_ticket", { id: "T-404", status: "status-of-Zoe" }, more);
    await call("get_ticket", { id: "T-1", "to-Zoe": true }, more);
    await call("list_tickets", {}, more);
    await call("delete_ticket", { id: "T-1" }, more);
    await call("tell_Zoe", { a: 1 }, more);
    await call("kb://Zoe/1", {}, { ...more, kind: "resource" });
    await call("ping", {}, { ...more, ...TRACE, presented: bearer("token-of-Zoe") });
    tool.answer = () => Promise.reject(new Error("Zoe broke it"));
    await call("update_ticket", { id: "T-2", status: "status-of-Zoe" }, more);
    const collector = await flush();
    expect(collector.spans.filter((each) => each.kind === SERVER)).toHaveLength(9);
    const all = collector.raw.join("");
    for (const personal of ["Zoe", session.user, session.task, "T-1", "T-404", "angry", "123-45-6789", "203.0.113.9"]) {
      expect(all, personal).not.toContain(personal);
    }
    expect(collector.spans.flatMap((each) => each.events)).toEqual([]);
    expect(collector.spans.filter((each) => each.status.message !== undefined && each.status.message !== "")).toEqual([]);
  });
});

describe("over MCP, to a real tool", () => {
  const SECRET = "the-secret-of-the-report-tool";

  async function reportingWorld(url: URL): Promise<Traced> {
    const name = `report-key-${url.port}`;
    const binding = { tenant: "acme", environment: "prod", workflow: "helpdesk", hosts: [`127.0.0.1:${url.port}`] };
    await db.store.credentials.put(name, binding, SECRET);
    const policy = testPolicy({
      "tools/report.yaml": `tool: report
connect: { mcp: { url: "${url.href}" } }
credential: { name: ${name}, inject: { header: authorization, format: "Bearer {value}" } }
actions:
  report: { is: "health:report", effect: read, args: {}, reviewed: "${fingerprint(REPORT)}" }
`,
      "roles/support.yaml": "role: support\nreason: looks around\nallow:\n  - do: health:report\n",
    });
    const tools = createToolConnections({ policy: () => policy, environment: () => undefined, log: () => undefined });
    onTestFinished(() => tools.close());
    return tracedWorld((ports) => ({ ...ports, tools }), policy);
  }

  async function endpointOver(surface: AgentSurface): Promise<string> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const endpoint = createMcpEndpoint(surface, { publicUrl: () => base });
    server.on("request", (req, res) => endpoint.handle(req, res));
    onTestFinished(async () => {
      await endpoint.close();
      server.closeAllConnections();
      server.close();
    });
    return `${base}/mcp`;
  }

  test.each(["modern", "legacy"] as const)(
    "of the %s era, the agent's trace goes through to the tool, under our request's span",
    async (era) => {
      const { surface, session, flush } = await reportingWorld(await serveReport(era));
      const url = await endpointOver(surface);
      const meta = { ...TRACE, baggage: "user=Zoe" };
      const headers = { traceparent: `00-${"e".repeat(32)}-${"f".repeat(16)}-01`, baggage: "user=Zoe" };
      const got = await modern(url, "tools/call", { name: "report", arguments: {} }, { token: session.id, meta, headers });
      const { headers: received, meta: receivedMeta } = reportIn(resultOf(got));
      const collector = await flush();
      const request = collector.span("tools/call report");
      const expected = { traceparent: `00-${TRACE_ID}-${request.spanId}-01`, tracestate: "rojo=1" };
      expect(received).toMatchObject(expected);
      expect(receivedMeta).toMatchObject(expected);
      expect(JSON.stringify([received, receivedMeta])).not.toContain("Zoe");
      const root = collector.span("execute_tool report");
      expect(root).toMatchObject({ traceId: TRACE_ID, parentSpanId: "b7ad6b7169203331" });
      expect(request).toMatchObject({
        parentSpanId: root.spanId,
        attributes: { "server.address": "127.0.0.1", "network.transport": "tcp", "mcp.method.name": "tools/call" },
      });
      expect(childrenOf(collector, root)).toContain("open credential");
      expect(collector.raw.join("")).not.toContain(SECRET);
    },
  );

  test.each([`00-${"0".repeat(32)}-${"f".repeat(16)}-01`, "00-zz", `${TRACE.traceparent}, ${TRACE.traceparent}`])(
    "a hostile context (%s) is not passed on: a new trace is begun",
    async (traceparent) => {
      const { surface, session, flush } = await reportingWorld(await serveReport("modern"));
      const url = await endpointOver(surface);
      const headers = { traceparent, tracestate: "rojo=1" };
      const got = await modern(url, "tools/call", { name: "report", arguments: {} }, { token: session.id, headers });
      const collector = await flush();
      const root = collector.span("execute_tool report");
      expect(root.parentSpanId ?? "").toBe("");
      const { headers: received } = reportIn(resultOf(got));
      expect(received).toMatchObject({ traceparent: `00-${root.traceId}-${collector.span("tools/call report").spanId}-01` });
      expect(received).not.toHaveProperty("tracestate");
    },
  );
});
