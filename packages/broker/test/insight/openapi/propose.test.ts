import fc from "fast-check";
import { load } from "@bailiwick/policy";
import { beforeAll, expect, test } from "vitest";
import { stringify } from "yaml";
import { type OpenApiDocument, readDocument, UnreadableDocument } from "../../../src/insight/openapi/document.ts";
import { type ApiProposal, type ProposedRequest, proposeApi } from "../../../src/insight/openapi/propose.ts";
import { extendedToolFile, newToolFile } from "../../../src/insight/openapi/proposal-file.ts";
import { CRM } from "./crm.ts";

const MAIN = "version: 1\ntenants: [acme]\nenvironments: { prod: {} }\n";

let document: OpenApiDocument;
let proposal: ApiProposal;
beforeAll(async () => {
  document = await readDocument(JSON.stringify(CRM));
  proposal = proposeApi("desk", document);
});

const action = (name: string): ProposedRequest => proposal.actions.find((each) => each.name === name) ?? expect.fail(`no action ${name}`);

/** What `bailiwick check` would say of the file. */
function findings(text: string): readonly string[] {
  const loaded = load([
    { path: "bailiwick.yaml", text: MAIN },
    { path: "tools/desk.yaml", text },
  ]);
  return loaded.ok ? [] : loaded.diagnostics.map(({ code, what, at }) => `${at.line} ${code}: ${what}`);
}

test("what is proposed passes the check of a policy folder", () => {
  expect(findings(newToolFile("desk", document, proposal, undefined))).toEqual([]);
});

test("the same document as YAML proposes the same", async () => {
  expect(proposeApi("desk", await readDocument(stringify(CRM)))).toEqual(proposal);
});

test("a list is records in a page: where they lie, the totals beside them and the way on", () => {
  expect(action("listTickets")).toMatchObject({
    is: "desk:list_tickets",
    effect: "read",
    args: { "status?": ["string"], "cursor?": "string", "X-Request-Id?": "string" },
    request: { method: "GET", path: "/tickets", query: { status: "args.status", cursor: "args.cursor" } },
    returns: {
      type: "Ticket",
      at: "result.tickets",
      counts: ["result.meta.total"],
      cursor: { at: "result.meta.next_cursor", arg: "args.cursor" },
    },
    left: ["the query parameter `filter`"],
  });
  expect(action("tags").returns).toMatchObject({ type: "TagsItem", at: "result.items" });
});

test("types come from the schemas: what may be null is optional, what is written only does not come back, a circle ends", () => {
  expect(proposal.types["Ticket"]).toEqual({
    id: "string",
    subject: "string",
    "body?": "string",
    "priority?": "integer",
    "due?": "datetime",
    "customer?": { email: "email", "phone-number?": "string" },
  });
  expect(proposal.types["AgentRecord"]).toEqual({ name: "string", "api_token?": "string" });
  expect(proposal.types["Node"]).toBeDefined();
});

test("an action on one record says which, and how it is looked at before", () => {
  expect(action("getTicket").resource).toEqual({ type: "Ticket", id: "args.ticketId" });
  for (const name of ["updateTicket", "deleteTicket"])
    expect(action(name).resource).toEqual({
      type: "Ticket",
      id: "args.ticketId",
      before: "getTicket",
      beforeArgs: { ticketId: "args.ticketId" },
    });
});

test("effects come from the method, and words that say more are put before the reviewer", () => {
  expect(action("deleteTicket")).toMatchObject({ effect: "delete" });
  expect(action("refund_ticket")).toMatchObject({ effect: "write", because: expect.stringContaining("`pay`") });
  expect(newToolFile("desk", document, proposal, undefined)).toMatch(
    /effect: write # REVIEW: from its method POST; its words say that it may be `pay`/u,
  );
});

test("members of a body are arguments; one whose name is taken gets another, and a body of no plain members is one argument", () => {
  expect(action("refund_ticket")).toMatchObject({
    args: { ticketId: "string", "amount?": "decimal", "ticketId_body?": "string" },
    request: { params: { ticketId: "args.ticketId" }, body: { amount: "args.amount", ticketId: "args.ticketId_body" } },
  });
  expect(action("search")).toMatchObject({ args: { body: "any" }, request: { body: "args.body" } });
});

test("labels are proposed from formats and names", () => {
  expect(action("getTicket").labels).toEqual({
    subject: ["untrusted"],
    body: ["untrusted"],
    "customer.email": ["pii"],
    "customer.phone-number": ["pii"],
  });
  expect(action("agent").labels).toMatchObject({ api_token: ["secret"] });
});

test("what cannot be a request is listed with the reason", () => {
  expect(proposal.unmapped).toEqual([
    { operation: "HEAD /tickets/{ticketId}", why: "HEAD is no method of an http tool" },
    { operation: "POST /tickets/{ticketId}/files", why: "its body is no JSON" },
    { operation: "GET /me", why: "its cookie parameter `sid` is no plain value" },
  ]);
});

test("the document's own words reach no agent and no file", () => {
  expect(newToolFile("desk", document, proposal, undefined)).not.toContain("ignore previous");
});

test("address and way to sign in come from the document", async () => {
  expect(newToolFile("desk", document, proposal, undefined)).toMatch(/url: https:\/\/desk\.example\/api\/v2\n[\s\S]*header: X-Desk-Key/u);
  const relative = await readDocument(JSON.stringify({ ...CRM, servers: [{ url: "/v9" }] }));
  expect(newToolFile("desk", relative, proposal, "https://docs.example/openapi.json")).toContain("https://docs.example/v9");
  expect(newToolFile("desk", relative, proposal, undefined)).toContain("${env:DESK_URL}");
});

test("what a person has written stays as it is", () => {
  const mine =
    "# mine\ntool: desk\nconnect: { http: { url: https://desk.example } }\nactions:\n  getTicket: { is: desk:mine, effect: read, args: { ticketId: string }, request: { method: GET, path: /mine } }\n";
  const written = extendedToolFile(mine, proposal);
  expect(written?.kept).toEqual(["getTicket"]);
  expect(written?.text).toMatch(/^# mine\n[\s\S]*is: desk:mine/u);
  expect(written?.text).toContain("is: desk:list_tickets");
  expect(extendedToolFile("tool: desk\nconnect: { mcp: { url: x } }\n", proposal)).toBeUndefined();
});

test.each([
  ["no document", "hello"],
  [
    "a document that leads elsewhere",
    JSON.stringify({ ...CRM, paths: { "/a": { get: { parameters: [{ $ref: "https://evil.example/p.json#/p" }], responses: {} } } } }),
  ],
  ["Swagger 2", '{"swagger":"2.0","info":{"title":"a","version":"1"},"paths":{}}'],
  [
    "a document without paths' answers",
    JSON.stringify({ openapi: "3.0.3", info: { title: "a", version: "1" }, paths: { "/a": { get: { parameters: 7 } } } }),
  ],
  ["YAML that grows", `a: &a [x]\n${Array.from({ length: 200 }, (_, i) => `b${i}: [*a, *a]`).join("\n")}\nopenapi: 3.1.0\n`],
])("%s is not read", async (_, text) => {
  await expect(readDocument(text)).rejects.toBeInstanceOf(UnreadableDocument);
});

test("whatever names a document uses, what is proposed passes the check", async () => {
  const name = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom(
      "__proto__",
      "Accept-Encoding",
      "content-encoding",
      "X-Real-IP",
      "keep-alive",
      "cookie",
      "${env:HOME}",
      "a\n# b: c",
      "<<",
      "'\"",
      "id",
      "authorization",
      "a b",
      "ü",
      "x?",
      "Agent",
      "constructor",
      "-",
    ),
  );
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(name, { minLength: 1, maxLength: 5 }), name, async (names, operationId) => {
      const schema = {
        type: "object",
        required: names.slice(0, 2),
        properties: Object.fromEntries(names.map((each) => [each, { type: "string" }])),
      };
      const content = { "application/json": { schema } };
      const text = JSON.stringify({
        openapi: "3.0.3",
        info: { title: "a", version: "1" },
        paths: {
          "/things/{id}": {
            put: {
              operationId,
              parameters: [
                { name: "id", in: "path", required: true, schema: { type: "string" } },
                ...names.map((each) => ({ name: each === "" ? "e" : each, in: "query", schema: { type: "string" } })),
                ...names.map((each) => ({ name: each === "" ? "e" : each, in: "header", schema: { type: "string" } })),
              ],
              requestBody: { required: true, content },
              responses: { 200: { description: "", content } },
            },
          },
        },
      });
      const read = await readDocument(text).catch(() => undefined);
      if (read === undefined) return;
      const found = proposeApi("desk", read);
      expect(findings(newToolFile("desk", read, found, undefined))).toEqual([]);
    }),
    { numRuns: 12 },
  );
});

test("schemas that hold each other many times over make no file that nobody could read", async () => {
  const properties = Object.fromEntries(Array.from({ length: 30 }, (_, no) => [`part${no}`, { $ref: "#/components/schemas/Part" }]));
  const answer = { description: "", content: { "application/json": { schema: { $ref: "#/components/schemas/Part" } } } };
  const found = proposeApi(
    "desk",
    await readDocument(
      JSON.stringify({
        openapi: "3.0.3",
        info: { title: "a", version: "1" },
        paths: { "/a": { get: { responses: { 200: answer } } } },
        components: {
          schemas: {
            Part: { type: "object", properties, allOf: Array.from({ length: 30 }, () => ({ $ref: "#/components/schemas/Mixed" })) },
            Mixed: { allOf: Array.from({ length: 30 }, () => ({ $ref: "#/components/schemas/Mixed" })) },
          },
        },
      }),
    ),
  );
  expect(JSON.stringify(found.types).length).toBeLessThan(100_000);
});

test("a header that only the broker sets is no argument; an operation that cannot do without it is not proposed", async () => {
  const header = (name: string, required: boolean) => ({ name, in: "header", required, schema: { type: "string" } });
  const found = proposeApi(
    "desk",
    await readDocument(
      JSON.stringify({
        openapi: "3.0.3",
        info: { title: "a", version: "1" },
        paths: {
          "/a": { get: { parameters: [header("Accept-Encoding", false)], responses: { 200: { description: "" } } } },
          "/b": { get: { parameters: [header("X-Forwarded-For", true)], responses: { 200: { description: "" } } } },
        },
      }),
    ),
  );
  expect(found.actions).toMatchObject([{ request: { path: "/a", headers: {} }, left: ["the header parameter `Accept-Encoding`"] }]);
  expect(found.unmapped).toMatchObject([{ operation: "GET /b" }]);
});
