import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { expect, onTestFinished, test } from "vitest";
import { startEndpoint } from "./support/endpoint.ts";
import { count, denied, echo, greet, hello, readme, strictTransfer, text, transfer } from "./support/operations.ts";

const ERAS = [
  ["2026-07-28", { mode: { pin: "2026-07-28" } }],
  ["2025-11-25", { mode: "legacy" }],
] as const;

type Negotiation = (typeof ERAS)[number][1];

async function connect(url: string, versionNegotiation: Negotiation | { readonly mode: "auto" }): Promise<Client> {
  const client = new Client({ name: "agent", version: "1.0.0" }, { capabilities: { elicitation: { form: {} } }, versionNegotiation });
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { authorization: "Bearer t1" } } }));
  onTestFinished(() => client.close());
  return client;
}

test.each(ERAS)("the SDK's client works in %s: lists, calls, reads, prompts", async (_era, negotiation) => {
  const { url } = await startEndpoint([echo, readme, hello]);
  const client = await connect(url, negotiation);
  expect((await client.listTools()).tools.map((tool) => tool.name)).toEqual(["echo", "approval_wait"]);
  expect(await client.callTool({ name: "echo", arguments: { a: 1 } })).toMatchObject(text('echo {"a":1}'));
  expect((await client.readResource({ uri: "memo://readme" })).contents).toEqual([{ uri: "memo://readme", text: "read me" }]);
  expect((await client.getPrompt({ name: "hello" })).messages).toHaveLength(1);
  expect(client.getServerVersion()).toMatchObject({ name: "bailiwick" });
});

test("a client that negotiates by itself chooses the stateless revision", async () => {
  const { url } = await startEndpoint([echo]);
  const client = await connect(url, { mode: "auto" });
  expect(client.getNegotiatedProtocolVersion()).toBe("2026-07-28");
});

test.each(ERAS)("the SDK's client hears progress in %s", async (_era, negotiation) => {
  const { url } = await startEndpoint([count]);
  const client = await connect(url, negotiation);
  const heard: unknown[] = [];
  await client.callTool({ name: "count", arguments: {} }, { onprogress: (progress) => heard.push(progress) });
  expect(heard).toMatchObject([{ progress: 1, total: 2, message: "half" }]);
});

test.each(ERAS)("the SDK's client answers the tool's question in %s", async (_era, negotiation) => {
  const { url } = await startEndpoint([greet]);
  const client = await connect(url, negotiation);
  client.setRequestHandler("elicitation/create", async () => ({ action: "accept", content: { name: "Ada" } }));
  expect(await client.callTool({ name: "greet", arguments: {} })).toMatchObject({ content: [{ text: expect.stringContaining("Ada") }] });
});

test.each(ERAS)("a refusal reaches the model as a result in %s and the session goes on", async (_era, negotiation) => {
  const { url } = await startEndpoint([denied, echo]);
  const client = await connect(url, negotiation);
  expect(await client.callTool({ name: "drop_table", arguments: {} })).toMatchObject({ isError: true });
  expect(await client.callTool({ name: "echo", arguments: {} })).toMatchObject(text("echo {}"));
});

test("the SDK's client retries the lease by itself until a person has answered", async () => {
  const { url, surface } = await startEndpoint([transfer], { durations: { leaseMs: 15 } });
  const client = await connect(url, { mode: { pin: "2026-07-28" } });
  const call = client.callTool({ name: "transfer", arguments: { to: "bob" } });
  while (surface.seen.length < 3) await new Promise((resolve) => setImmediate(resolve));
  surface.answer(surface.tickets[0] ?? "", "approved");
  expect(await call).toMatchObject(text('transferred {"to":"bob"}'));
});

test("the SDK's client gets the ticket before it gives up", async () => {
  const { url, surface } = await startEndpoint([transfer], { durations: { leaseMs: 5 } });
  const client = await connect(url, { mode: { pin: "2026-07-28" } });
  expect(await client.callTool({ name: "transfer", arguments: {} })).toMatchObject({
    structuredContent: { status: "pending_approval", ticket: surface.tickets[0] },
  });
});

test.each(ERAS)("the SDK's client accepts a pending answer of a tool with an output schema in %s", async (_era, negotiation) => {
  const { url, surface } = await startEndpoint([strictTransfer], { durations: { leaseMs: 5, holdMs: 5 } });
  const client = await connect(url, negotiation);
  await client.listTools();
  expect(await client.callTool({ name: "strict_transfer", arguments: {} })).toMatchObject({
    _meta: { "bailiwick/pending": { ticket: surface.tickets[0] } },
  });
});

test("the SDK's client hears of changed lists on its stream", async () => {
  const { url, surface } = await startEndpoint([echo]);
  const client = await connect(url, { mode: "legacy" });
  const heard = Promise.withResolvers<void>();
  client.setNotificationHandler("notifications/tools/list_changed", () => heard.resolve());
  const poke = setInterval(() => surface.changeLists(), 5);
  await heard.promise;
  clearInterval(poke);
});
