import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { runConnect } from "../../broker/src/cli/connect.ts";
import { META, MODERN_VERSION, isObject, parseJson } from "../../broker/src/adapters/mcp-protocol/index.ts";
import { count, echo, endless, greet, text } from "../../broker/test/mcp/support/operations.ts";
import type { Json, JsonObject } from "../src/index.ts";
import type { TestBroker } from "./support/broker.ts";
import { startBroker } from "./support/broker.ts";

interface Piped {
  say(message: Json): void;
  sayRaw(line: string): void;
  /** The next message that fits. */
  hear(fits: (message: JsonObject) => boolean): Promise<JsonObject>;
  readonly heard: readonly JsonObject[];
  readonly warned: readonly string[];
  /** Ends stdin and waits for the bridge to end. */
  end(): Promise<void>;
}

function pipe(broker: TestBroker, stop?: Promise<void>): Piped {
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const heard: JsonObject[] = [];
  const listeners = new Set<() => void>();
  let rest = "";
  stdout.setEncoding("utf8");
  stdout.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const message = parseJson(line);
      if (!isObject(message)) throw new Error(`no JSON-RPC line: ${line}`);
      heard.push(message);
    }
    for (const listener of listeners) listener();
  });
  const warned: string[] = [];
  const session = { url: broker.url, keyFile: broker.keyFile, user: "ada", task: "T-1", stop, warn: (text: string) => warned.push(text) };
  const done = runConnect(session, stdin, stdout);
  return {
    heard,
    warned,
    say: (message) => void stdin.write(`${JSON.stringify(message)}\n`),
    sayRaw: (line) => void stdin.write(`${line}\n`),
    hear: (fits) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = heard.find(fits);
          if (found === undefined) return;
          listeners.delete(look);
          resolve(found);
        };
        listeners.add(look);
        look();
      }),
    async end() {
      stdin.end();
      await done;
    },
  };
}

const byId = (id: string | number) => (message: JsonObject) => message["id"] === id && message["method"] === undefined;
const initialize = {
  jsonrpc: "2.0",
  id: 0,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: { elicitation: {} }, clientInfo: { name: "t", version: "1" } },
};
const initialized = { jsonrpc: "2.0", method: "notifications/initialized" };

function modern(id: number, method: string, params: JsonObject): JsonObject {
  return {
    jsonrpc: "2.0",
    id,
    method,
    params: { ...params, _meta: { [META.protocolVersion]: MODERN_VERSION, [META.clientCapabilities]: {} } },
  };
}

test("a client of the older revisions is served, pipelined behind its handshake, with streams and questions", async () => {
  const broker = await startBroker([echo, count, greet]);
  const line = pipe(broker);
  line.say(initialize);
  line.say(initialized);
  line.say({ jsonrpc: "2.0", id: "a", method: "tools/call", params: { name: "echo", arguments: { n: 1 } } });
  line.say({ jsonrpc: "2.0", id: "b", method: "tools/call", params: { name: "count", arguments: {}, _meta: { progressToken: 9 } } });
  line.say({ jsonrpc: "2.0", id: "c", method: "tools/call", params: { name: "greet", arguments: {} } });
  expect(await line.hear(byId("a"))).toMatchObject({ result: text('echo {"n":1}') });
  expect(await line.hear((message) => message["method"] === "notifications/progress")).toMatchObject({ params: { progressToken: 9 } });
  const question = await line.hear((message) => message["method"] === "elicitation/create");
  line.say({ jsonrpc: "2.0", id: question["id"] ?? null, result: { action: "decline" } });
  expect(await line.hear(byId("c"))).toMatchObject({ result: text('hello {"action":"decline"}') });
  await line.end();
});

test("a client of the stateless revision is served, and its cancel closes the request", async () => {
  const { operation, started, cancelled } = endless();
  const broker = await startBroker([echo, operation]);
  const line = pipe(broker);
  line.say(modern(1, "server/discover", {}));
  line.say(modern(2, "tools/call", { name: "echo", arguments: {} }));
  expect(await line.hear(byId(1))).toMatchObject({ result: { supportedVersions: [MODERN_VERSION] } });
  expect(await line.hear(byId(2))).toMatchObject({ result: { ...text("echo {}"), resultType: "complete" } });
  line.say(modern(3, "tools/call", { name: "endless", arguments: {} }));
  await started;
  line.say({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 3 } });
  await cancelled;
  await line.end();
  expect(line.heard.some(byId(3))).toBe(false);
});

test("arguments are mirrored into headers for tools the client has listed", async () => {
  const inputSchema = { type: "object", properties: { region: { type: "string", "x-mcp-header": "Region" } } };
  const broker = await startBroker([{ ...echo, entry: { name: "echo", inputSchema } }]);
  const line = pipe(broker);
  line.say(modern(1, "tools/list", {}));
  await line.hear(byId(1));
  line.say(modern(2, "tools/call", { name: "echo", arguments: { region: "eü" } }));
  expect(await line.hear(byId(2))).toMatchObject({ result: text('echo {"region":"eü"}') });
  await line.end();
});

test("list changes reach a client with a session", async () => {
  const broker = await startBroker([echo]);
  const line = pipe(broker);
  line.say(initialize);
  line.say(initialized);
  await line.hear(byId(0));
  const changed = line.hear((message) => message["method"] === "notifications/tools/list_changed");
  const poke = setInterval(() => broker.surface.changeLists(), 5);
  await changed;
  clearInterval(poke);
  await line.end();
});

test("tokens are renewed without the client noticing", async () => {
  const broker = await startBroker([echo]);
  const line = pipe(broker);
  line.say(modern(1, "tools/call", { name: "echo", arguments: {} }));
  await line.hear(byId(1));
  broker.surface.expire(broker.tokens[0] ?? "");
  line.say(modern(2, "tools/call", { name: "echo", arguments: {} }));
  expect(await line.hear(byId(2))).toMatchObject({ result: text("echo {}") });
  expect(broker.tokens).toHaveLength(2);
  await line.end();
});

test("a line that is no message is answered, a broker that is gone too, and the end of stdin ends the bridge", async () => {
  const broker = await startBroker([echo]);
  const line = pipe(broker);
  line.sayRaw("{");
  expect(await line.hear((message) => message["id"] === null)).toMatchObject({ error: { code: -32700 } });
  line.sayRaw("[]");
  line.say(modern(1, "tools/call", { name: "echo", arguments: {} }));
  await line.hear(byId(1));
  await broker.stop();
  line.say(modern(2, "tools/call", { name: "echo", arguments: {} }));
  expect(await line.hear(byId(2))).toMatchObject({ error: { code: -32603, message: expect.stringContaining("cannot be reached") } });
  await line.end();
});

test("answers still due are delivered before the bridge ends", async () => {
  const broker = await startBroker([echo]);
  const line = pipe(broker);
  line.say(modern(1, "tools/call", { name: "echo", arguments: {} }));
  line.say(modern(2, "subscriptions/listen", { notifications: { toolsListChanged: true } }));
  await line.end();
  expect(line.heard.some(byId(1))).toBe(true);
});

test("every line on stdin is signed, and the end of stdin revokes the session", async () => {
  const broker = await startBroker([echo]);
  const line = pipe(broker);
  line.say(modern(1, "tools/call", { name: "echo", arguments: {} }));
  line.say(modern(2, "tools/call", { name: "echo", arguments: {} }));
  await line.hear(byId(2));
  await line.end();
  expect(broker.proven.map(({ presented }) => presented.scheme)).toEqual(["DPoP", "DPoP"]);
  expect(broker.revoked).toEqual(broker.tokens);
  expect(line.warned).toEqual([]);
});

test("asked to stop, the bridge does not wait for calls under way, and revokes the session", async () => {
  const { operation, started, cancelled } = endless();
  const broker = await startBroker([operation]);
  const stop = Promise.withResolvers<void>();
  const line = pipe(broker, stop.promise);
  line.say(modern(1, "tools/call", { name: "endless", arguments: {} }));
  await started;
  stop.resolve();
  await line.end();
  await cancelled;
  expect(broker.revoked).toEqual(broker.tokens);
});

test("a session that a person revoked is said to the client and not opened again", async () => {
  const broker = await startBroker([echo]);
  const line = pipe(broker);
  line.say(modern(1, "server/discover", {}));
  await line.hear(byId(1));
  broker.surface.revoke(broker.tokens[0] ?? "");
  line.say(modern(2, "tools/call", { name: "echo", arguments: {} }));
  expect(await line.hear(byId(2))).toMatchObject({ error: { data: { code: "session_revoked" } } });
  expect(broker.tokens).toHaveLength(1);
  await line.end();
});
