import { request as httpRequest } from "node:http";
import { expect, test } from "vitest";
import { echo, endless } from "../../broker/test/mcp/support/operations.ts";
import { legacy } from "../../broker/test/mcp/support/endpoint.ts";
import { startBroker } from "./support/broker.ts";
import { startSidecar } from "./support/sidecar.ts";

const call = (id: number, name = "echo"): string =>
  JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: {} } });
const HEADERS = { "content-type": "application/json", accept: "application/json, text/event-stream" };

/** `fetch` does not let a test choose `Host`. */
function ask(url: string, headers: Readonly<Record<string, string>>, method = "POST"): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(url, { method, headers: { ...HEADERS, ...headers } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    sent.once("error", reject);
    sent.end(method === "POST" ? call(1) : undefined);
  });
}

test("a client that knows a URL only is served, and the broker sees a proof with each request", async () => {
  const broker = await startBroker([echo]);
  const { url } = await startSidecar(broker);
  const client = await legacy(url);
  const answer = await client.request("tools/call", { name: "echo", arguments: { a: 1 } });
  expect(answer.last).toMatchObject({ result: { content: [{ text: 'echo {"a":1}' }] } });
  expect(broker.proven.every(({ presented }) => presented.scheme === "DPoP")).toBe(true);
  expect(new Set(broker.proven.map(({ claims }) => claims.proof?.id)).size).toBe(broker.proven.length);
  expect(broker.tokens).toHaveLength(1);
});

test("the secret may stand in a header instead of the path", async () => {
  const broker = await startBroker([echo]);
  const { bare } = await startSidecar(broker);
  expect(await ask(bare.url, { authorization: `Bearer ${bare.bearer}` })).not.toBe(404);
  expect(broker.proven).toHaveLength(1);
});

test("who was not told the secret finds nothing, and the broker hears nothing of it", async () => {
  const broker = await startBroker([echo]);
  const { url, bare } = await startSidecar(broker);
  const guessed = url.replace(/\/[\w-]{43}\//u, `/${"A".repeat(43)}/`);
  expect(await ask(guessed, {})).toBe(404);
  expect(await ask(bare.url, {})).toBe(404);
  expect(await ask(bare.url, { authorization: `Bearer ${broker.tokens[0]}` })).toBe(404);
  expect(await ask(url.replace(/\/mcp$/u, "/oauth/token"), {})).toBe(404);
  expect(broker.proven).toHaveLength(0);
});

test("a web page that rebinds its name to this machine is refused by its host, even with the secret", async () => {
  const broker = await startBroker([echo]);
  const { url } = await startSidecar(broker);
  expect(await ask(url, { host: `evil.example:${new URL(url).port}` })).toBe(403);
  expect(await ask(url, { host: "127.0.0.1:1" })).toBe(403);
  expect(broker.proven).toHaveLength(0);
});

test("a web page is refused by its origin, even with the secret", async () => {
  const broker = await startBroker([echo]);
  const { url } = await startSidecar(broker);
  expect(await ask(url, { origin: "https://evil.example" })).toBe(403);
  expect(await ask(url, { origin: "http://localhost:3000" })).toBe(403);
  expect(await ask(url, { origin: "null" })).toBe(403);
  expect(broker.proven).toHaveLength(0);
});

test("nothing a client sends can replace the proof, and no other method passes", async () => {
  const broker = await startBroker([echo]);
  const { url } = await startSidecar(broker);
  await ask(url, { authorization: "Bearer forged", dpop: "forged", cookie: "a=b", "signature-input": "forged", signature: "forged" });
  expect(broker.proven[0]?.presented).toMatchObject({ token: broker.tokens[0], scheme: "DPoP" });
  expect(broker.proven[0]?.presented.signature).toBeUndefined();
  expect(await ask(url, {}, "PUT")).toBe(405);
});

test("a token that ended is renewed without the client noticing", async () => {
  const broker = await startBroker([echo]);
  const { url } = await startSidecar(broker);
  const client = await legacy(url);
  broker.surface.expire(broker.tokens[0] ?? "");
  const answer = await client.request("tools/call", { name: "echo", arguments: {} });
  expect(answer.last).toMatchObject({ result: { content: [{ text: "echo {}" }] } });
  expect(broker.tokens).toHaveLength(2);
});

test("a revoked session is no sign for the client to look for an authorization server here", async () => {
  const broker = await startBroker([echo]);
  const { url } = await startSidecar(broker);
  broker.surface.revoke(broker.tokens[0] ?? "");
  const answer = await fetch(url, { method: "POST", headers: HEADERS, body: call(1) });
  expect(answer.status).toBe(502);
  expect(answer.headers.get("www-authenticate")).toBeNull();
  expect(await answer.json()).toMatchObject({ error: { data: { code: "session_revoked" } } });
  expect(broker.tokens).toHaveLength(1);
});

test("a client that goes away cancels its call", async () => {
  const { operation, started, cancelled } = endless();
  const broker = await startBroker([operation]);
  const { url } = await startSidecar(broker);
  const client = await legacy(url);
  const controller = new AbortController();
  const answer = client
    .request("tools/call", { name: "endless", arguments: {} }, { signal: controller.signal, id: 7 })
    .catch(() => undefined);
  await started;
  await client.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 7 } });
  await cancelled;
  controller.abort();
  await answer;
});

test("what is no message is refused by the broker's own check", async () => {
  const broker = await startBroker([echo]);
  const { url } = await startSidecar(broker);
  const answer = await fetch(url, { method: "POST", headers: HEADERS, body: "{" });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ error: { code: -32700 } });
});

test("too large a message is answered here", async () => {
  const broker = await startBroker([echo]);
  const { url } = await startSidecar(broker);
  const answer = await fetch(url, { method: "POST", headers: HEADERS, body: "x".repeat(8 * 1024 * 1024 + 1) }).catch(() => undefined);
  expect(answer?.status ?? 413).toBe(413);
  expect(broker.proven).toHaveLength(0);
});

test("a broker that is gone is an error the client can show", async () => {
  const broker = await startBroker([echo]);
  const sidecar = await startSidecar(broker);
  await broker.stop();
  const answer = await fetch(sidecar.url, { method: "POST", headers: HEADERS, body: call(1) });
  expect(answer.status).toBe(502);
  expect(await answer.json()).toMatchObject({ error: { message: expect.stringContaining("cannot be reached") } });
  await sidecar.stop();
  expect(sidecar.warned.join()).toContain("did not confirm that the session is revoked");
});

test("stopping revokes the session", async () => {
  const broker = await startBroker([echo]);
  const sidecar = await startSidecar(broker);
  await sidecar.stop();
  expect(broker.revoked).toEqual(broker.tokens);
  await expect(fetch(sidecar.url)).rejects.toThrow();
});

test("each start has another secret", async () => {
  const broker = await startBroker([echo]);
  const [one, other] = [await startSidecar(broker), await startSidecar(broker)];
  expect(one.bare.bearer).not.toBe(other.bare.bearer);
  expect(one.bare.bearer).toMatch(/^[\w-]{43}$/u);
});
