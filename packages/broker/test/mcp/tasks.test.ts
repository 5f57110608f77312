import { expect, test } from "vitest";
import type { JsonObject } from "@bailiwick/policy";
import { isObject } from "../../src/adapters/mcp-protocol/index.ts";
import type { MemoryOperation } from "./support/memory-surface.ts";
import { errorOf, modern, resultOf, startEndpoint } from "./support/endpoint.ts";
import { askTwo, broken, greet, text } from "./support/operations.ts";

const capabilities = { elicitation: {}, roots: {}, extensions: { "io.modelcontextprotocol/tasks": {} } };

/** The same tool, which turns into a task before it works. */
function asTask(operation: MemoryOperation): MemoryOperation {
  return {
    ...operation,
    run: async (args, io, call) => {
      io.task?.({ status: "working", statusMessage: "on it", pollIntervalMs: 30, ttlMs: 5_000 });
      return operation.run(args, io, call);
    },
  };
}

async function create(url: string, name: string): Promise<string> {
  const created = resultOf(await modern(url, "tools/call", { name, arguments: {} }, { capabilities }));
  expect(created["resultType"]).toBe("task");
  return String(created["taskId"]);
}

async function get(url: string, taskId: string, token = "t1"): Promise<JsonObject> {
  return resultOf(await modern(url, "tasks/get", { taskId }, { capabilities, token }));
}

async function settled(url: string, taskId: string, open: readonly string[]): Promise<JsonObject> {
  for (;;) {
    const task = await get(url, taskId);
    if (!open.includes(String(task["status"]))) return task;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("a task carries its own times and no result before it ends", async () => {
  const { url } = await startEndpoint([asTask(greet)]);
  const created = resultOf(await modern(url, "tools/call", { name: "greet", arguments: {} }, { capabilities }));
  expect(created).toMatchObject({
    status: "working",
    statusMessage: "on it",
    ttlMs: 5_000,
    pollIntervalMs: 30,
    createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
    lastUpdatedAt: expect.any(String),
  });
  for (const key of ["result", "error", "inputRequests", "requestState", "task"]) expect(created).not.toHaveProperty(key);
});

test("a task's questions are answered one at a time by tasks/update", async () => {
  const { url } = await startEndpoint([asTask(askTwo)]);
  const taskId = await create(url, "ask_two");
  const asking = await settled(url, taskId, ["working"]);
  expect(asking).toMatchObject({ status: "input_required", inputRequests: { elicitation_1: {}, roots_2: {} } });
  const ack = resultOf(
    await modern(url, "tasks/update", { taskId, inputResponses: { elicitation_1: { action: "decline" }, unknown: {} } }, { capabilities }),
  );
  expect(Object.keys(ack).toSorted()).toEqual(["_meta", "resultType"]);
  const half = await get(url, taskId);
  expect(Object.keys(isObject(half["inputRequests"]) ? half["inputRequests"] : {})).toEqual(["roots_2"]);
  await modern(url, "tasks/update", { taskId, inputResponses: { roots_2: { roots: [] } } }, { capabilities });
  expect(await settled(url, taskId, ["working", "input_required"])).toMatchObject({
    status: "completed",
    result: text('{"action":"decline"} {"roots":[]}'),
  });
});

test("an upstream's protocol error fails the task", async () => {
  const { url } = await startEndpoint([asTask(broken)]);
  const task = await settled(url, await create(url, "break"), ["working"]);
  expect(task).toMatchObject({ status: "failed", error: { code: -32099, message: "it broke" } });
  expect(task).not.toHaveProperty("result");
});

test("cancelling a task aborts its call, and again answers the same empty result", async () => {
  const aborted = Promise.withResolvers<void>();
  const waiting = asTask({
    ...greet,
    run: async (_args, io) => {
      io.signal.addEventListener("abort", () => aborted.resolve());
      await aborted.promise;
      return text("late");
    },
  });
  const { url } = await startEndpoint([waiting]);
  const taskId = await create(url, "greet");
  for (let turn = 0; turn < 2; turn += 1) {
    expect(Object.keys(resultOf(await modern(url, "tasks/cancel", { taskId }, { capabilities }))).toSorted()).toEqual([
      "_meta",
      "resultType",
    ]);
  }
  await aborted.promise;
  expect(await get(url, taskId)).toMatchObject({ status: "cancelled" });
});

test("a task belongs to its principal", async () => {
  const { url, surface } = await startEndpoint([asTask(greet)]);
  surface.allow("t2", { user: "mallory" });
  const taskId = await create(url, "greet");
  for (const method of ["tasks/get", "tasks/update", "tasks/cancel"]) {
    expect(errorOf(await modern(url, method, { taskId, inputResponses: {} }, { capabilities, token: "t2" }))["code"]).toBe(-32602);
  }
  expect((await get(url, taskId))["status"]).not.toBe("cancelled");
});

test("the task methods need the extension, and a client without it gets the result directly", async () => {
  const { url } = await startEndpoint([asTask(broken), asTask({ ...greet, run: async () => text("hi") })]);
  const got = await modern(url, "tasks/get", { taskId: "x" });
  expect(got.status).toBe(400);
  expect(errorOf(got)).toMatchObject({
    code: -32021,
    data: { requiredCapabilities: { extensions: { "io.modelcontextprotocol/tasks": {} } } },
  });
  expect(resultOf(await modern(url, "tools/call", { name: "greet", arguments: {} }))).toMatchObject({
    ...text("hi"),
    resultType: "complete",
  });
});

test("input gathered before the task leaves no trace in it", async () => {
  const both = {
    ...greet,
    run: async (...[args, io, call]: Parameters<typeof greet.run>) => {
      const asked = await greet.run(args, io, call);
      io.task?.({ status: "working" });
      return asked;
    },
  };
  const { url } = await startEndpoint([both]);
  const base = { name: "greet", arguments: {} };
  const asked = resultOf(await modern(url, "tools/call", base, { capabilities }));
  expect(asked).toMatchObject({ resultType: "input_required" });
  const created = resultOf(
    await modern(
      url,
      "tools/call",
      {
        ...base,
        requestState: asked["requestState"] ?? null,
        inputResponses: { user_name: { action: "accept", content: { name: "Alice" } } },
      },
      { capabilities },
    ),
  );
  expect(created).toMatchObject({ resultType: "task" });
  expect(created).not.toHaveProperty("requestState");
  expect(await settled(url, String(created["taskId"]), ["working"])).toMatchObject({
    status: "completed",
    result: { content: [{ text: expect.stringContaining("Alice") }] },
  });
});
