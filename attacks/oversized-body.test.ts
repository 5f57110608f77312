import { afterAll, beforeAll, expect, test } from "vitest";
import { startNotesCompany } from "../stories/notes-company.ts";
import type { NotesCompany } from "../stories/notes-company.ts";

const HUGE = 64 * 1024 * 1024;

let company: NotesCompany;
let token: string;
beforeAll(async () => {
  company = await startNotesCompany();
  token = (await company.agent("drafting")).token;
});
afterAll(async () => company.close());

test.each([
  ["/mcp", "application/json"],
  ["/oauth/token", "application/x-www-form-urlencoded"],
  ["/api/v1/agents/keys", "application/json"],
])("a body of 64 MiB at %s is refused before it is read, and the broker goes on", async (path, type) => {
  const chunk = Buffer.alloc(1024 * 1024, "a");
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent >= HUGE) controller.close();
      else controller.enqueue(chunk);
      sent += chunk.length;
    },
  });
  const options = { method: "POST", headers: { authorization: `Bearer ${token}`, "content-type": type }, body, duplex: "half" as const };
  // The broker may close the connection while we still send: that is a refusal too.
  const status = await fetch(`${company.program.url}${path}`, options).then(
    (answer) => answer.status,
    () => "closed",
  );
  expect([401, 413, "closed"]).toContain(status);
  expect(sent).toBeLessThan(HUGE);
  expect((await fetch(`${company.program.url}/readyz`)).status).toBe(200);
});

test("a declared length beyond the limit is refused with 413", async () => {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping", params: { padding: "a".repeat(20 * 1024 * 1024) } });
  const answer = await fetch(`${company.program.url}/mcp`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json", accept: "application/json, text/event-stream" },
    body,
  }).then(
    (response) => response.status,
    () => "closed",
  );
  expect([413, "closed"]).toContain(answer);
});
