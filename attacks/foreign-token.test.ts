import { generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { registerAgent, tokenFor } from "../stories/agent.ts";
import { startNotesCompany } from "../stories/notes-company.ts";
import type { NotesCompany } from "../stories/notes-company.ts";
import { AGENTS } from "../stories/world/notes-policy.ts";

let company: NotesCompany;
let good: string;
beforeAll(async () => {
  company = await startNotesCompany();
  good = (await company.agent("drafting")).token;
});
afterAll(async () => company.close());

test("the genuine token is taken, so that the refusals below mean something", async () => {
  expect(await statusOf(good)).toBe(200);
});

test("a token signed by another key, unsigned, altered, cut or absent is a 401", async () => {
  const [header = "", payload = "", signature = ""] = good.split(".");
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as Record<string, unknown>;
  const { privateKey } = await generateKeyPair("ES256");
  const foreign = await new SignJWT(claims).setProtectedHeader({ ...decoded(header), alg: "ES256" }).sign(privateKey);
  const none = `${encoded({ ...decoded(header), alg: "none" })}.${payload}.`;
  const confused = `${encoded({ ...decoded(header), alg: "HS256" })}.${payload}.${signature}`;
  const altered = `${header}.${encoded({ ...claims, exp: 9_999_999_999, sub: "admin" })}.${signature}`;
  for (const token of [foreign, none, confused, altered, good.slice(0, -4), `${header}.${payload}`, "", undefined]) {
    expect(await statusOf(token)).toBe(401);
  }
});

test("an agent's token opens nothing of the people's interface", async () => {
  for (const path of ["/approvals", "/sessions", "/credentials", "/calls"]) {
    const answer = await fetch(`${company.program.url}/api/v1${path}`, { headers: { authorization: `Bearer ${good}` } });
    expect(answer.status).toBe(401);
  }
});

test("an agent's key gets no token in another agent's name", async () => {
  const own = await registerAgent(company.program, AGENTS.reading);
  await expect(tokenFor(company.program, AGENTS.drafting, own)).rejects.toThrow(/no token: 401.*invalid_client/);
});

function statusOf(token: string | undefined): Promise<number> {
  return fetch(`${company.program.url}/mcp`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "initialize",
      params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "attack", version: "1" } },
    }),
  }).then((answer) => answer.status);
}

function decoded(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, "base64url").toString()) as Record<string, unknown>;
}

function encoded(value: Record<string, unknown>): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
