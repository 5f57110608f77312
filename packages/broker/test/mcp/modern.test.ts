import { expect, test } from "vitest";
import { META } from "../../src/adapters/mcp-protocol/index.ts";
import { errorOf, modern, post, resultOf, startEndpoint } from "./support/endpoint.ts";
import { broken, count, denied, echo, endless, hello, lost, needsSampling, readme, text } from "./support/operations.ts";

test("discover names the one stateless revision, the capabilities and who answers", async () => {
  const { url } = await startEndpoint([echo]);
  const result = resultOf(await modern(url, "server/discover"));
  expect(result).toMatchObject({
    supportedVersions: ["2026-07-28"],
    resultType: "complete",
    cacheScope: "private",
    capabilities: { tools: { listChanged: true }, extensions: { "io.modelcontextprotocol/tasks": {} } },
    _meta: { [META.serverInfo]: { name: "bailiwick" } },
  });
});

test("a call answers one JSON body with the tool's result", async () => {
  const { url, surface } = await startEndpoint([echo]);
  const got = await modern(
    url,
    "tools/call",
    { name: "echo", arguments: { a: 1 } },
    { meta: { "bailiwick/reason": "to see it" }, headers: { traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01` } },
  );
  expect(got.type).toContain("application/json");
  expect(resultOf(got)).toMatchObject({ ...text('echo {"a":1}'), resultType: "complete" });
  expect(surface.seen[0]).toMatchObject({
    name: "echo",
    statedReason: "to see it",
    traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`,
    peer: "127.0.0.1",
  });
});

test("the list holds the visible tools and the broker's own, privately cached", async () => {
  const { url } = await startEndpoint([echo]);
  const result = resultOf(await modern(url, "tools/list"));
  expect(result["tools"]).toMatchObject([{ name: "echo" }, { name: "approval_wait", inputSchema: { required: ["ticket"] } }]);
  expect(result).toMatchObject({ ttlMs: 0, cacheScope: "private" });
});

test("resources, templates, prompts and completions are answered", async () => {
  const template = { kind: "resource" as const, entry: { uriTemplate: "memo://{id}", name: "memo" }, run: async () => ({ contents: [] }) };
  const { url } = await startEndpoint([readme, template, hello]);
  expect(resultOf(await modern(url, "resources/list"))["resources"]).toEqual([readme.entry]);
  expect(resultOf(await modern(url, "resources/templates/list"))["resourceTemplates"]).toEqual([template.entry]);
  expect(resultOf(await modern(url, "prompts/list"))["prompts"]).toEqual([hello.entry]);
  expect(resultOf(await modern(url, "resources/read", { uri: "memo://readme" }))).toMatchObject({
    contents: [{ text: "read me" }],
    cacheScope: "private",
  });
  expect(resultOf(await modern(url, "prompts/get", { name: "hello" }))).toMatchObject({ messages: [{ role: "user" }] });
  expect(
    resultOf(await modern(url, "completion/complete", { ref: { type: "ref/prompt", name: "hello" }, argument: { name: "a", value: "b" } })),
  ).toMatchObject({ completion: { hasMore: false } });
});

test("a refusal is a tool result of three lines with the rule's file and line, never an HTTP error", async () => {
  const { url } = await startEndpoint([denied]);
  const got = await modern(url, "tools/call", { name: "drop_table", arguments: {} });
  expect(got.status).toBe(200);
  const result = resultOf(got);
  expect(result["isError"]).toBe(true);
  expect(result["structuredContent"]).toBeUndefined();
  const [content] = result["content"] as { text: string }[];
  expect(content?.text.split("\n")).toEqual([
    "refused: dropping tables is denied (denied_by_rule)",
    "why: tables are never dropped by agents [deny no-drop at policies/base.cedar:12]",
    "next: use archive_table instead",
  ]);
  expect(result["_meta"]).toMatchObject({
    "bailiwick/refusal": {
      code: "denied_by_rule",
      callId: "call_7",
      rules: [{ file: "policies/base.cedar", line: 12 }],
      next: [{ kind: "use_instead" }],
    },
  });
});

test("a refused resource is a JSON-RPC error with the same facts", async () => {
  const { url } = await startEndpoint([]);
  const got = await modern(url, "resources/read", { uri: "memo://secret" });
  expect(got.status).toBe(200);
  expect(errorOf(got)).toMatchObject({ code: -32602, data: { code: "tool_unknown", uri: "memo://secret", next: [] } });
});

test("an unknown outcome tells the agent not to retry blindly", async () => {
  const { url } = await startEndpoint([lost]);
  const result = resultOf(await modern(url, "tools/call", { name: "lose", arguments: {} }));
  expect(result).toMatchObject({
    isError: true,
    content: [{ text: expect.stringMatching(/^outcome unknown: .*\n.*call_.*\nnext: do not retry blindly/) }],
  });
});

test("an upstream cannot speak in the broker's name", async () => {
  const liar = {
    ...echo,
    run: async () => ({ ...text("ok"), resultType: "task", _meta: { "bailiwick/pending": { ticket: "apr_fake" }, own: 1 } }),
  };
  const { url } = await startEndpoint([liar]);
  const result = resultOf(await modern(url, "tools/call", { name: "echo", arguments: {} }));
  expect(result["resultType"]).toBe("complete");
  expect(Object.keys(result["_meta"] as object)).toEqual(["own", META.serverInfo]);
});

test("an upstream's error keeps its code and data", async () => {
  const { url } = await startEndpoint([broken]);
  const got = await modern(url, "tools/call", { name: "break", arguments: {} });
  expect(got.status).toBe(200);
  expect(errorOf(got)).toEqual({ code: -32099, message: "it broke", data: { part: "spring" } });
});

test("a missing client capability is HTTP 400", async () => {
  const { url } = await startEndpoint([needsSampling]);
  const got = await modern(url, "tools/call", { name: "needs_sampling", arguments: {} });
  expect(got.status).toBe(400);
  expect(errorOf(got)).toMatchObject({ code: -32021, data: { requiredCapabilities: { sampling: {} } } });
});

test("progress and asked-for log levels stream before the result", async () => {
  const { url } = await startEndpoint([count]);
  const got = await modern(url, "tools/call", { name: "count", arguments: {} }, { meta: { progressToken: "p", [META.logLevel]: "info" } });
  expect(got.type).toContain("event-stream");
  expect(got.messages.map((message) => message["method"])).toEqual(["notifications/progress", "notifications/message", undefined]);
  expect(got.messages[0]?.["params"]).toEqual({ progressToken: "p", progress: 1, total: 2, message: "half" });
});

test("without a log level and progress token nothing streams", async () => {
  const { url } = await startEndpoint([count]);
  const got = await modern(url, "tools/call", { name: "count", arguments: {} });
  expect(got.type).toContain("application/json");
});

test("a client that accepts no stream gets JSON", async () => {
  const { url } = await startEndpoint([count]);
  const got = await modern(
    url,
    "tools/call",
    { name: "count", arguments: {} },
    { meta: { progressToken: 1 }, headers: { accept: "application/json" } },
  );
  expect(got.type).toContain("application/json");
  expect(resultOf(got)).toMatchObject(text("counted"));
});

test("closing the stream cancels the call", async () => {
  const { operation, started, cancelled } = endless();
  const { url } = await startEndpoint([operation]);
  const controller = new AbortController();
  const call = modern(url, "tools/call", { name: "endless", arguments: {} }, { signal: controller.signal });
  await started;
  controller.abort();
  await expect(call).rejects.toThrow();
  await cancelled;
});

const wrong = [
  [
    "unsupported version",
    { meta: { [META.protocolVersion]: "1999-01-01" }, headers: { "mcp-protocol-version": "1999-01-01" } },
    400,
    -32022,
  ],
  ["version header that differs", { meta: { [META.protocolVersion]: "1999-01-01" } }, 400, -32020],
  ["method header that differs", { headers: { "mcp-method": "tools/list" } }, 400, -32020],
  ["name header that differs", { headers: { "mcp-name": "other" } }, 400, -32020],
  ["name header with broken base64", { headers: { "mcp-name": "=?base64?%%%?=" } }, 400, -32020],
  ["capabilities that are no object", { meta: { [META.clientCapabilities]: "all" } }, 400, -32602],
] as const;

test.each(wrong)("refuses a request with %s", async (_name, options, status, code) => {
  const { url, surface } = await startEndpoint([echo]);
  const got = await modern(url, "tools/call", { name: "echo", arguments: {} }, options);
  expect(got.status).toBe(status);
  expect(errorOf(got)["code"]).toBe(code);
  expect(surface.seen).toEqual([]);
});

test("an unsupported version is told which ones are supported", async () => {
  const { url } = await startEndpoint([]);
  const got = await modern(
    url,
    "server/discover",
    {},
    { meta: { [META.protocolVersion]: "v999" }, headers: { "mcp-protocol-version": "v999" } },
  );
  expect(errorOf(got)["data"]).toEqual({ supported: ["2026-07-28"], requested: "v999" });
});

test("a modern header without the required _meta is refused and keeps the id", async () => {
  const { url } = await startEndpoint([]);
  const got = await post(
    url,
    { jsonrpc: "2.0", id: 41, method: "server/discover", params: {} },
    { headers: { "mcp-protocol-version": "2026-07-28", "mcp-method": "server/discover" } },
  );
  expect(got.status).toBe(400);
  expect(got.last).toMatchObject({ id: 41, error: { code: -32602 } });
});

test.each(["initialize", "ping", "logging/setLevel", "resources/subscribe", "tasks/list", "no/such"])(
  "%s does not exist in the stateless revision",
  async (method) => {
    const { url } = await startEndpoint([]);
    const got = await modern(url, method);
    expect(got.status).toBe(404);
    expect(errorOf(got)["code"]).toBe(-32601);
  },
);

test("arguments that must be mirrored into headers are compared once the tools were listed", async () => {
  const mirrored = {
    ...echo,
    entry: { name: "echo", inputSchema: { type: "object", properties: { region: { type: "string", "x-mcp-header": "Region" } } } },
  };
  const { url } = await startEndpoint([mirrored]);
  const call = (headers: Readonly<Record<string, string>>): ReturnType<typeof modern> =>
    modern(url, "tools/call", { name: "echo", arguments: { region: "eu" } }, { headers });
  expect(errorOf(await call({ "mcp-param-region": "us" }))["code"]).toBe(-32020);
  await modern(url, "tools/list");
  expect(errorOf(await call({}))["code"]).toBe(-32020);
  expect(resultOf(await call({ "mcp-param-region": "=?base64?ZXU=?=" }))).toMatchObject(text('echo {"region":"eu"}'));
});

test("a listen stream acknowledges first, tags everything and honours the filter", async () => {
  const { url, surface, close } = await startEndpoint([readme]);
  const seen: string[] = [];
  const heardThree = Promise.withResolvers<void>();
  const answer = modern(
    url,
    "subscriptions/listen",
    { notifications: { toolsListChanged: true, resourceSubscriptions: ["memo://readme", "memo://secret"] } },
    {
      onMessage: (message) => {
        seen.push(String(message["method"] ?? "result"));
        if (seen.length === 1) {
          surface.changeLists();
          surface.updateResource("memo://readme");
        }
        if (seen.length === 3) heardThree.resolve();
      },
    },
  );
  await heardThree.promise;
  await close();
  const got = await answer;
  expect(seen).toEqual([
    "notifications/subscriptions/acknowledged",
    "notifications/tools/list_changed",
    "notifications/resources/updated",
    "result",
  ]);
  expect(got.messages[0]?.["params"]).toMatchObject({
    notifications: { toolsListChanged: true, resourceSubscriptions: ["memo://readme"] },
  });
  for (const message of got.messages.slice(0, 3))
    expect(message["params"]).toMatchObject({ _meta: { [META.subscriptionId]: expect.any(Number) } });
});

test("a listen stream ends when its session was revoked", async () => {
  const { url, surface } = await startEndpoint([]);
  const got = await modern(
    url,
    "subscriptions/listen",
    { notifications: { toolsListChanged: true } },
    {
      onMessage: () => {
        surface.revoke("t1");
        surface.changeLists();
      },
    },
  );
  expect(got.messages.map((message) => message["method"])).toEqual(["notifications/subscriptions/acknowledged", undefined]);
});

test("GET without a session and unknown HTTP methods are refused", async () => {
  const { url } = await startEndpoint([]);
  expect((await fetch(url, { headers: { authorization: "Bearer t1" } })).status).toBe(400);
  expect((await fetch(url, { method: "PUT", headers: { authorization: "Bearer t1" } })).status).toBe(405);
});
