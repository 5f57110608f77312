import { afterEach, expect, test } from "vitest";
import { call, closeAll, connect, textOf, until } from "./support.ts";

afterEach(closeAll);

/** A server that says that its list changed with each call, though it only does after `rename`; `lists` counts how often it was read. */
const CRIER = `
let name = "first", lists = 0;
const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\\n");
require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  if (method === "initialize") {
    const capabilities = { tools: { listChanged: true } };
    return say({ id, result: { protocolVersion: params.protocolVersion, capabilities, serverInfo: { name: "crier", version: "1" } } });
  }
  if (method === "tools/list") {
    lists += 1;
    return say({ id, result: { tools: ["cry", "rename", name].map((each) => ({ name: each, inputSchema: { type: "object" } })) } });
  }
  if (method !== "tools/call") return say({ id, error: { code: -32601, message: "unknown" } });
  if (params.name === "rename") name = "second";
  say({ method: "notifications/tools/list_changed" });
  say({ id, result: { content: [{ type: "text", text: String(lists) }] } });
});`;

test("a notice of a change that is none is not told on, so that two brokers never echo one", async () => {
  const { connection } = connect({ command: [process.execPath, "-e", CRIER], environment: {} });
  await connection.listing();
  let changes = 0;
  connection.onChange(() => (changes += 1));
  const before = Number(textOf(await call(connection, "cry")));
  // The list was read again, and nothing of it was new.
  await until(async () => Number(textOf(await call(connection, "cry"))) > before + 1);
  expect(changes).toBe(0);
  await call(connection, "rename");
  await until(() => changes > 0);
  expect((await connection.listing()).tools.map(({ name }) => name)).toContain("second");
});
