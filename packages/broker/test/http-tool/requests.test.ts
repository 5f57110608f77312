import fc from "fast-check";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { buildRequest } from "../../src/adapters/http-tool/build-request.ts";
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

const at = (): { readonly url: string } => ({ url: `http://127.0.0.1:${api.port}/v2/` });

const UPDATE = action(
  "update",
  {
    method: "PATCH",
    path: "/tickets/{id}/notes/{note}",
    params: { id: "args.id", note: "args.note" },
    query: { tag: "args.tags", dry: "args.dry" },
    headers: { "If-Match": "args.etag" },
    body: { status: "args.status", owner: "args.owner" },
  },
  { effect: "write" },
);

test("an action becomes one request: path, query, headers and body out of its arguments, below the tool's address", async () => {
  const connection = connectTo(at(), [UPDATE]);
  const args = { id: "T 1;ä", note: 7, tags: ["a&b", "c"], dry: true, etag: '"v1"', status: "open" };
  expect(await call(connection, "update", args)).toMatchObject({ structuredContent: { ok: true }, _meta: { status: 200 } });
  const seen = api.seen.at(-1);
  expect(seen).toMatchObject({ method: "PATCH", url: "/v2/tickets/T%201%3B%C3%A4/notes/7?tag=a%26b&tag=c&dry=true" });
  expect(seen?.headers).toMatchObject({ "if-match": '"v1"', "content-type": "application/json", host: `127.0.0.1:${api.port}` });
  expect(JSON.parse(seen?.body ?? "")).toEqual({ status: "open" });
});

test("a whole argument can be the body, and an absent one is no body", async () => {
  const connection = connectTo(at(), [action("create", { method: "POST", body: "args.ticket" }, { effect: "write" })]);
  await call(connection, "create", { ticket: { a: [1] } });
  expect(api.seen.at(-1)?.body).toBe('{"a":[1]}');
  await call(connection, "create", {});
  expect(api.seen.at(-1)?.body).toBe("");
});

test("the credential is sent, and no argument takes its header", async () => {
  const connection = connectTo(
    at(),
    [action("list", { headers: { "x-api-key": "args.key" } })],
    {},
    {
      credential: { name: "crm-key", inject: { header: "X-Api-Key" } },
    },
  );
  await call(connection, "list", { key: "mine" }, { equipment: { headers: { "X-Api-Key": "theirs" }, environment: {} } });
  expect(api.seen.at(-1)?.headers["x-api-key"]).toBe("theirs");
  await expect(call(connection, "list", {})).rejects.toMatchObject({ code: "credential_unavailable" });
});

test("an action that the catalog does not have sends nothing", async () => {
  const before = api.seen.length;
  await expect(call(connectTo(at(), [UPDATE]), "delete", {})).rejects.toMatchObject({ code: -32602 });
  expect(api.seen).toHaveLength(before);
});

test.each([
  "",
  ".",
  "..",
  "../admin",
  "a/../../admin",
  "a//b",
  "5/refund",
  "5%2Frefund",
  "5%252Frefund",
  "5\\refund",
  "/etc",
  "a\\..\\b",
  "%2e%2e",
  "%2e%2e%2fadmin",
  "%252e%252e",
  "a\u0000",
  "a\r\nb",
])("%j as a part of the path is refused and nothing is sent", async (id) => {
  const before = api.seen.length;
  await expect(call(connectTo(at(), [UPDATE]), "update", { id, note: 1 })).rejects.toMatchObject({ code: "argument_invalid" });
  expect(api.seen).toHaveLength(before);
});

test.each(["v\r\nx-admin: 1", "v\nx", "v\u0000", "ü", "a".repeat(5_000)])("%j as a header is refused and nothing is sent", async (etag) => {
  const before = api.seen.length;
  await expect(call(connectTo(at(), [UPDATE]), "update", { id: "T-1", note: 1, etag })).rejects.toMatchObject({ code: "argument_invalid" });
  expect(api.seen).toHaveLength(before);
});

test.each([
  ["a body", { id: "T-1", note: 1, status: "x".repeat(4 * 1024 * 1024) }],
  ["a query", { id: "T-1", note: 1, tags: ["x".repeat(9_000)] }],
  ["an object where one value goes", { id: "T-1", note: { a: 1 } }],
  ["a missing part of the path", { id: "T-1" }],
])("%s that does not fit is refused and nothing is sent", async (_, args) => {
  const before = api.seen.length;
  await expect(call(connectTo(at(), [UPDATE]), "update", args)).rejects.toMatchObject({ code: "argument_invalid" });
  expect(api.seen).toHaveLength(before);
});

test("whatever an argument holds, the path keeps its segments and the server reads the argument back", () => {
  const request = { method: "GET", path: "/a/{x}/b", params: { x: "args.x" }, query: { q: "args.q" }, headers: {} } as const;
  fc.assert(
    fc.property(fc.string({ unit: "binary", minLength: 1 }), fc.string({ unit: "binary" }), (x, q) => {
      fc.pre(x.isWellFormed() && q.isWellFormed());
      let target;
      try {
        ({ target } = buildRequest("", request, { x, q }));
      } catch {
        return;
      }
      const url = new URL(target, "http://api.example");
      expect(url.pathname.split("/")).toHaveLength(4);
      expect(decodeURIComponent(url.pathname.split("/")[2] ?? "")).toBe(x);
      expect(url.searchParams.get("q")).toBe(q);
      expect(url.host).toBe("api.example");
    }),
  );
});

test("the list of tools holds what the arguments are, without those that the broker sets", async () => {
  const listing = await connectTo(at(), [
    action(
      "list",
      { query: { tenant: "args.tenant", status: "args.status" } },
      { args: { tenant: "string", "status?": "string" }, force: { tenant: "principal.tenant" } },
    ),
  ]).listing();
  expect(listing.tools).toMatchObject([{ name: "list", inputSchema: { properties: { status: { type: "string" } }, required: [] } }]);
  expect(JSON.stringify(listing.tools)).not.toContain("tenant");
});
