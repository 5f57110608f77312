import { request } from "node:http";
import { expect, test } from "vitest";
import { isDeeperThan } from "../../src/adapters/mcp/body.ts";
import { Refusal } from "../../src/call/refusal.ts";
import { Fault } from "../../src/domain/fault.ts";
import { errorOf, modern, post, startEndpoint } from "./support/endpoint.ts";
import { echo } from "./support/operations.ts";

const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "echo", arguments: {} } };

test.each([
  ["no JSON", "{", -32700],
  ["an empty body", "", -32700],
  ["a number", "7", -32600],
  ["null", "null", -32600],
  ["another JSON-RPC version", JSON.stringify({ ...call, jsonrpc: "1.0" }), -32600],
  ["a missing method", JSON.stringify({ jsonrpc: "2.0", id: 1 }), -32600],
  ["params that are a list", JSON.stringify({ ...call, params: [] }), -32600],
  ["an id that is null", JSON.stringify({ ...call, id: null }), -32600],
  ["a batch", JSON.stringify([call, call]), -32600],
  ["an empty batch", "[]", -32600],
])("refuses %s with HTTP 400 and a clear message", async (_name, body, code) => {
  const { url, surface } = await startEndpoint([echo]);
  const got = await post(url, body);
  expect(got.status).toBe(400);
  expect(errorOf(got)).toMatchObject({ code, data: { code: "malformed_request" } });
  expect(surface.seen).toEqual([]);
});

test("refuses JSON nested too deep before building it", async () => {
  const { url } = await startEndpoint([echo]);
  const got = await post(url, `${"[".repeat(1_000)}${"]".repeat(1_000)}`);
  expect(got.status).toBe(400);
  expect(errorOf(got)["message"]).toContain("deeper than 64");
});

test("brackets inside strings do not count as depth", () => {
  expect(isDeeperThan(Buffer.from(String.raw`{"a":"[[[[\"[[[["}`), 1)).toBe(false);
  expect(isDeeperThan(Buffer.from("[[[]]]"), 2)).toBe(true);
  expect(isDeeperThan(Buffer.from("[[],[],[]]"), 2)).toBe(false);
});

test("refuses a body above the limit with 413, announced or not", async () => {
  const { url, surface } = await startEndpoint([echo], { maxBodyBytes: 1_000 });
  const large = JSON.stringify({ ...call, params: { name: "echo", arguments: { text: "x".repeat(2_000) } } });
  const announced = await post(url, large);
  expect(announced.status).toBe(413);
  expect(errorOf(announced)).toMatchObject({ data: { code: "body_too_large", maxBytes: 1_000 } });
  expect(await chunked(url, large)).toBe(413);
  expect(surface.seen).toEqual([]);
});

test("refuses an unknown content type and an answer type nobody produces", async () => {
  const { url } = await startEndpoint([echo]);
  expect((await post(url, call, { headers: { "content-type": "text/plain" } })).status).toBe(415);
  expect((await post(url, call, { headers: { accept: "image/png" } })).status).toBe(406);
});

test("refuses a foreign host and a foreign origin", async () => {
  const { url, surface } = await startEndpoint([echo]);
  expect(await withHeaders(url, { host: "evil.example.com" })).toEqual({ status: 403, code: "origin_refused" });
  expect(await withHeaders(url, { origin: "http://evil.example.com" })).toEqual({ status: 403, code: "origin_refused" });
  expect(await withHeaders(url, { origin: "null" })).toEqual({ status: 403, code: "origin_refused" });
  expect(await withHeaders(url, { host: "localhost.evil.example.com" })).toEqual({ status: 403, code: "origin_refused" });
  expect(surface.seen).toEqual([]);
});

test("accepts loopback names and what was allowed", async () => {
  const { url } = await startEndpoint([echo], { allowedHosts: ["Broker.internal"], allowedOrigins: ["https://console.example"] });
  for (const headers of [
    { host: "localhost:1" },
    { host: "[::1]:7400" },
    { host: "broker.internal" },
    { origin: "http://localhost:3000" },
    { origin: "https://console.example" },
  ]) {
    expect((await withHeaders(url, headers)).status).toBe(200);
  }
});

test("a missing token is a plain challenge, a foreign one says so", async () => {
  const { url } = await startEndpoint([echo]);
  const missing = await modern(url, "tools/list", {}, { token: undefined });
  expect(missing.status).toBe(401);
  expect(missing.headers.get("www-authenticate")).toBe('Bearer realm="bailiwick"');
  const foreign = await modern(url, "tools/list", {}, { token: "stolen" });
  expect(foreign.status).toBe(401);
  expect(foreign.headers.get("www-authenticate")).toMatch(/^Bearer realm="bailiwick", error="invalid_token", error_description="[^"]+"$/);
});

test("resource metadata is named only when configured", async () => {
  const { url } = await startEndpoint([echo], { resourceMetadataUrl: () => "https://b.example/.well-known/oauth-protected-resource" });
  const got = await modern(url, "tools/list", {}, { token: undefined });
  expect(got.headers.get("www-authenticate")).toContain('resource_metadata="https://b.example/.well-known/oauth-protected-resource"');
});

test("an expired and a revoked session are 401", async () => {
  const { url, surface } = await startEndpoint([echo]);
  surface.expire("t1");
  const expired = await modern(url, "tools/call", { name: "echo", arguments: {} });
  expect(expired.status).toBe(401);
  expect(errorOf(expired)).toMatchObject({ data: { code: "token_expired", next: [{ kind: "reauthenticate" }] } });
  surface.revoke("t1");
  expect((await modern(url, "tools/list")).status).toBe(401);
});

test("a token that runs out between the check and the call is 401 too", async () => {
  const late = {
    ...echo,
    run: async () => ({ kind: "refused", callId: undefined, code: "token_expired", message: "over", rules: [], next: [] }) as const,
  };
  const { url } = await startEndpoint([late]);
  const got = await modern(url, "tools/call", { name: "echo", arguments: {} });
  expect(got.status).toBe(401);
  expect(got.headers.get("www-authenticate")).toContain("invalid_token");
});

test("a broker that cannot check the session says so with 503, not with a denial", async () => {
  const { url, surface } = await startEndpoint([echo]);
  for (const failure of [
    new Fault("store_unavailable", "the store is down"),
    new Refusal("store_unavailable", "the store is down"),
    new Error("boom: secret"),
  ]) {
    Object.assign(surface, { session: () => Promise.reject(failure) });
    const got = await modern(url, "tools/call", { name: "echo", arguments: {} });
    expect(got.status).toBe(503);
    expect(got.headers.get("retry-after")).toBe("2");
    expect(JSON.stringify(got.last)).not.toContain("secret");
  }
  expect(surface.seen).toEqual([]);
});

test("a ticket is required by the broker's own tool and an unknown one is a refusal", async () => {
  const { url } = await startEndpoint([]);
  expect(errorOf(await modern(url, "tools/call", { name: "approval_wait", arguments: {} }))["code"]).toBe(-32602);
  const unknown = await modern(url, "tools/call", { name: "approval_wait", arguments: { ticket: "apr_no" } });
  expect(unknown.last).toMatchObject({ result: { isError: true, _meta: { "bailiwick/refusal": { code: "approval_unknown" } } } });
});

function chunked(url: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const req = request(
      url,
      { method: "POST", headers: { "content-type": "application/json", authorization: "Bearer t1", "transfer-encoding": "chunked" } },
      (res) => {
        res.resume();
        resolve(res.statusCode ?? 0);
      },
    );
    req.on("error", reject);
    req.write(body.slice(0, 1_500));
    req.end(body.slice(1_500));
  });
}

/** Through node:http, because fetch does not let a caller set `Host`. */
function withHeaders(
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<{ readonly status: number; readonly code?: unknown }> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params: { protocolVersion: "2025-11-25", capabilities: {} } });
  return new Promise((resolve, reject) => {
    const req = request(
      url,
      { method: "POST", headers: { "content-type": "application/json", authorization: "Bearer t1", ...headers } },
      (res) => {
        let text = "";
        res.setEncoding("utf8");
        res.on("data", (chunk: string) => (text += chunk));
        res.on("end", () => {
          const parsed = JSON.parse(text) as { error?: { data?: { code?: string } } };
          const code = parsed.error?.data?.code;
          resolve({ status: res.statusCode ?? 0, ...(code === undefined ? {} : { code }) });
        });
      },
    );
    req.on("error", reject);
    req.end(body);
  });
}
