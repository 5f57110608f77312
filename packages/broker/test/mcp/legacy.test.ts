import { expect, test } from "vitest";
import { errorOf, legacy, post, readAnswer, resultOf, startEndpoint } from "./support/endpoint.ts";
import { count, denied, echo, endless, hello, readme, text, transfer } from "./support/operations.ts";

test.each(["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"])("initialize agrees on %s and opens a session", async (version) => {
  const { url } = await startEndpoint([echo]);
  const client = await legacy(url, {}, version);
  expect(client.session).toMatch(/^[\w-]{32}$/);
  expect(client.initialized).toMatchObject({
    protocolVersion: version,
    capabilities: { tools: { listChanged: true }, logging: {}, completions: {} },
    serverInfo: { name: "bailiwick" },
  });
  expect(resultOf(await client.request("ping"))).toEqual({});
});

test("an unknown revision is answered with the newest one that has sessions", async () => {
  const { url } = await startEndpoint([]);
  const answer = await post(url, {
    jsonrpc: "2.0",
    id: 0,
    method: "initialize",
    params: { protocolVersion: "1999-01-01", capabilities: {} },
  });
  expect(resultOf(answer)["protocolVersion"]).toBe("2025-11-25");
});

test("lists, reads, prompts and completions are answered without modern members", async () => {
  const { url } = await startEndpoint([echo, readme, hello]);
  const client = await legacy(url);
  expect(Object.keys(resultOf(await client.request("tools/list")))).toEqual(["tools"]);
  expect(resultOf(await client.request("resources/list"))).toEqual({ resources: [readme.entry] });
  expect(resultOf(await client.request("prompts/list"))).toEqual({ prompts: [hello.entry] });
  expect(resultOf(await client.request("resources/read", { uri: "memo://readme" }))).toEqual({
    contents: [{ uri: "memo://readme", text: "read me" }],
  });
  expect(resultOf(await client.request("prompts/get", { name: "hello" }))).toMatchObject({ messages: [{ role: "user" }] });
  expect(resultOf(await client.request("completion/complete", { argument: {} }))).toMatchObject({ completion: { hasMore: false } });
  expect(resultOf(await client.request("tools/call", { name: "echo", arguments: { a: [1] } }))).toEqual(text('echo {"a":[1]}'));
});

test("a resource that does not exist has the older code", async () => {
  const { url } = await startEndpoint([]);
  const client = await legacy(url);
  expect(errorOf(await client.request("resources/read", { uri: "memo://no" }))).toMatchObject({
    code: -32002,
    data: { code: "tool_unknown" },
  });
});

test("a refusal stays inside HTTP 200", async () => {
  const { url } = await startEndpoint([denied]);
  const client = await legacy(url);
  const got = await client.request("tools/call", { name: "drop_table", arguments: {} });
  expect(got.status).toBe(200);
  expect(resultOf(got)).toMatchObject({ isError: true, _meta: { "bailiwick/refusal": { code: "denied_by_rule" } } });
});

test("an unknown method is -32601 inside HTTP 200", async () => {
  const { url } = await startEndpoint([]);
  const client = await legacy(url);
  const got = await client.request("server/discover");
  expect(got.status).toBe(200);
  expect(errorOf(got)["code"]).toBe(-32601);
});

test("a session is required, and another principal's or an ended one is 404", async () => {
  const { url, surface } = await startEndpoint([echo]);
  surface.allow("t2", { agent: "bailiwick://globex/dev/support/triage", tenant: "globex" });
  const client = await legacy(url);
  const list = { jsonrpc: "2.0", id: 1, method: "tools/list" };
  expect((await post(url, list)).status).toBe(400);
  expect((await post(url, list, { token: "t2", headers: { "mcp-session-id": client.session } })).status).toBe(404);
  expect((await post(url, list, { headers: { "mcp-session-id": "nonsense" } })).status).toBe(404);
  const ended = await fetch(url, { method: "DELETE", headers: { authorization: "Bearer t1", "mcp-session-id": client.session } });
  expect(ended.status).toBe(204);
  expect((await client.request("tools/list")).status).toBe(404);
});

test("a renewed token of the same agent, user and task continues the session", async () => {
  const { url, surface } = await startEndpoint([echo]);
  const client = await legacy(url);
  surface.allow("t1b");
  surface.expire("t1");
  expect((await client.request("tools/list")).status).toBe(401);
  expect((await client.request("tools/list", {}, { token: "t1b" })).status).toBe(200);
});

test("progress and log messages stream before the result, filtered by the session's level", async () => {
  const { url } = await startEndpoint([count]);
  const client = await legacy(url);
  const all = await client.request("tools/call", { name: "count", arguments: {}, _meta: { progressToken: 7 } });
  expect(all.messages.map((message) => message["method"])).toEqual([
    "notifications/progress",
    "notifications/message",
    "notifications/message",
    undefined,
  ]);
  expect(resultOf(await client.request("logging/setLevel", { level: "info" }))).toEqual({});
  const filtered = await client.request("tools/call", { name: "count", arguments: {} });
  expect(filtered.messages.map((message) => message["method"])).toEqual(["notifications/message", undefined]);
  expect(errorOf(await client.request("logging/setLevel", { level: "loud" }))["code"]).toBe(-32602);
});

test("notifications/cancelled cancels the named call", async () => {
  const { operation, started, cancelled } = endless();
  const { url } = await startEndpoint([operation]);
  const client = await legacy(url);
  const call = client.request("tools/call", { name: "endless", arguments: {} }, { id: "c1" });
  await started;
  const heard = await client.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: "c1" } });
  expect(heard.status).toBe(202);
  await cancelled;
  await call;
});

test("a closed connection does not cancel, and the rest of a stream is fetched by Last-Event-ID", async () => {
  const { operation, started, finish } = endless();
  const noisy = {
    ...operation,
    run: async (...[args, io, call]: Parameters<typeof operation.run>) => {
      io.progress({ progress: 1 });
      return operation.run(args, io, call);
    },
  };
  const { url } = await startEndpoint([noisy]);
  const client = await legacy(url);
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      authorization: "Bearer t1",
      "mcp-session-id": client.session,
    },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 5,
      method: "tools/call",
      params: { name: "endless", arguments: {}, _meta: { progressToken: 1 } },
    }),
  });
  const reader = response.body?.getReader();
  const first = new TextDecoder().decode((await reader?.read())?.value);
  const lastEvent = /^id: ([\da-f]+-\d+)$/m.exec(first)?.[1] ?? "";
  expect(first).toMatch(/^id: [\da-f]+-0\nretry: \d+\ndata: \n/);
  await started;
  await reader?.cancel();
  const resumed = fetch(url, {
    headers: { accept: "text/event-stream", authorization: "Bearer t1", "mcp-session-id": client.session, "last-event-id": lastEvent },
  });
  finish();
  const got = await readAnswer(await resumed);
  expect(got.last).toMatchObject({ id: 5, result: text("ended") });
});

test("the GET stream tells of changed lists and updated resources, until unsubscribed", async () => {
  const { url, surface, close } = await startEndpoint([readme]);
  const client = await legacy(url);
  const headers = { accept: "text/event-stream", authorization: "Bearer t1", "mcp-session-id": client.session };
  const stream = await fetch(url, { headers });
  expect(stream.status).toBe(200);
  expect(resultOf(await client.request("resources/subscribe", { uri: "memo://readme" }))).toEqual({});
  expect(errorOf(await client.request("resources/subscribe", { uri: "memo://secret" }))).toMatchObject({ data: { code: "no_grant" } });
  const seen: string[] = [];
  const heard = Promise.withResolvers<void>();
  const reading = readAnswer(stream, (message) => {
    seen.push(String(message["method"]));
    if (seen.length === 4) heard.resolve();
  });
  surface.updateResource("memo://readme");
  surface.changeLists();
  await heard.promise;
  expect(seen.toSorted()).toEqual([
    "notifications/prompts/list_changed",
    "notifications/resources/list_changed",
    "notifications/resources/updated",
    "notifications/tools/list_changed",
  ]);
  expect(resultOf(await client.request("resources/unsubscribe", { uri: "memo://readme" }))).toEqual({});
  surface.updateResource("memo://readme");
  await close();
  await reading.catch(() => {});
  expect(seen).toHaveLength(4);
});

test("an id that is still running cannot be used twice", async () => {
  const { operation, started, finish } = endless();
  const { url } = await startEndpoint([operation]);
  const client = await legacy(url);
  const call = client.request("tools/call", { name: "endless", arguments: {} }, { id: "same" });
  await started;
  expect(errorOf(await client.request("tools/call", { name: "endless", arguments: {} }, { id: "same" }))["code"]).toBe(-32600);
  finish();
  await call;
});

test("a held call without progress token answers pending inside its bound", async () => {
  const { url, surface } = await startEndpoint([transfer]);
  const client = await legacy(url);
  const got = await client.request("tools/call", { name: "transfer", arguments: { to: "bob" } });
  expect(got.type).toContain("event-stream");
  const result = resultOf(got);
  expect(result).toMatchObject({
    isError: false,
    structuredContent: { status: "pending_approval", ticket: surface.tickets[0], retryAfterMs: 10 },
  });
});
