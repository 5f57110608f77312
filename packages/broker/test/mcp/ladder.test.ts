import { expect, test } from "vitest";
import type { JsonObject } from "@bailiwick/policy";
import { isObject } from "../../src/adapters/mcp-protocol/index.ts";
import { errorOf, legacy, modern, resultOf, startEndpoint } from "./support/endpoint.ts";
import { greet, readme, strictTransfer, text, transfer } from "./support/operations.ts";

const TASKS = { extensions: { "io.modelcontextprotocol/tasks": {} } };
const pay = { name: "transfer", arguments: { to: "bob" } };
const done = text('transferred {"to":"bob"}');

async function until(check: () => Promise<JsonObject | undefined>): Promise<JsonObject> {
  for (;;) {
    const found = await check();
    if (found !== undefined) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("rung 1: a client of tasks gets a task at once and the result by polling", async () => {
  const { url, surface } = await startEndpoint([transfer]);
  const created = resultOf(await modern(url, "tools/call", pay, { capabilities: TASKS }));
  expect(created).toMatchObject({
    resultType: "task",
    status: "working",
    statusMessage: expect.stringContaining("support-lead"),
    pollIntervalMs: 20,
    ttlMs: expect.any(Number),
  });
  expect(created).not.toHaveProperty("result");
  const taskId = String(created["taskId"]);
  expect(resultOf(await modern(url, "tasks/get", { taskId }, { capabilities: TASKS }))).toMatchObject({
    taskId,
    status: "working",
    resultType: "complete",
  });
  surface.answer(surface.tickets[0] ?? "", "approved");
  const ended = await until(async () => {
    const task = resultOf(await modern(url, "tasks/get", { taskId }, { capabilities: TASKS }));
    return task["status"] === "working" ? undefined : task;
  });
  expect(ended).toMatchObject({ status: "completed", result: done });
});

test("a task outlives the token it was made with: each poll brings the next one", async () => {
  const { url, surface } = await startEndpoint([transfer]);
  const taskId = String(resultOf(await modern(url, "tools/call", pay, { capabilities: TASKS }))["taskId"]);
  surface.allow("t2");
  surface.expire("t1");
  surface.answer(surface.tickets[0] ?? "", "approved");
  const ended = await until(async () => {
    const task = resultOf(await modern(url, "tasks/get", { taskId }, { capabilities: TASKS, token: "t2" }));
    return task["status"] === "working" ? undefined : task;
  });
  expect(ended).toMatchObject({ status: "completed", result: done });
});

test("a denied task is completed with a refusal", async () => {
  const { url, surface } = await startEndpoint([transfer]);
  const taskId = String(resultOf(await modern(url, "tools/call", pay, { capabilities: TASKS }))["taskId"]);
  surface.answer(surface.tickets[0] ?? "", "denied");
  const ended = await until(async () => {
    const task = resultOf(await modern(url, "tasks/get", { taskId }, { capabilities: TASKS }));
    return task["status"] === "working" ? undefined : task;
  });
  expect(ended).toMatchObject({
    status: "completed",
    result: { isError: true, _meta: { "bailiwick/refusal": { code: "approval_denied" } } },
  });
});

test("rung 3: a lease answers input_required with only a state, and the retry brings the result", async () => {
  const { url, surface } = await startEndpoint([transfer]);
  const first = await modern(url, "tools/call", pay);
  const held = resultOf(first);
  expect(first.type).toContain("event-stream");
  expect(held).toMatchObject({
    resultType: "input_required",
    requestState: expect.any(String),
    _meta: { "bailiwick/pending": { ticket: surface.tickets[0] } },
  });
  expect(held).not.toHaveProperty("inputRequests");
  surface.answer(surface.tickets[0] ?? "", "approved");
  expect(resultOf(await modern(url, "tools/call", { ...pay, requestState: held["requestState"] ?? null }))).toMatchObject({
    ...done,
    resultType: "complete",
  });
});

test("the ninth leg of a lease ends with the pending answer", async () => {
  const { url, surface } = await startEndpoint([transfer], { durations: { leaseMs: 5 } });
  let state: JsonObject = {};
  for (let leg = 1; leg <= 8; leg += 1) {
    const held = resultOf(await modern(url, "tools/call", { ...pay, ...state }));
    expect(held["resultType"]).toBe("input_required");
    state = { requestState: held["requestState"] ?? null };
  }
  expect(resultOf(await modern(url, "tools/call", { ...pay, ...state }))).toMatchObject({
    resultType: "complete",
    isError: false,
    structuredContent: {
      status: "pending_approval",
      ticket: surface.tickets[0],
      approvalUrl: expect.stringContaining(surface.tickets[0] ?? "?"),
    },
  });
  expect(surface.tickets).toHaveLength(1);
});

test("a lease whose token ran out goes on with the retry's token", async () => {
  const { url, surface } = await startEndpoint([transfer], { durations: { leaseMs: 2_000 } });
  const first = modern(url, "tools/call", pay);
  await until(async () => (surface.tickets.length > 0 ? {} : undefined));
  surface.allow("t2");
  surface.expire("t1");
  surface.answer(surface.tickets[0] ?? "", "approved");
  const held = resultOf(await first);
  expect(held["resultType"]).toBe("input_required");
  expect(resultOf(await modern(url, "tools/call", { ...pay, requestState: held["requestState"] ?? null }, { token: "t2" }))).toMatchObject(
    done,
  );
});

test("rung 4: a legacy client with a progress token hears progress at once and gets the result", async () => {
  const { url, surface } = await startEndpoint([transfer], { durations: { holdWithProgressMs: 5_000, progressMs: 20 } });
  const client = await legacy(url);
  let heard = 0;
  const got = await client.request(
    "tools/call",
    { ...pay, _meta: { progressToken: "p" } },
    {
      onMessage: (message) => {
        if (message["method"] !== "notifications/progress") return;
        heard += 1;
        if (heard === 3) surface.answer(surface.tickets[0] ?? "", "approved");
      },
    },
  );
  expect(got.messages[0]).toMatchObject({
    method: "notifications/progress",
    params: { progressToken: "p", progress: 1, message: expect.stringContaining("waiting for") },
  });
  expect(got.messages[1]).toMatchObject({ params: { progress: 2 } });
  expect(resultOf(got)).toEqual(done);
});

test("rung 4 is bounded and falls back to the pending answer", async () => {
  const { url, surface } = await startEndpoint([transfer], { durations: { holdWithProgressMs: 60, progressMs: 20 } });
  const client = await legacy(url);
  const got = await client.request("tools/call", { ...pay, _meta: { progressToken: "p" } });
  expect(resultOf(got)).toMatchObject({ isError: false, structuredContent: { ticket: surface.tickets[0] } });
});

test("rung 5: approval_wait brings the real result exactly once, and the identical call finds the same ticket", async () => {
  const { url, surface } = await startEndpoint([transfer]);
  const client = await legacy(url);
  await client.request("tools/call", pay);
  await client.request("tools/call", pay);
  expect(surface.tickets).toHaveLength(1);
  const ticket = surface.tickets[0] ?? "";
  const wait = { name: "approval_wait", arguments: { ticket } };
  expect(resultOf(await client.request("tools/call", wait))).toMatchObject({ structuredContent: { status: "pending_approval", ticket } });
  surface.answer(ticket, "approved");
  expect(resultOf(await client.request("tools/call", wait))).toEqual(done);
  expect(resultOf(await client.request("tools/call", wait))).toMatchObject({
    isError: true,
    _meta: { "bailiwick/refusal": { code: "approval_used" } },
  });
});

test("a tool with an output schema answers pending without structured content, which the schema would reject", async () => {
  const { url, surface } = await startEndpoint([strictTransfer]);
  const client = await legacy(url);
  const result = resultOf(await client.request("tools/call", { name: "strict_transfer", arguments: {} }));
  expect(result).toMatchObject({ isError: true, _meta: { "bailiwick/pending": { ticket: surface.tickets[0] } } });
  expect(result).not.toHaveProperty("structuredContent");
});

test("an agent that asks for no wait gets the pending answer at once, in both eras", async () => {
  const { url, surface } = await startEndpoint([transfer], { durations: { leaseMs: 60_000, holdMs: 60_000 } });
  const now = await modern(url, "tools/call", pay, { meta: { "bailiwick/waitMs": 0 }, capabilities: TASKS });
  expect(resultOf(now)).toMatchObject({ structuredContent: { ticket: surface.tickets[0] } });
  const client = await legacy(url);
  expect(resultOf(await client.request("tools/call", { ...pay, _meta: { "bailiwick/waitMs": 0 } }))).toMatchObject({
    structuredContent: { ticket: surface.tickets[0] },
  });
});

test("a held resource read is a lease, and at last an error with the ticket", async () => {
  const { url, surface } = await startEndpoint([{ ...readme, held: true }]);
  const held = resultOf(await modern(url, "resources/read", { uri: "memo://readme" }));
  expect(held["resultType"]).toBe("input_required");
  surface.answer(surface.tickets[0] ?? "", "approved");
  expect(resultOf(await modern(url, "resources/read", { uri: "memo://readme", requestState: held["requestState"] ?? null }))).toMatchObject(
    { contents: [{ text: "read me" }] },
  );
  const client = await legacy(url);
  surface.allow("t9", { agent: "bailiwick://acme/dev/support/other" });
  const other = await legacy(url, {}, "2025-11-25", "t9");
  expect(errorOf(await other.request("resources/read", { uri: "memo://readme" }))).toMatchObject({
    data: { code: "pending_approval", ticket: surface.tickets[1] },
  });
  expect(isObject(client.initialized)).toBe(true);
});

test("closing a held request keeps the approval", async () => {
  const { url, surface } = await startEndpoint([transfer], { durations: { leaseMs: 60_000 } });
  const controller = new AbortController();
  const call = modern(url, "tools/call", pay, { signal: controller.signal });
  await until(async () => (surface.tickets.length > 0 ? {} : undefined));
  controller.abort();
  await expect(call).rejects.toThrow();
  await until(async () => (surface.broken() > 0 ? {} : undefined));
  surface.answer(surface.tickets[0] ?? "", "approved");
  expect(resultOf(await modern(url, "tools/call", pay))).toMatchObject(done);
  expect(surface.tickets).toHaveLength(1);
});

test("an approved call whose tool then asks the agent continues through the same retries", async () => {
  const { url, surface } = await startEndpoint([{ ...greet, held: true }]);
  const call = { name: "greet", arguments: {} };
  const capabilities = { elicitation: {} };
  const held = resultOf(await modern(url, "tools/call", call, { capabilities }));
  surface.answer(surface.tickets[0] ?? "", "approved");
  const asked = resultOf(await modern(url, "tools/call", { ...call, requestState: held["requestState"] ?? null }, { capabilities }));
  expect(asked).toMatchObject({ resultType: "input_required", inputRequests: { user_name: { method: "elicitation/create" } } });
  const inputResponses = { user_name: { action: "accept", content: { name: "Ada" } } };
  const result = resultOf(
    await modern(url, "tools/call", { ...call, requestState: asked["requestState"] ?? null, inputResponses }, { capabilities }),
  );
  expect(result).toMatchObject({ content: [{ text: expect.stringContaining("Ada") }] });
});
