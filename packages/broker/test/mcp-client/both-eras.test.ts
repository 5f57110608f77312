import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type RunningFixture, serveHttp } from "../../../../tools/conformance/fixture/http.ts";
import type { Era } from "../../src/adapters/mcp-protocol/index.ts";
import type { McpTarget } from "../../src/adapters/mcp-client/index.ts";
import { ToolError } from "../../src/domain/tool.ts";
import { agent, call, closeAll, connect, KEY, NO_EQUIPMENT, stdioFixture, textOf, until } from "./support.ts";

const servers = new Map<Era, RunningFixture>();

beforeAll(async () => {
  for (const era of ["modern", "legacy"] as const) servers.set(era, await serveHttp({ port: 0, eras: new Set([era]) }));
});
afterEach(closeAll);
afterAll(() => Promise.all([...servers.values()].map((server) => server.close())));

const LINES: readonly (readonly ["http" | "stdio", Era])[] = [
  ["http", "modern"],
  ["http", "legacy"],
  ["stdio", "modern"],
  ["stdio", "legacy"],
];

describe.each(LINES)("a %s server of the %s era", (transport, era) => {
  const target = (): McpTarget => (transport === "stdio" ? stdioFixture(era) : { url: new URL(servers.get(era)?.url ?? "") });
  const form = { elicitation: {}, sampling: {}, roots: {} };

  test("lists everything it offers, with its capabilities and instructions", async () => {
    const listing = await connect(target()).connection.listing();
    expect(listing.tools.map((entry) => entry["name"])).toContain("test_simple_text");
    expect(listing.resources).toHaveLength(3);
    expect(listing.resourceTemplates).toHaveLength(1);
    expect(listing.prompts.length).toBeGreaterThan(4);
    expect(listing.capabilities).toHaveProperty("completions");
    expect(listing.instructions).toContain("one tool for each thing");
  });

  test("keeps members of a result that nobody knows", async () => {
    const result = await call(connect(target()).connection, "probe_echo", { value: "a", more: [1, { b: null }] });
    expect(result).toMatchObject({
      structuredContent: { echoed: { value: "a", more: [1, { b: null }] } },
      "example/unknown": { kept: [1, "two", null] },
      _meta: { "example/trace": "t-1" },
    });
  });

  test("reads resources, gets prompts and completes arguments", async () => {
    const { connection } = connect(target());
    const limits = { timeoutMs: 5_000, maxBytes: 100_000, equipment: NO_EQUIPMENT, io: agent() };
    const read = await connection.invoke({ tool: KEY.tool, kind: "resource", name: "test://template/7/data" }, {}, limits);
    expect(read).toMatchObject({ contents: [{ uri: "test://template/7/data" }] });
    const prompt = await connection.invoke(
      { tool: KEY.tool, kind: "prompt", name: "test_prompt_with_arguments" },
      { arg1: "x", arg2: "y" },
      limits,
    );
    expect(JSON.stringify(prompt)).toContain("arg1='x'");
    const ref = { type: "ref/prompt", name: "test_prompt_with_arguments" };
    const completed = await connection.complete(
      { ref, argument: { name: "arg1", value: "par" } },
      { equipment: NO_EQUIPMENT, signal: new AbortController().signal },
    );
    expect(completed).toMatchObject({ completion: { values: ["paris", "park", "party"] } });
  });

  test("passes on the server's own error", async () => {
    const { connection } = connect(target());
    const limits = { timeoutMs: 5_000, maxBytes: 100_000, equipment: NO_EQUIPMENT, io: agent() };
    const missing = connection.invoke({ tool: KEY.tool, kind: "resource", name: "test://none" }, {}, limits);
    await expect(missing).rejects.toThrow(ToolError);
    await expect(missing).rejects.toMatchObject({ code: era === "modern" ? -32602 : -32002, data: { uri: "test://none" } });
  });

  test("tells the progress of a call to that call alone", async () => {
    const { connection } = connect(target());
    const [first, second] = [agent(), agent()];
    await Promise.all([
      call(connection, "test_tool_with_progress", {}, { io: first }),
      call(connection, "probe_wait", { ms: 100 }, { io: second }),
    ]);
    expect(first.seen.progress).toEqual([0, 50, 100]);
    expect(second.seen.progress).toEqual([]);
  });

  test("logs to the agent once a level is set", async () => {
    const { connection } = connect(target());
    await connection.setLogLevel("debug");
    const io = agent();
    await call(connection, "test_tool_with_logging", {}, { io });
    expect(io.seen.logs.map((entry) => entry["data"])).toEqual([
      "Tool execution started",
      "Tool processing data",
      "Tool execution completed",
    ]);
  });

  test("brings a question of the tool to the agent and the answer back", async () => {
    const io = agent({
      capabilities: form,
      ask: async () => ({ action: "accept", content: { username: "ada", email: "ada@acme.example" } }),
    });
    const result = await call(connect(target()).connection, "test_elicitation", { message: "who are you?" }, { io });
    expect(textOf(result)).toContain('"username":"ada"');
    expect(io.seen.asked).toMatchObject([{ method: "elicitation/create", params: { message: "who are you?" } }]);
  });

  test("asks in as many rounds as the tool wants", async () => {
    const io = agent({
      capabilities: form,
      ask: async ({ params }) => ({
        action: "accept",
        content: String(params["message"]).includes("name") ? { name: "Ada" } : { color: "green" },
      }),
    });
    expect(textOf(await call(connect(target()).connection, "test_input_required_result_multi_round", {}, { io }))).toBe("Ada likes green");
  });

  test("tells the tool when the agent cannot answer", async () => {
    const outcome = call(connect(target()).connection, "test_sampling", { prompt: "hi" }, { io: agent() });
    if (era === "modern") await expect(outcome).rejects.toMatchObject({ code: -32021, data: { requiredCapabilities: { sampling: {} } } });
    else expect(textOf(await outcome)).toContain("cannot answer");
  });

  test("does not count the time a person needs as the tool's", async () => {
    const io = agent({
      capabilities: form,
      ask: () => new Promise((resolve) => setTimeout(() => resolve({ action: "accept", content: { name: "Ada" } }), 600)),
    });
    const result = await call(connect(target()).connection, "test_input_required_result_elicitation", {}, { io, timeoutMs: 400 });
    expect(textOf(result)).toBe("Hello, Ada!");
  });

  test("runs many calls at once and gives each its own answer", async () => {
    const { connection } = connect(target());
    await connection.listing();
    const values = Array.from({ length: 100 }, (_, index) => `v${index}`);
    const results = await Promise.all(values.map((value) => call(connection, "probe_echo", { value })));
    expect(results.map(textOf)).toEqual(values);
    const [one, two] = await Promise.all([call(connection, "probe_process"), call(connection, "probe_process")]);
    expect(textOf(one)).toBe(textOf(two));
  });

  test("refuses a result over the limit and serves the next call", async () => {
    const { connection } = connect(target());
    await expect(call(connection, "probe_big", { bytes: 3_000_000 }, { maxBytes: 100_000 })).rejects.toMatchObject({
      code: "result_too_large",
    });
    expect(textOf(await call(connection, "probe_echo", { value: "next" }))).toBe("next");
  });

  test("lets a call of another limit pass while an oversized one is dropped", async () => {
    const { connection } = connect(target());
    const [small, large] = await Promise.allSettled([
      call(connection, "probe_big", { bytes: 400_000 }, { maxBytes: 1_000 }),
      call(connection, "probe_big", { bytes: 400_000 }, { maxBytes: 2_000_000 }),
    ]);
    expect(small).toMatchObject({ status: "rejected", reason: { code: "result_too_large" } });
    expect(large.status).toBe("fulfilled");
  });

  test("gives up at the time limit with the outcome unknown, and the tool hears of it", async () => {
    const { connection } = connect(target());
    await connection.listing();
    const before = Number(textOf(await call(connection, "probe_cancelled")));
    await expect(call(connection, "probe_wait", { ms: 20_000 }, { timeoutMs: 150 })).rejects.toMatchObject({ code: "tool_timeout" });
    await until(async () => Number(textOf(await call(connection, "probe_cancelled"))) === before + 1);
  });

  test("cancels at the tool what the agent cancels", async () => {
    const { connection } = connect(target());
    const before = Number(textOf(await call(connection, "probe_cancelled")));
    const abort = new AbortController();
    const running = call(connection, "probe_wait", { ms: 20_000 }, { io: agent({ signal: abort.signal }) });
    setTimeout(() => abort.abort(), 50);
    await expect(running).rejects.toMatchObject({ code: "cancelled" });
    await until(async () => Number(textOf(await call(connection, "probe_cancelled"))) === before + 1);
  });

  test("reads its list again when the server says that it changed", async () => {
    const { connection } = connect(target());
    const names = async (): Promise<readonly unknown[]> => (await connection.listing()).tools.map((entry) => entry["name"]);
    const had = (await names()).includes("test_dynamic_tool");
    let changes = 0;
    connection.onChange(() => (changes += 1));
    // The stream for such news opens beside the first call; nothing tells when the server has taken it in.
    await until(async () => {
      await call(connection, "test_trigger_tool_change");
      return changes > 0;
    });
    await until(
      async () =>
        (await names()).includes("test_dynamic_tool") !== had || (await call(connection, "test_trigger_tool_change")) === undefined,
    );
  });

  test("tells of a resource that changed until nobody wants to know", async () => {
    const { connection } = connect(target());
    const updates: unknown[] = [];
    const stop = await connection.subscribe("test://watched-resource", (params) => updates.push(params["uri"]));
    await until(async () => {
      await call(connection, "probe_touch");
      return updates.length > 0;
    });
    expect(new Set(updates)).toEqual(new Set(["test://watched-resource"]));
    await stop();
    const seen = updates.length;
    await call(connection, "probe_touch");
    await call(connection, "probe_echo", { value: "after" });
    expect(updates.length - seen).toBeLessThanOrEqual(1);
  });
});
