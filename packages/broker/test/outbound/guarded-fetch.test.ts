import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { afterEach, expect, test } from "vitest";
import { createGuardedFetch, type GuardedFetchOptions } from "../../src/adapters/outbound/guarded-fetch.ts";
import { isSpecialUse } from "../../src/adapters/outbound/special-use.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<{ readonly port: number; readonly seen: () => number }> {
  let requests = 0;
  const server = createServer((req, res) => {
    requests += 1;
    listener(req, res);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  servers.push(server);
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the test server has no port");
  return { port: address.port, seen: () => requests };
}

const json: RequestListener = (_, res) => res.writeHead(200, { "content-type": "application/json" }).end('{"ok":true}');
const develop = (more: GuardedFetchOptions = {}): ReturnType<typeof createGuardedFetch> =>
  createGuardedFetch({ allowLoopback: true, ...more });

test.each([
  "0.0.0.0",
  "10.1.2.3",
  "100.64.0.1",
  "127.0.0.1",
  "169.254.169.254",
  "172.31.255.255",
  "192.0.2.1",
  "192.168.1.1",
  "198.18.0.1",
  "203.0.113.9",
  "224.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "::ffff:127.0.0.1",
  "::ffff:8.8.8.8",
  "64:ff9b::7f00:1",
  "2001:db8::1",
  "2002:7f00:1::",
  "fc00::1",
  "fd00:ec2::254",
  "fe80::1",
  "ff02::1",
  "not an address",
])("%s is no public address", (address) => {
  expect(isSpecialUse(address)).toBe(true);
});

test.each(["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111"])("%s is a public address", (address) => {
  expect(isSpecialUse(address)).toBe(false);
});

test.each([
  "https://127.0.0.1/",
  "https://2130706433/",
  "https://0x7f.1/",
  "https://[::1]/",
  "https://[::ffff:127.0.0.1]/",
  "https://169.254.169.254/latest/meta-data",
  "https://10.0.0.1/",
])("%s is refused before anything is sent", async (url) => {
  await expect(createGuardedFetch()(url)).rejects.toMatchObject({ code: "address_refused" });
});

test.each(["http://example.com/", "ftp://example.com/", "file:///etc/passwd", "https://user:secret@example.com/", "nonsense"])(
  "%s is not an address that is fetched",
  async (url) => {
    await expect(createGuardedFetch()(url)).rejects.toMatchObject({ code: "url_refused" });
  },
);

test("a name that resolves to a private address is refused", async () => {
  const { port, seen } = await serve(json);
  const fetch = createGuardedFetch({ lookup: async () => [{ address: "127.0.0.1", family: 4 }] });
  await expect(fetch(`https://inside.example:${port}/`)).rejects.toMatchObject({ code: "address_refused" });
  expect(seen()).toBe(0);
});

test("a name with one public and one private address is refused", async () => {
  const fetch = createGuardedFetch({
    lookup: async () => [
      { address: "93.184.216.34", family: 4 },
      { address: "10.0.0.1", family: 4 },
    ],
  });
  await expect(fetch("https://both.example/")).rejects.toMatchObject({ code: "address_refused" });
});

test("DNS rebinding fails: a name is resolved once for each connection, and the second, private answer is checked as well", async () => {
  const { port, seen } = await serve(json);
  let asked = 0;
  const lookup = async (): Promise<{ address: string; family: number }[]> => {
    asked += 1;
    return [{ address: asked === 1 ? "93.184.216.34" : "127.0.0.1", family: 4 }];
  };
  const fetch = createGuardedFetch({ lookup, timeoutMs: 300 });
  await expect(fetch(`https://rebinding.example:${port}/`)).rejects.toMatchObject({ name: "FetchRefused" });
  expect(asked).toBe(1);
  await expect(fetch(`https://rebinding.example:${port}/`)).rejects.toMatchObject({ code: "address_refused" });
  expect(seen()).toBe(0);
});

test("a redirect to a private address is not followed", async () => {
  const inside = await serve(json);
  const outside = await serve((_, res) => res.writeHead(302, { location: `http://127.0.0.1:${inside.port}/` }).end());
  await expect(develop()(`http://127.0.0.1:${outside.port}/`)).rejects.toMatchObject({ code: "redirect_refused" });
  expect(inside.seen()).toBe(0);
});

test("an answer that never ends is cut off", async () => {
  const { port } = await serve((_, res) => {
    res.writeHead(200, { "content-type": "application/json" });
    const more = (): void => {
      while (res.write(" ".repeat(16_384)));
      res.once("drain", more);
    };
    more();
  });
  await expect(develop()(`http://127.0.0.1:${port}/`)).rejects.toMatchObject({ code: "too_large" });
});

test("an answer that does not come is given up", async () => {
  const { port } = await serve(() => undefined);
  await expect(develop({ timeoutMs: 200 })(`http://127.0.0.1:${port}/`)).rejects.toMatchObject({ code: "too_slow" });
});

test("an answer that trickles is given up", async () => {
  const { port } = await serve((_, res) => {
    res.writeHead(200, { "content-type": "application/json" });
    const timer = setInterval(() => res.write(" "), 50);
    res.on("close", () => clearInterval(timer));
  });
  await expect(develop({ timeoutMs: 400 })(`http://127.0.0.1:${port}/`)).rejects.toMatchObject({ code: "too_slow" });
});

test("an answer that is not JSON is not believed", async () => {
  const { port } = await serve((_, res) => res.writeHead(200, { "content-type": "text/html" }).end("<p>"));
  await expect(develop()(`http://127.0.0.1:${port}/`)).rejects.toMatchObject({ code: "not_json" });
});

test("the development switch lets this machine through, and only it", async () => {
  const { port } = await serve(json);
  expect(await (await develop()(`http://localhost:${port}/`)).json()).toEqual({ ok: true });
  await expect(develop()("http://10.0.0.1/")).rejects.toMatchObject({ code: "url_refused" });
  await expect(develop()("https://10.0.0.1/")).rejects.toMatchObject({ code: "address_refused" });
});

test("names that resolve slowly: few look-ups are under way at once, and those given up are not begun", async () => {
  let [running, most, begun] = [0, 0, 0];
  const release: (() => void)[] = [];
  const lookup = async (): Promise<never> => {
    [running, begun] = [running + 1, begun + 1];
    most = Math.max(most, running);
    await new Promise<void>((resolve) => release.push(resolve));
    running -= 1;
    throw new Error("no such name");
  };
  const fetch = createGuardedFetch({ lookup, timeoutMs: 200 });
  const fetches = Array.from({ length: 10 }, (_, at) => fetch(`https://slow-${at}.example/`).catch((error: unknown) => error));
  await Promise.all(fetches);
  expect(most).toBe(2);
  while (release.length > 0) {
    for (const go of release.splice(0)) go();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(begun).toBe(2);
});
