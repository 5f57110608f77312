import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from "node:http";
import { once } from "node:events";
import { createServer as createNetServer } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { ProxyAgent, request } from "undici";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { testStore, type TestStore } from "../support/store.ts";
import { basic, house, type House, records, speak } from "./house.ts";

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let db: TestStore;
let server: Server;
let port: number;
let seen: Seen[] = [];
let answer: RequestListener = (_, res) => res.end("hello");
const houses: House[] = [];

beforeAll(async () => {
  db = await testStore();
  server = createServer((req, res) => {
    void text(req).then((body) => {
      seen.push({ method: req.method ?? "", url: req.url ?? "", headers: req.headers, body });
      answer(req, res);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the test server has no port");
  port = address.port;
});
afterEach(async () => {
  seen = [];
  answer = (_, res) => res.end("hello");
  await Promise.all(houses.splice(0).map((each) => each.close()));
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await db.close();
});

async function open(
  options: Parameters<typeof house>[1] = {},
): Promise<{ readonly proxy: House["proxy"]; readonly token: string; readonly faults: readonly unknown[] }> {
  const made = await house(db.store, options);
  houses.push(made);
  return { proxy: made.proxy, token: await made.session(), faults: made.faults };
}

const target = (path = "/a?b=c"): string => `http://localhost:${port}${path}`;

test("a request is passed on to the host it names, without the token and without what is of one hop only", async () => {
  const { proxy, token } = await open();
  const got = await speak(
    proxy,
    [
      `POST ${target()} HTTP/1.1`,
      "host: evil.example",
      basic(token),
      "proxy-connection: keep-alive",
      "connection: x-secret-hop, close",
      "x-secret-hop: 1",
      "te: trailers",
      "keep-alive: timeout=5",
      "x-kept: yes",
      "content-length: 5",
    ],
    "hello",
  );
  expect(got).toMatchObject({ status: 200 });
  expect(seen).toMatchObject([{ method: "POST", url: "/a?b=c", body: "hello" }]);
  const { headers } = seen[0] ?? {};
  expect(headers).toMatchObject({ host: `localhost:${port}`, "x-kept": "yes", "content-length": "5" });
  expect(Object.keys(headers ?? {})).not.toEqual(
    expect.arrayContaining([expect.stringMatching(/^(?:proxy-.*|x-secret-hop|te|keep-alive)$/u)]),
  );
  expect(JSON.stringify(seen)).not.toContain(token);
});

test("chunks stay chunks, and an answer comes back whole", async () => {
  const { proxy, token } = await open();
  answer = (_, res) => res.writeHead(201, { "set-cookie": ["a=1", "b=2"], connection: "x-hop", "x-hop": "1" }).end("x".repeat(100_000));
  const got = await speak(
    proxy,
    [`POST ${target()} HTTP/1.1`, "host: x", basic(token), "transfer-encoding: chunked", "connection: close"],
    "5\r\nhello\r\n0\r\n\r\n",
  );
  expect(seen).toMatchObject([{ body: "hello" }]);
  expect(got.status).toBe(201);
  expect(got.head.toLowerCase()).toMatch(/set-cookie: a=1[\s\S]*set-cookie: b=2/u);
  expect(got.head.toLowerCase()).not.toContain("x-hop");
  expect(got.body).toContain("x".repeat(10_000));
});

test("each request of a connection is a call of its own, decided for its own host", async () => {
  const { proxy, token } = await open();
  const got = await speak(proxy, [
    `GET ${target("/one")} HTTP/1.1`,
    "host: x",
    basic(token),
    "",
    `GET http://elsewhere.example/two HTTP/1.1`,
    "host: x",
    basic(token),
    "",
    `GET ${target("/three")} HTTP/1.1`,
    "host: x",
    "connection: close",
    basic(token),
  ]);
  expect(got.body).toContain("no_grant");
  expect(seen.map(({ url }) => url)).not.toContain("/two");
  const found = await records(db.store, token);
  expect(found.filter(({ kind }) => kind === "intent").length).toBeGreaterThanOrEqual(1);
  expect(found.filter(({ kind }) => kind === "refusal")).toHaveLength(1);
});

test.each([
  ["two lengths", ["content-length: 5", "content-length: 6"]],
  ["a length and chunks", ["content-length: 5", "transfer-encoding: chunked"]],
  ["a coding nobody knows", ["transfer-encoding: xchunked"]],
  ["chunks behind another coding", ["transfer-encoding: gzip, chunked"]],
  ["a coding behind a space", ["transfer-encoding : chunked"]],
  ["a folded header", ["transfer-encoding:", " chunked"]],
  ["two hosts", ["host: a", "host: b"]],
])("a request with %s is refused: somebody else could read where it ends differently", async (_, headers) => {
  const { proxy, token } = await open();
  const got = await speak(
    proxy,
    [`POST ${target()} HTTP/1.1`, "host: x", basic(token), ...headers],
    "0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
  );
  expect(got.status).toBe(400);
  expect(seen).toEqual([]);
});

test.each(["/a", "*", "https://localhost/", "ftp://localhost/", "http://user:pass@localhost/", "http://"])(
  "`GET %s` is no request to a proxy",
  async (url) => {
    const { proxy, token } = await open();
    expect((await speak(proxy, [`GET ${url} HTTP/1.1`, "host: x", basic(token), "connection: close"])).status).toBe(400);
    expect(seen).toEqual([]);
  },
);

test("a redirect goes back to the client, who has to ask for the next host itself", async () => {
  const { proxy, token } = await open();
  answer = (_, res) => res.writeHead(302, { location: "http://169.254.169.254/latest/meta-data" }).end();
  const got = await speak(proxy, [`GET ${target()} HTTP/1.1`, "host: x", basic(token), "connection: close"]);
  expect(got.status).toBe(302);
  expect(seen).toHaveLength(1);
});

test("a server that breaks off is a broken answer and a broken line, and the broker goes on", async () => {
  const { proxy, token, faults } = await open();
  answer = (req) => req.socket.destroy();
  const got = await speak(proxy, [`GET ${target()} HTTP/1.1`, "host: x", basic(token), "connection: close"]);
  expect([0, 502]).toContain(got.status);
  answer = (_, res) => res.end("again");
  expect((await speak(proxy, [`GET ${target()} HTTP/1.1`, "host: x", basic(token), "connection: close"])).body).toContain("again");
  expect(faults).toEqual([]);
  const [first] = (await records(db.store, token)).filter(({ kind }) => kind === "outcome");
  expect(first).toMatchObject({ line: { ended: "broken" } });
});

test("headers that are too large are refused", async () => {
  const { proxy, token } = await open();
  const got = await speak(proxy, [`GET ${target()} HTTP/1.1`, "host: x", basic(token), `x-large: ${"x".repeat(40_000)}`]);
  expect(got.status).toBe(431);
  expect(seen).toEqual([]);
});

test("a stock client with the proxy in its settings reaches an allowed host, by tunnel, and no other", async () => {
  const { proxy, token } = await open();
  const agent = new ProxyAgent({ uri: `http://session:${token}@127.0.0.1:${proxy.port}`, proxyTunnel: true });
  const got = await request(target("/by-undici"), { dispatcher: agent });
  expect(await got.body.text()).toBe("hello");
  await expect(request("http://elsewhere.example/", { dispatcher: agent })).rejects.toThrow(/403|Proxy response/u);
  await agent.destroy();
  for (let tries = 0; tries < 100; tries += 1) {
    if ((await records(db.store, token)).some(({ kind }) => kind === "outcome")) break;
    await setTimeout(20);
  }
  const found = await records(db.store, token);
  expect(found.map(({ kind }) => kind).toSorted()).toEqual(["intent", "outcome", "refusal"]);
});

/** A server whose answer is these very bytes. */
async function raw(bytes: string): Promise<{ readonly at: string; close(): void }> {
  const made = createNetServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.end(bytes));
  });
  made.listen(0, "127.0.0.1");
  await once(made, "listening");
  const address = made.address();
  if (address === null || typeof address === "string") throw new Error("the test server has no port");
  return { at: `http://localhost:${address.port}/`, close: () => void made.close() };
}

test.each([
  ["headers named as members of every object", "HTTP/1.1 200 OK\r\nconstructor: a\r\n__proto__: b\r\ncontent-length: 2\r\n\r\nhi", 200],
  ["a status that is none", "HTTP/1.1 042 Odd\r\ncontent-length: 2\r\n\r\nhi", 0],
  ["a status of zero", "HTTP/1.1 000 Odd\r\ncontent-length: 2\r\n\r\nhi", 0],
  ["two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nhi", 0],
  ["a change of protocol nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nhi", 0],
  ["no HTTP at all", "SSH-2.0-none\r\n", 0],
])("a server that answers with %s does the broker no harm", async (_, bytes, status) => {
  const { proxy, token, faults } = await open();
  const odd = await raw(bytes);
  const got = await speak(proxy, [`GET ${odd.at} HTTP/1.1`, "host: x", basic(token), "connection: close"]);
  odd.close();
  expect(got.status).toBe(status);
  expect((await speak(proxy, [`GET ${target()} HTTP/1.1`, "host: x", basic(token), "connection: close"])).body).toContain("hello");
  expect(faults).toEqual([]);
});

test("a request with headers named as members of every object is passed on with them", async () => {
  const { proxy, token } = await open();
  const got = await speak(proxy, [
    `GET ${target()} HTTP/1.1`,
    "host: x",
    basic(token),
    "constructor: a",
    "__proto__: b",
    "connection: close",
  ]);
  expect(got.status).toBe(200);
  expect(Object.entries(seen[0]?.headers ?? {})).toContainEqual(["constructor", "a"]);
});

test("a tunnel asked for behind a request that is still running does the broker no harm, and both are in the log", async () => {
  const { proxy, token, faults } = await open();
  answer = (_, res) => void setTimeout(50).then(() => res.end("late"));
  const connects = [`CONNECT localhost:${port} HTTP/1.1`, "host: x", basic(token)].join("\r\n");
  await speak(proxy, [`GET ${target()} HTTP/1.1`, "host: x", basic(token)], `${connects}\r\n\r\nGET / HTTP/1.0\r\n\r\n`);
  expect((await speak(proxy, [`GET ${target()} HTTP/1.1`, "host: x", basic(token), "connection: close"])).body).toContain("late");
  expect(faults).toEqual([]);
  const found = await records(db.store, token);
  expect(found.filter(({ kind }) => kind === "intent")).toHaveLength(3);
});
