import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { serveHttp } from "../../../../tools/conformance/fixture/http.ts";
import type { McpTarget } from "../../src/adapters/mcp-client/index.ts";
import { agent, call, closeAll, connect, NO_EQUIPMENT, stdioFixture, textOf, until } from "./support.ts";

afterEach(closeAll);

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** A plain HTTP server that is no MCP server unless `answer` makes it one. */
async function httpServer(answer: Parameters<typeof createServer>[1]): Promise<{ url: URL; close: () => void }> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`http://localhost:${port}/mcp`),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

describe("a child that dies", () => {
  test.each(["modern", "legacy"] as const)("loses its running calls and is started again (%s)", async (era) => {
    const { connection, logged } = connect(stdioFixture(era), { headers: {}, environment: { PROBE_SECRET: "s3cret-value" } });
    const first = textOf(await call(connection, "probe_process"));
    const [crash, beside] = await Promise.allSettled([call(connection, "probe_crash"), call(connection, "probe_wait", { ms: 10_000 })]);
    expect(crash).toMatchObject({ status: "rejected", reason: { code: "tool_lost" } });
    expect(beside).toMatchObject({ status: "rejected", reason: { code: "tool_lost" } });
    expect(textOf(await call(connection, "probe_process"))).not.toBe(first);
    expect(logged.map((entry) => entry.event)).toContain("tool server lost");
    const words = logged.find((entry) => entry.text.includes("fatal: giving up"))?.text ?? "";
    expect(words).toContain("[secret]");
    expect(words).not.toContain("s3cret-value");
  });

  test("tells its listeners when it is back, because its list may have changed", async () => {
    const { connection } = connect(stdioFixture());
    await connection.listing();
    let changes = 0;
    connection.onChange(() => (changes += 1));
    await expect(call(connection, "probe_crash")).rejects.toMatchObject({ code: "tool_lost" });
    expect(connection.known()).toBeUndefined();
    await until(() => changes > 0 && connection.known() !== undefined);
  });

  test("is started less and less often when it keeps dying, and calls are refused meanwhile", async () => {
    const { connection } = connect({ command: [process.execPath, "-e", "process.exit(1)"], environment: {} });
    const refusals: string[] = [];
    for (let attempt = 0; attempt < 7; attempt += 1) await call(connection, "x").catch((error: unknown) => refusals.push(String(error)));
    expect(refusals).toHaveLength(7);
    expect(refusals.every((refusal) => refusal.includes("handshake") || refusal.includes("keeps failing"))).toBe(true);
    await expect(call(connection, "x")).rejects.toMatchObject({
      code: "tool_unavailable",
      message: expect.stringContaining("tried again in"),
    });
  });

  test("that cannot be started is unavailable: nothing was sent", async () => {
    const { connection } = connect({ command: ["/no/such/program"], environment: {} });
    await expect(call(connection, "x")).rejects.toMatchObject({ code: "tool_unavailable" });
  });

  test("is gone with its descendants once the connection is closed", async () => {
    const script = `const { spawn } = require("node:child_process");
      const stubborn = spawn(process.execPath, ["-e", "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)"], { stdio: "ignore" });
      process.on("SIGTERM", () => {});
      setInterval(() => {}, 1000);
      require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
        const { id, method } = JSON.parse(line);
        const results = { initialize: { protocolVersion: "2025-06-18", capabilities: { tools: {} }, serverInfo: { name: "x", version: "1" } }, "tools/call": { content: [{ type: "text", text: process.pid + " " + stubborn.pid }] } };
        if (id !== undefined) process.stdout.write(JSON.stringify(results[method] ? { jsonrpc: "2.0", id, result: results[method] } : { jsonrpc: "2.0", id, error: { code: -32601, message: "unknown" } }) + "\\n");
      });`;
    const { connection } = connect({ command: [process.execPath, "-e", script], environment: {} });
    const pids = textOf(await call(connection, "pids"))
      .split(" ")
      .map(Number);
    expect(pids.every(isAlive)).toBe(true);
    await connection.close();
    await until(() => !pids.some(isAlive));
  });
});

describe("a child's environment", () => {
  test("holds what it was given and nothing of the broker's own", async () => {
    process.env["BROKER_ONLY"] = "1";
    const { connection } = connect(stdioFixture(), { headers: {}, environment: { PROBE_SECRET: "s3cret-value" } });
    expect(textOf(await call(connection, "probe_environment")).split(" ")).toEqual(["PATH", "PROBE_SECRET"]);
  });
});

describe("a server that ends with its first unknown message", () => {
  test("is started again and greeted the old way", async () => {
    const script = `require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
      const { id, method } = JSON.parse(line);
      if (method === "server/discover") process.exit(1);
      const result = method === "initialize" ? { protocolVersion: "2024-11-05", capabilities: {}, serverInfo: { name: "old", version: "1" } } : { content: [{ type: "text", text: "old but well" }] };
      if (id !== undefined) process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, result }) + "\\n");
    });`;
    const { connection } = connect({ command: [process.execPath, "-e", script], environment: {} });
    expect(textOf(await call(connection, "any"))).toBe("old but well");
  });
});

describe("an HTTP server", () => {
  test("that is not there is unavailable: nothing was sent", async () => {
    const { connection } = connect({ url: new URL("http://127.0.0.1:9/mcp") });
    await expect(call(connection, "x")).rejects.toMatchObject({ code: "tool_unavailable" });
  });

  test.each(["modern", "legacy"] as const)(
    "that was restarted serves again without a call being lost to an old session (%s)",
    async (era) => {
      const first = await serveHttp({ port: 0, eras: new Set([era]) });
      const { connection } = connect({ url: new URL(first.url) });
      await connection.listing();
      expect(textOf(await call(connection, "probe_echo", { value: "before" }))).toBe("before");
      const port = Number(new URL(first.url).port);
      await first.close();
      const second = await serveHttp({ port, eras: new Set([era]) });
      await until(() =>
        call(connection, "probe_echo", { value: "after" }).then(
          (result) => textOf(result) === "after",
          () => false,
        ),
      );
      await second.close();
    },
  );

  test.each([
    ["legacy", "modern"],
    ["modern", "legacy"],
  ] as const)("that changed from the %s to the %s era while it was away is recognised again", async (from, to) => {
    const first = await serveHttp({ port: 0, eras: new Set([from]) });
    const { connection } = connect({ url: new URL(first.url) });
    await call(connection, "probe_echo", { value: from });
    const port = Number(new URL(first.url).port);
    await first.close();
    const second = await serveHttp({ port, eras: new Set([to]) });
    await until(() =>
      call(connection, "probe_echo", { value: to }).then(
        (result) => textOf(result) === to,
        () => false,
      ),
    );
    await second.close();
  });

  test("that dies with a call open leaves the outcome unknown and is not asked again", async () => {
    let calls = 0;
    const server = await httpServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => (body += String(chunk)));
      request.on("end", () => {
        const { id, method } = JSON.parse(body) as { id?: number; method: string };
        if (method === "tools/call") {
          calls += 1;
          return void request.socket.destroy();
        }
        const result = { resultType: "complete", supportedVersions: ["2026-07-28"], capabilities: {} };
        return void response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ jsonrpc: "2.0", id, result }));
      });
    });
    const { connection } = connect({ url: server.url });
    await expect(call(connection, "x")).rejects.toMatchObject({ code: "tool_lost" });
    expect(calls).toBe(1);
    server.close();
  });

  test("that redirects is refused and its new address never asked", async () => {
    let elsewhere = 0;
    const other = await httpServer((_, response) => {
      elsewhere += 1;
      response.end();
    });
    const server = await httpServer((_, response) => void response.writeHead(307, { location: other.url.href }).end());
    const { connection } = connect({ url: server.url }, { headers: { authorization: "Bearer abc" }, environment: {} });
    await expect(call(connection, "x")).rejects.toMatchObject({ code: "tool_unavailable", message: expect.stringContaining("redirect") });
    expect(elsewhere).toBe(0);
    server.close();
    other.close();
  });

  test.each([401, 403])(
    "that refuses the credential is unavailable and the message names the status %i, not the credential",
    async (status) => {
      const server = await httpServer((_, response) => void response.writeHead(status).end());
      const equipment = { headers: { authorization: "Bearer abc-secret" }, environment: {} };
      const { connection } = connect({ url: server.url }, equipment);
      const refused = await call(connection, "x", {}, { equipment }).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: "tool_unavailable", message: expect.stringContaining(`HTTP ${status}`) });
      expect(String(refused)).not.toContain("abc-secret");
      server.close();
    },
  );

  test("never sees a credential that is bound to another host", async () => {
    const fixture = await serveHttp({ port: 0, eras: new Set(["modern"]) });
    const { connection } = connect({ url: new URL(fixture.url) });
    const bound = { headers: { authorization: "Bearer abc" }, environment: {}, hosts: ["api.acme.example"] };
    await expect(call(connection, "probe_echo", { value: "x" }, { equipment: bound })).rejects.toMatchObject({
      code: "credential_unavailable",
    });
    const right = { ...bound, hosts: ["localhost"] };
    expect(textOf(await call(connection, "probe_echo", { value: "x" }, { equipment: right }))).toBe("x");
    await fixture.close();
  });

  test("gets the headers of this call and of no other", async () => {
    const seen: (string | undefined)[] = [];
    const server = await httpServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => (body += String(chunk)));
      request.on("end", () => {
        const { id, method } = JSON.parse(body) as { id?: number; method: string };
        if (method === "tools/call") seen.push(request.headers.authorization);
        const result = { resultType: "complete", supportedVersions: ["2026-07-28"], capabilities: {}, content: [] };
        response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ jsonrpc: "2.0", id, result }));
      });
    });
    const { connection } = connect({ url: server.url });
    await call(connection, "x", {}, { equipment: { headers: { authorization: "Bearer one" }, environment: {} } });
    await call(connection, "x", {}, { equipment: { headers: { authorization: "Bearer two" }, environment: {} } });
    await call(connection, "x", {}, { equipment: NO_EQUIPMENT });
    expect(seen).toEqual(["Bearer one", "Bearer two", undefined]);
    server.close();
  });

  test("that ends a stream early is asked for the rest, not for the call again", async () => {
    const fixture = await serveHttp({ port: 0, eras: new Set(["legacy"]) });
    const { connection } = connect({ url: new URL(fixture.url) });
    expect(textOf(await call(connection, "test_reconnection"))).toBe("answered after the stream was resumed");
    await fixture.close();
  });

  test("gets arguments that travel in headers there as well, whatever characters they have", async () => {
    const fixture = await serveHttp({ port: 0, eras: new Set(["modern"]) });
    const { connection } = connect({ url: new URL(fixture.url) });
    for (const region of ["us-west1", " padded ", "Zürich", "a\r\nx-evil: 1", ""]) {
      expect(textOf(await call(connection, "test_header_mirror", { region, query: "q" }))).toBe(`region ${region}`);
    }
    await fixture.close();
  });
});

describe("a connection that is replaced", () => {
  test("finishes the calls it runs, takes no new ones and ends its child", async () => {
    const { connection } = connect(stdioFixture());
    const pid = Number(textOf(await call(connection, "probe_process")));
    const io = agent();
    const running = call(connection, "probe_wait", { ms: 300 }, { io });
    await call(connection, "probe_echo", { value: "the wait has been sent before this" });
    const retired = connection.retire();
    await expect(call(connection, "probe_echo")).rejects.toMatchObject({ code: "tool_unavailable" });
    expect(textOf(await running)).toBe("waited");
    await retired;
    expect(isAlive(pid)).toBe(false);
  });

  test("that is closed refuses calls", async () => {
    const target: McpTarget = stdioFixture();
    const { connection } = connect(target);
    await connection.listing();
    await connection.close();
    await expect(call(connection, "probe_echo")).rejects.toMatchObject({ code: "tool_unavailable" });
  });
});
