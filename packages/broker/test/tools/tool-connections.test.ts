import { fileURLToPath } from "node:url";
import type { CatalogAction, CatalogTool, Connect, Policy } from "@bailiwick/policy";
import { afterEach, expect, test } from "vitest";
import { serveHttp } from "../../../../tools/conformance/fixture/http.ts";
import { createToolConnections, type LiveToolConnections } from "../../src/adapters/tools/index.ts";
import type { ConnectionKey, Equipment, ToolConnection } from "../../src/domain/tool.ts";
import { action, json, serveApi } from "../http-tool/support.ts";
import { agent, NO_EQUIPMENT, textOf, until } from "../mcp-client/support.ts";

const KEY: ConnectionKey = { tool: "fixture", tenant: "acme", environment: "test", workflow: "conformance" };
const FIXTURE = fileURLToPath(new URL("../../../../tools/conformance/fixture/main.ts", import.meta.url));
const STDIO: Connect = { mcp: { command: [process.execPath, FIXTURE, "--stdio"] } };

const OPEN: LiveToolConnections[] = [];
afterEach(() => Promise.all(OPEN.splice(0).map((tools) => tools.close())));

interface World {
  readonly tools: LiveToolConnections;
  use(connect: Connect): void;
}

function world(connect: Connect, actions: readonly CatalogAction[] = []): World {
  let policy = policyWith(connect, actions);
  const tools = createToolConnections({ policy: () => policy, environment: (name) => process.env[name], log: () => undefined });
  OPEN.push(tools);
  return { tools, use: (next) => void (policy = policyWith(next, actions)) };
}

function policyWith(connect: Connect, actions: readonly CatalogAction[]): Policy {
  const at = { file: "tools/fixture.yaml", line: 1 };
  const tool: CatalogTool = { tool: "fixture", connect, types: {}, tenantField: {}, tables: [], actions, at };
  return {
    version: "sha256:test",
    tenants: ["acme"],
    environments: ["test"],
    people: [],
    agents: [],
    tools: [tool],
    partners: [],
    reveal: {},
    warnings: [],
    engine: undefined,
  };
}

async function call(connection: ToolConnection, name: string, equipment: Equipment = NO_EQUIPMENT): Promise<string> {
  const operation = { tool: "fixture", kind: "tool", name } as const;
  return textOf(await connection.invoke(operation, {}, { timeoutMs: 10_000, maxBytes: 100_000, equipment, io: agent() }));
}

test("one key has one connection and one child", async () => {
  const { tools } = world(STDIO);
  const [one, two] = [await tools.connect(KEY, NO_EQUIPMENT), await tools.connect(KEY, NO_EQUIPMENT)];
  expect(two).toBe(one);
  expect(await call(one, "probe_process")).toBe(await call(two, "probe_process"));
});

test.each(["tenant", "environment", "workflow"] as const)("connections are never shared over a %s", async (part) => {
  const { tools } = world(STDIO);
  const mine = await call(await tools.connect(KEY, NO_EQUIPMENT), "probe_process");
  const other = await call(await tools.connect({ ...KEY, [part]: "other" }, NO_EQUIPMENT), "probe_process");
  expect(other).not.toBe(mine);
});

test("a rotated credential of a child gives it a new process, and the old one ends after its calls", async () => {
  const { tools } = world(STDIO);
  const old = await tools.connect(KEY, { headers: {}, environment: { API_KEY: "first-value" } });
  const pid = Number(await call(old, "probe_process"));
  const fresh = await tools.connect(KEY, { headers: {}, environment: { API_KEY: "second-value" } });
  expect(await call(fresh, "probe_process")).not.toBe(String(pid));
  await until(() => {
    try {
      return !process.kill(pid, 0);
    } catch {
      return true;
    }
  });
});

test("a child sees PATH, HOME and its credential, and nothing else of the broker", async () => {
  const { tools } = world(STDIO);
  const connection = await tools.connect(KEY, { headers: {}, environment: { API_KEY: "value" } });
  expect((await call(connection, "probe_environment")).split(" ").filter((name) => !["HOME", "PATH"].includes(name))).toEqual(["API_KEY"]);
});

test("a reloaded policy keeps the connection, a changed address replaces it", async () => {
  const server = await serveHttp({ port: 0, eras: new Set(["modern"]) });
  const { tools, use } = world(STDIO);
  const first = await tools.connect(KEY, NO_EQUIPMENT);
  use({ mcp: { command: [process.execPath, FIXTURE, "--stdio"] } });
  expect(await tools.connect(KEY, NO_EQUIPMENT)).toBe(first);
  use({ mcp: { url: server.url } });
  const second = await tools.connect(KEY, NO_EQUIPMENT);
  expect(second).not.toBe(first);
  expect(await call(second, "probe_process")).toBe(String(process.pid));
  await server.close();
});

test("the listing is known once it was read, and not known while it may have changed", async () => {
  const { tools } = world(STDIO);
  expect(tools.known(KEY)).toBeUndefined();
  const connection = await tools.connect(KEY, NO_EQUIPMENT);
  const listing = await connection.listing();
  expect(tools.known(KEY)).toBe(listing);
  const changed: ConnectionKey[] = [];
  tools.onChange((key) => changed.push(key));
  await call(connection, "test_trigger_tool_change").catch(() => undefined);
  await until(async () => {
    if (changed.length > 0) return true;
    await call(connection, "test_trigger_tool_change");
    return false;
  });
  expect(changed[0]).toEqual(KEY);
  await until(() => tools.known(KEY) !== undefined);
  expect(tools.known(KEY)).not.toBe(listing);
});

test("a credential bound to another host never leaves", async () => {
  const server = await serveHttp({ port: 0, eras: new Set(["modern"]) });
  const { tools } = world({ mcp: { url: server.url } });
  const bound = { headers: { authorization: "Bearer abc" }, environment: {}, hosts: ["api.acme.example"] };
  await expect(tools.connect(KEY, bound)).rejects.toMatchObject({ code: "credential_unavailable" });
  await server.close();
});

test("a tool that left the policy is unavailable", async () => {
  const { tools } = world(STDIO);
  await expect(tools.connect({ ...KEY, tool: "gone" }, NO_EQUIPMENT)).rejects.toMatchObject({ code: "tool_unavailable" });
});

test("nothing can be connected once the broker stops", async () => {
  const { tools } = world(STDIO);
  const connection = await tools.connect(KEY, NO_EQUIPMENT);
  await connection.listing();
  await tools.close();
  await expect(tools.connect(KEY, NO_EQUIPMENT)).rejects.toMatchObject({ code: "tool_unavailable" });
  await expect(connection.listing()).rejects.toMatchObject({ code: "tool_unavailable" });
});

test("a policy that is loaded anew does not cut a call to an HTTP API: it ends on the connection it began on", async () => {
  const api = await serveApi();
  const arrived = Promise.withResolvers<() => void>();
  api.answer = (req, res) => arrived.resolve(() => json({ id: "T-1" })(req, res));
  const http: Connect = { http: { url: `http://127.0.0.1:${api.port}` } };
  const { tools, use } = world(http, [action("create", { method: "POST" }, { effect: "write" })]);
  const old = await tools.connect(KEY, NO_EQUIPMENT);
  const running = call(old, "create");
  const answer = await arrived.promise;
  use(http);
  expect(await tools.connect(KEY, NO_EQUIPMENT)).not.toBe(old);
  answer();
  expect(JSON.parse(await running)).toEqual({ id: "T-1" });
  await api.close();
});
