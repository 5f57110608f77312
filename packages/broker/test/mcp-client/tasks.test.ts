import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type RunningFixture, serveHttp } from "../../../../tools/conformance/fixture/http.ts";
import { TASKS_EXTENSION } from "../../src/adapters/mcp-protocol/index.ts";
import { agent, call, closeAll, connect, stdioFixture, textOf } from "./support.ts";

let server: RunningFixture;
beforeAll(async () => {
  server = await serveHttp({ port: 0, eras: new Set(["modern"]) });
});
afterEach(closeAll);
afterAll(() => server.close());

const follows = { elicitation: {}, extensions: { [TASKS_EXTENSION]: {} } };

describe.each(["http", "stdio"] as const)("a tool that works as a task (%s)", (transport) => {
  const open = (): ReturnType<typeof connect> => connect(transport === "stdio" ? stdioFixture("modern") : { url: new URL(server.url) });

  test("is followed to its result, and the agent's side hears of the task at once", async () => {
    const io = agent({ capabilities: follows });
    expect(textOf(await call(open().connection, "slow_compute", { seconds: 0.3, label: "pi" }, { io }))).toBe("computed pi");
    expect(io.seen.tasks).toEqual(["working"]);
  });

  test("may take longer than the call's own time limit", async () => {
    const io = agent({ capabilities: follows });
    expect(textOf(await call(open().connection, "slow_compute", { seconds: 0.8, label: "e" }, { io, timeoutMs: 300 }))).toBe("computed e");
  });

  test("asks the agent and goes on with the answers", async () => {
    const io = agent({ capabilities: follows, ask: async () => ({ action: "accept", content: { confirm: true, name: "x" } }) });
    const { connection } = open();
    expect(textOf(await call(connection, "confirm_delete", { filename: "a.txt" }, { io }))).toBe("deleted");
    expect(textOf(await call(connection, "multi_input", {}, { io }))).toBe("2 answers");
    expect(io.seen.asked).toHaveLength(3);
  });

  test("may ask before it becomes a task", async () => {
    const io = agent({ capabilities: follows, ask: async () => ({ action: "accept", content: { name: "Ada" } }) });
    expect(textOf(await call(open().connection, "test_tool_with_task", {}, { io }))).toBe("Hello, Ada!");
  });

  test("that fails in the protocol is an error, in itself a result", async () => {
    const { connection } = open();
    await expect(call(connection, "protocol_error_job", {}, { io: agent({ capabilities: follows }) })).rejects.toMatchObject({
      code: -32603,
    });
    expect(await call(connection, "failing_job", {}, { io: agent({ capabilities: follows }) })).toMatchObject({ isError: true });
  });

  test("is cancelled at the server when the agent cancels", async () => {
    const abort = new AbortController();
    const io = agent({ capabilities: follows, signal: abort.signal, onTask: () => abort.abort() });
    await expect(call(open().connection, "slow_compute", { seconds: 30 }, { io })).rejects.toMatchObject({ code: "cancelled" });
  });

  test("is refused for an agent that cannot follow tasks when the tool insists on one", async () => {
    const refused = call(open().connection, "failing_job", {}, { io: agent() });
    await expect(refused).rejects.toMatchObject({
      code: -32021,
      data: { requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } } },
    });
  });
});
