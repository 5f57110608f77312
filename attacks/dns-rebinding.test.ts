import { request } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startNotesCompany } from "../stories/notes-company.ts";
import type { NotesCompany } from "../stories/notes-company.ts";

let company: NotesCompany;
let token: string;
beforeAll(async () => {
  company = await startNotesCompany();
  token = (await company.agent("reading")).token;
});
afterAll(async () => company.close());

test("the same request is taken from an honest client", async () => {
  expect(await send({})).toBe(200);
});

test.each([
  ["a rebound host name", { host: "attacker.example" }],
  ["a rebound host name with our port", { host: "attacker.example:7400" }],
  ["a name that only starts like ours", { host: "127.0.0.1.attacker.example" }],
  ["a foreign origin", { origin: "https://attacker.example" }],
  ["an opaque origin", { origin: "null" }],
])("a page that makes the browser call with %s gets 403", async (_, headers) => {
  expect(await send(headers)).toBe(403);
});

test("a foreign page cannot answer an approval with a person's cookie", async () => {
  const answer = await fetch(`${company.program.url}/api/v1/approvals/apr_x/approve`, {
    method: "POST",
    headers: { origin: "https://attacker.example", cookie: "bailiwick_person=bwps_x", "content-type": "application/json" },
    body: "{}",
  });
  expect([401, 403]).toContain(answer.status);
});

// node:http, because fetch does not let a caller choose Host.
function send(headers: Readonly<Record<string, string>>): Promise<number> {
  const body = JSON.stringify({
    jsonrpc: "2.0",
    id: 1,
    method: "initialize",
    params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "attack", version: "1" } },
  });
  return new Promise((resolve, reject) => {
    const sent = request(
      `${company.program.url}/mcp`,
      {
        method: "POST",
        headers: {
          authorization: `Bearer ${token}`,
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
          ...headers,
        },
      },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    sent.once("error", reject);
    sent.end(body);
  });
}
