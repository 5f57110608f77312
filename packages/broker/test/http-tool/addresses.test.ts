import type { LookupAddress } from "node:dns";
import { afterEach, expect, test } from "vitest";
import { connectHttpTool } from "../../src/adapters/http-tool/connect.ts";
import { type Api, action, call, CERT, connectTo, crm, KEY, open, serveApi } from "./support.ts";

const apis: Api[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
  await Promise.all(apis.splice(0).map((each) => each.close()));
});

async function api(options: { readonly tls?: boolean } = {}): Promise<Api> {
  const made = await serveApi(options);
  apis.push(made);
  return made;
}

const GET = [action("get", {})];
const leadsTo =
  (...addresses: readonly string[]) =>
  (): Promise<readonly LookupAddress[]> =>
    Promise.resolve(addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })));

test.each(["127.0.0.1", "10.0.0.7", "169.254.169.254", "::1", "fd00:ec2::254", "::ffff:127.0.0.1", "100.100.100.200", "0.0.0.0"])(
  "a name that leads to %s is not connected to, unless the policy folder says so",
  async (address) => {
    const server = await api({ tls: true });
    const connection = connectTo({ url: `https://api.example:${server.port}` }, GET, { resolve: leadsTo(address), ca: CERT });
    await expect(call(connection, "get")).rejects.toMatchObject({
      code: "tool_unavailable",
      message: expect.stringContaining("private: true"),
    });
    expect(server.seen).toEqual([]);
  },
);

test("a name that leads inwards beside a public address is refused as well", async () => {
  const connection = connectTo({ url: "https://api.example" }, GET, { resolve: leadsTo("8.8.8.8", "10.0.0.1") });
  await expect(call(connection, "get")).rejects.toMatchObject({ message: expect.stringContaining("private: true") });
});

test("`private: true` lets a name lead to this machine or a private network, and still not to link-local addresses", async () => {
  const server = await api();
  const inside = connectTo({ url: `http://api.internal:${server.port}`, private: true }, GET, { resolve: leadsTo("127.0.0.1") });
  expect(await call(inside, "get")).toMatchObject({ structuredContent: { ok: true } });
  expect(server.seen[0]?.headers.host).toBe(`api.internal:${server.port}`);
  const metadata = connectTo({ url: "http://api.internal", private: true }, GET, { resolve: leadsTo("169.254.169.254") });
  await expect(call(metadata, "get")).rejects.toMatchObject({ code: "tool_unavailable" });
});

test("the address that was checked is the one that is dialled, whatever the name says next", async () => {
  const server = await api();
  let asked = 0;
  const resolve = (): Promise<readonly LookupAddress[]> => {
    asked += 1;
    return leadsTo(asked === 1 ? "127.0.0.1" : "169.254.169.254")();
  };
  const connection = connectTo({ url: `http://api.internal:${server.port}`, private: true }, GET, { resolve });
  await call(connection, "get");
  expect(asked).toBe(1);
  expect(server.seen).toHaveLength(1);
});

test("a certificate is checked against the name", async () => {
  const server = await api({ tls: true });
  const untrusted = connectTo({ url: `https://localhost:${server.port}` }, GET);
  await expect(call(untrusted, "get")).rejects.toMatchObject({ code: "tool_unavailable" });
  const other = connectTo({ url: `https://other.example:${server.port}`, private: true }, GET, { ca: CERT, resolve: leadsTo("127.0.0.1") });
  await expect(call(other, "get")).rejects.toMatchObject({ code: "tool_unavailable" });
  expect(server.seen).toEqual([]);
  const trusted = connectTo({ url: `https://localhost:${server.port}` }, GET, { ca: CERT, resolve: leadsTo("127.0.0.1") });
  expect(await call(trusted, "get")).toMatchObject({ structuredContent: { ok: true } });
});

test.each([
  "ftp://api.example",
  "not a url",
  "https://user:pass@api.example",
  "https://api.example/?a=1",
  "https://api.example/#a",
  "http://api.example",
  "http://8.8.8.8",
])("%s is no address of a tool", (url) => {
  expect(() => connectHttpTool(KEY, crm(GET), { url })).toThrow(/correct it in the policy folder/u);
});

test("a server that is not there was sent nothing", async () => {
  const server = await api();
  await server.close();
  apis.pop();
  const connection = connectTo({ url: `http://127.0.0.1:${server.port}` }, GET);
  await expect(call(connection, "get")).rejects.toMatchObject({ code: "tool_unavailable" });
});

test("after it is closed nothing is sent", async () => {
  const server = await api();
  const connection = connectTo({ url: `http://127.0.0.1:${server.port}` }, GET);
  await connection.close();
  await expect(call(connection, "get")).rejects.toMatchObject({ code: "tool_unavailable" });
  expect(server.seen).toEqual([]);
});
