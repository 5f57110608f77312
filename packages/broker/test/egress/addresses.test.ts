import type { LookupAddress } from "node:dns";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectEgressTool } from "../../src/adapters/egress/connect.ts";
import { absoluteTarget, authorityOf, canonicalHost } from "../../src/adapters/egress/destination.ts";
import { DialedLine } from "../../src/adapters/egress/dialed-line.ts";
import { refused } from "../../src/adapters/egress/replies.ts";
import { proxyToken } from "../../src/adapters/egress/token.ts";
import type { CallIo } from "../../src/domain/tool.ts";
import { catalogTool, statement } from "../postgres-tool/support.ts";
import { echo } from "./house.ts";

const KEY = { tool: "network", tenant: "acme", environment: "prod", workflow: "helpdesk" };
const CONNECT = statement("connect", "", { effect: "execute", args: { host: "string", port: "integer" } });

let far: Awaited<ReturnType<typeof echo>>;
beforeAll(async () => {
  far = await echo();
});
afterAll(() => far.close());

const leadsTo =
  (...addresses: readonly string[]) =>
  (): Promise<readonly LookupAddress[]> =>
    Promise.resolve(addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })));

/** Where the line went, or why there is none. */
async function dialled(
  host: string,
  options: {
    readonly private?: readonly string[];
    readonly resolve?: () => Promise<readonly LookupAddress[]>;
    readonly line?: boolean;
  } = {},
): Promise<string> {
  const tool = connectEgressTool(KEY, catalogTool([CONNECT]), { private: options.private ?? [] }, { resolve: options.resolve });
  const lines: string[] = [];
  const io: CallIo = {
    signal: new AbortController().signal,
    capabilities: {},
    progress: () => {},
    log: () => {},
    ask: () => Promise.reject(new Error("nobody")),
    ...(options.line === false
      ? {}
      : {
          line: (line) => {
            lines.push(line instanceof DialedLine ? String(line.socket.remoteAddress) : "no line of ours");
            return Promise.resolve({ up: 0, down: 0, ended: "closed" as const });
          },
        }),
  };
  const how = { timeoutMs: 1_000, maxBytes: 1_000, equipment: { headers: {}, environment: {} }, io };
  const end = await tool.invoke({ tool: "network", kind: "tool", name: "connect" }, { host, port: far.port }, how).then(
    () => "",
    (error: Error) => error.message,
  );
  return lines[0] ?? end;
}

test.each([
  "127.0.0.1",
  "::1",
  "169.254.169.254",
  "10.0.0.1",
  "100.100.100.200",
  "fd00:ec2::254",
  "::ffff:127.0.0.1",
  "0.0.0.0",
  "224.0.0.1",
])("no line goes to the address %s, nor to a name that leads there", async (address) => {
  const before = far.sockets.length;
  // A mapped address has another spelling, which is refused before.
  expect(await dialled(canonicalHost(address) ?? address)).toMatch(/private or special address/u);
  expect(await dialled("rebound.example", { resolve: leadsTo(address) })).toMatch(/private or special address/u);
  expect(await dialled("rebound.example", { resolve: leadsTo("8.8.8.8", address) })).toMatch(/private or special address/u);
  expect(far.sockets).toHaveLength(before);
});

test("a host that the policy names as private may lead inwards, but never to where a cloud hands out credentials", async () => {
  const inside = { private: ["Inside.Example"] };
  expect(await dialled("inside.example", { ...inside, resolve: leadsTo("127.0.0.1") })).toBe("127.0.0.1");
  for (const cloud of [
    "169.254.169.254",
    "::ffff:169.254.169.254",
    "100.100.100.200",
    "::ffff:100.100.100.200",
    "fd00:ec2::254",
    "168.63.129.16",
  ])
    expect(await dialled("inside.example", { ...inside, resolve: leadsTo(cloud) })).toMatch(/private or special address/u);
  expect(await dialled("other.example", { ...inside, resolve: leadsTo("127.0.0.1") })).toMatch(/private or special address/u);
});

test("`localhost` is the broker's own machine, so no line goes there unless the policy names it", async () => {
  const before = far.sockets.length;
  expect(await dialled("localhost")).toMatch(/private or special address/u);
  expect(await dialled("localhost", { resolve: leadsTo("127.0.0.1") })).toMatch(/private or special address/u);
  expect(far.sockets).toHaveLength(before);
  expect(await dialled("localhost", { private: ["localhost"], resolve: leadsTo("127.0.0.1") })).toBe("127.0.0.1");
});

test("a name is looked up once: what was checked is what is dialled", async () => {
  let asked = 0;
  const resolve = (): Promise<readonly LookupAddress[]> => {
    asked += 1;
    return leadsTo(asked === 1 ? "127.0.0.1" : "169.254.169.254")();
  };
  expect(await dialled("inside.example", { private: ["inside.example"], resolve })).toBe("127.0.0.1");
  expect(asked).toBe(1);
});

test("over MCP the action opens nothing, and is not listed", async () => {
  const tool = connectEgressTool(KEY, catalogTool([CONNECT]), {});
  expect((await tool.listing()).tools).toEqual([]);
  expect(await dialled("8.8.8.8", { line: false })).toMatch(/HTTPS_PROXY/u);
});

test.each([
  ["2130706433", "127.0.0.1"],
  ["0x7f.1", "127.0.0.1"],
  ["0177.0.0.1", "127.0.0.1"],
  ["127.1", "127.0.0.1"],
  ["LOCALHOST.", "localhost"],
  ["bücher.example", "xn--bcher-kva.example"],
  ["::FFFF:7f00:1", "::ffff:7f00:1"],
  ["0:0:0:0:0:0:0:1", "::1"],
  ["ⓔxample.com", "example.com"],
])("the host %s is spelled %s", (text, host) => {
  expect(canonicalHost(text)).toBe(host);
});

test.each(["", "a b", "a/b", "a@b", "a#b", "a:80", "a\\b", "256.1.1.1", "a".repeat(300), "-", "a..b", "%6c%20ocalhost"])(
  "%j is no host",
  (text) => {
    expect(canonicalHost(text)).toBeUndefined();
  },
);

test("a host that is spelled right stays as it is, and every target of a CONNECT names one", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6(), fc.string({ maxLength: 20 })),
      fc.integer({ min: 0, max: 70_000 }),
      (text, port) => {
        const host = canonicalHost(text);
        if (host !== undefined) expect(canonicalHost(host)).toBe(host);
        const to = authorityOf(`${text}:${port}`);
        if (to === undefined) return;
        expect(canonicalHost(to.host)).toBe(to.host);
        expect(to.port).toBe(port);
      },
    ),
  );
});

test.each([
  ["http://[::1]:8080/a/../b?c", { host: "::1", port: 8080, authority: "[::1]:8080", target: "/b?c" }],
  ["http://EXAMPLE.com", { host: "example.com", port: 80, authority: "example.com", target: "/" }],
  ["http://0x7f.1/", { host: "127.0.0.1", port: 80, authority: "127.0.0.1", target: "/" }],
])("%s goes to its host", (url, to) => {
  expect(absoluteTarget(url)).toEqual(to);
});

test.each([
  ["Basic c2Vzc2lvbjphYmM=", "abc"],
  ["basic OmFiYw==", "abc"],
  ["Bearer abc.def", "abc.def"],
  ["Basic YWJj", undefined],
  ["Basic !!!", undefined],
  [`Basic ${Buffer.from("session:a b").toString("base64")}`, undefined],
  ["DPoP abc", undefined],
  [undefined, undefined],
])("of %j the token is %j", (header, token) => {
  expect(proxyToken(header)).toBe(token);
});

test("a session that is bound to a key is told that it cannot use the proxy, and what to do", () => {
  const answer = refused({ code: "proof_invalid", message: "the request carries no proof", rules: [] });
  expect(answer).toMatchObject({
    status: 403,
    body: { code: "proof_invalid", detail: expect.stringContaining("open one without binding") },
  });
});
