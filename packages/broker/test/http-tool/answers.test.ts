import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Api, action, call, connectTo, json, open, serveApi } from "./support.ts";

let api: Api;
beforeAll(async () => {
  api = await serveApi();
});
afterAll(() => api.close());
afterEach(async () => {
  api.answer = json({ ok: true });
  await Promise.all(open.splice(0).map((each) => each.close()));
});

const READ = action("get", {});
const WRITE = action("put", { method: "POST" }, { effect: "write" });
const RECORDS = action("records", {}, { returns: { type: "Ticket", at: "result", counts: [], keep: [] } });
const connection = () => connectTo({ url: `http://127.0.0.1:${api.port}` }, [READ, WRITE, RECORDS]);

test.each([
  [{ a: 1 }, { a: 1 }],
  [[1, 2], { items: [1, 2] }],
  ["x", { value: "x" }],
  [null, { value: null }],
])("%j comes back as %j, also as text", async (body, structuredContent) => {
  api.answer = json(body);
  expect(await call(connection(), "get")).toEqual({
    structuredContent,
    content: [{ type: "text", text: JSON.stringify(structuredContent) }],
    _meta: { status: 200 },
  });
});

test("an empty answer is an empty object", async () => {
  api.answer = (_, res) => res.writeHead(204).end();
  expect(await call(connection(), "put")).toMatchObject({ structuredContent: {}, _meta: { status: 204 } });
});

test("text comes back as text, but not where records are expected: those are told from JSON only", async () => {
  api.answer = (_, res) => res.writeHead(200, { "content-type": "text/csv" }).end("id,ssn\n1,123-45-6789");
  expect(await call(connection(), "get")).toMatchObject({ structuredContent: { text: "id,ssn\n1,123-45-6789" } });
  const withheld = await call(connection(), "records");
  expect(withheld["structuredContent"]).toEqual({});
  expect(JSON.stringify(withheld)).not.toContain("123-45");
});

test.each([
  ["another type", { "content-type": "application/pdf" }, Buffer.from("%PDF-1.7")],
  ["compressed though nobody asked", { "content-type": "application/json", "content-encoding": "gzip" }, gzipSync('{"ssn":"123"}')],
  ["no JSON although it says so", { "content-type": "application/json" }, Buffer.from("{ssn: 123")],
  ["without a type", {}, Buffer.from('{"ssn":"123"}')],
])("an answer that is %s is withheld, and the call went well", async (_, headers, body) => {
  api.answer = (_req, res) => res.writeHead(200, headers).end(body);
  const result = await call(connection(), "put");
  expect(result).toMatchObject({ structuredContent: {} });
  expect(result["isError"]).toBeUndefined();
  expect(JSON.stringify(result)).not.toMatch(/ssn|PDF-/u);
});

test("an error is text that says the status and the reason, and nothing structured that could pass for a record", async () => {
  api.answer = json({ detail: "no such ticket" }, 404);
  const result = await call(connection(), "records");
  expect(result).toEqual({
    isError: true,
    content: [{ type: "text", text: expect.stringMatching(/404 Not Found\n\{"detail":"no such ticket"\}/u) }],
  });
});

test("a server that asks to wait says for how long", async () => {
  api.answer = (_, res) => res.writeHead(429, { "retry-after": "30" }).end();
  expect(JSON.stringify(await call(connection(), "get"))).toContain("retry after 30 s");
});

test("of an error's body only the beginning is passed on", async () => {
  api.answer = json({ detail: "x".repeat(50_000) }, 400);
  expect(JSON.stringify(await call(connection(), "get")).length).toBeLessThan(5_000);
});

test.each([500, 502, 503, 504, 303])("a write that is answered with %i may have acted, so its outcome is unknown", async (status) => {
  api.answer = (_, res) => res.writeHead(status, { location: "/elsewhere" }).end();
  await expect(call(connection(), "put")).rejects.toMatchObject({ code: "tool_lost" });
});

test.each([400, 409, 501, 307, 308])("a write that is answered with %i did not act", async (status) => {
  api.answer = (_, res) => res.writeHead(status, { location: "/elsewhere" }).end();
  expect(await call(connection(), "put")).toMatchObject({ isError: true });
});

test.each(["/elsewhere", "http://169.254.169.254/latest/meta-data", "//evil.example/"])(
  "a redirect to %s is not followed",
  async (location) => {
    const before = api.seen.length;
    api.answer = (_, res) => res.writeHead(302, { location }).end();
    expect(await call(connection(), "get")).toMatchObject({ isError: true });
    expect(api.seen).toHaveLength(before + 1);
  },
);

test("a refused credential is a fault that says so, with the server's challenge", async () => {
  const equipment = { headers: { authorization: "Bearer s3cret-value" }, environment: {} };
  api.answer = (_, res) => res.writeHead(401, { "www-authenticate": 'Bearer error="invalid_token"' }).end("s3cret-value");
  const failure: unknown = await call(connection(), "get", {}, { equipment }).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: "tool_unavailable", credentialRefused: true, challenge: { error: "invalid_token" } });
  expect(JSON.stringify(failure) + String(failure)).not.toContain("s3cret-value");
  api.answer = (_, res) => res.writeHead(403, { "www-authenticate": 'Bearer error="insufficient_scope", scope="write"' }).end();
  await expect(call(connection(), "get", {}, { equipment })).rejects.toMatchObject({ challenge: { error: "insufficient_scope" } });
  api.answer = json({ detail: "not yours" }, 403);
  expect(await call(connection(), "get", {}, { equipment })).toMatchObject({ isError: true });
});

test.each([
  ["declared", (length: number) => ({ "content-length": String(length) })],
  ["not declared", () => ({})],
])("an answer that is too large (%s) is not read to its end", async (_, headers) => {
  api.answer = (_req, res) =>
    res.writeHead(200, { "content-type": "application/json", ...headers(200_000) }).end(Buffer.alloc(200_000, "1"));
  await expect(call(connection(), "get")).rejects.toMatchObject({ code: "result_too_large" });
});

test("a server that answers too slowly, or a byte at a time, times out: the outcome is unknown", async () => {
  api.answer = () => undefined;
  await expect(call(connection(), "put", {}, { timeoutMs: 50 })).rejects.toMatchObject({ code: "tool_timeout" });
  api.answer = (_, res) => void res.writeHead(200, { "content-type": "application/json" }).write("{");
  await expect(call(connection(), "put", {}, { timeoutMs: 50 })).rejects.toMatchObject({ code: "tool_timeout" });
});

test("a connection that breaks before the answer leaves the outcome unknown, and nothing is sent again", async () => {
  const before = api.seen.length;
  api.answer = (req) => req.socket.destroy();
  await expect(call(connection(), "put")).rejects.toMatchObject({ code: "tool_lost" });
  expect(api.seen).toHaveLength(before + 1);
});

test("an agent that goes away ends its request", async () => {
  const gone = new AbortController();
  api.answer = () => gone.abort();
  const io = { signal: gone.signal, capabilities: {}, progress: () => {}, log: () => {}, ask: () => Promise.reject(new Error("gone")) };
  await expect(call(connection(), "get", {}, { io })).rejects.toMatchObject({ code: "cancelled" });
});
