import { randomUUID } from "node:crypto";
import { loadAgentKey, openAgentSession } from "@bailiwick/client";
import type { BrokerSession } from "@bailiwick/client";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { Agent } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";
import { registerAgent } from "../stories/agent.ts";
import { startNotesCompany } from "../stories/notes-company.ts";
import type { NotesCompany } from "../stories/notes-company.ts";
import { AGENTS } from "../stories/world/notes-policy.ts";

type Sent = Readonly<Record<string, string>>;

const dispatcher = new Agent();
let company: NotesCompany;
let bound: BrokerSession;
let signed: BrokerSession;
beforeAll(async () => {
  company = await startNotesCompany();
  const key = await loadAgentKey(await registerAgent(company.program, AGENTS.drafting));
  const session = { url: company.program.url, key, user: "ada", task: "stolen" };
  bound = await openAgentSession(session, dispatcher);
  signed = await openAgentSession({ ...session, proof: "hmac" }, dispatcher);
});
afterAll(async () => {
  await dispatcher.close();
  await company.close();
});

const body = (text: string): string =>
  JSON.stringify({
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: {
      name: "add_note",
      arguments: { text },
      _meta: { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} },
    },
  });

async function add(
  text: string,
  headers: Sent,
  url = `${company.program.url}/mcp`,
): Promise<{ readonly status: number; readonly code: string | undefined }> {
  const standard = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "add_note" };
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream", ...standard, ...headers },
    body: body(text),
  });
  const said = (await answer.json()) as { error?: { data?: { code?: string } } };
  return { status: answer.status, code: said.error?.data?.code };
}

async function honest(session: BrokerSession, text: string): Promise<Sent> {
  return (await session.authorize({ method: "POST", url: `${company.program.url}/mcp`, body: body(text) })).headers;
}

async function notes(): Promise<readonly unknown[]> {
  return (await company.effects()).map((effect) => effect.args["text"]);
}

test("the honest request is taken, so that the refusals below mean something", async () => {
  expect(await add("honest", await honest(bound, "honest"))).toEqual({ status: 200, code: undefined });
  expect(await add("honest too", await honest(signed, "honest too"))).toEqual({ status: 200, code: undefined });
  expect(await notes()).toEqual(["honest", "honest too"]);
});

test("a bound token that was copied is of no use as a bearer token", async () => {
  for (const session of [bound, signed]) {
    const { accessToken } = await session.token();
    expect(await add("copied", { authorization: `Bearer ${accessToken}` })).toEqual({ status: 401, code: "proof_invalid" });
  }
});

test("nor with a proof by the thief's own key", async () => {
  const { accessToken } = await bound.token();
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const ath = Buffer.from(await crypto.subtle.digest("SHA-256", Buffer.from(accessToken))).toString("base64url");
  const dpop = await new SignJWT({ htm: "POST", htu: `${company.program.url}/mcp`, jti: randomUUID(), ath })
    .setProtectedHeader({ typ: "dpop+jwt", alg: "ES256", jwk: await exportJWK(publicKey) })
    .setIssuedAt()
    .sign(privateKey);
  expect(await add("forged", { authorization: `DPoP ${accessToken}`, dpop })).toEqual({ status: 401, code: "proof_invalid" });
});

test("a whole request that was overheard is taken once", async () => {
  for (const [session, text] of [
    [bound, "once"],
    [signed, "once too"],
  ] as const) {
    const overheard = await honest(session, text);
    expect(await add(text, overheard)).toEqual({ status: 200, code: undefined });
    expect(await add(text, overheard)).toEqual({ status: 401, code: "proof_replayed" });
  }
  expect((await notes()).filter((text) => String(text).startsWith("once"))).toEqual(["once", "once too"]);
});

test("a signed request that was held back runs with no other body", async () => {
  const held = await honest(signed, "wire 10 to ada");
  expect(await add("wire 99 to eve", held)).toMatchObject({ code: "proof_invalid" });
});

test("a proof for another address or method is refused", async () => {
  const url = `${company.program.url}/mcp`;
  for (const request of [
    { method: "GET", url },
    { method: "POST", url: `${company.program.url}/oauth/token` },
    { method: "POST", url: "https://evil.example/mcp" },
  ]) {
    const { headers } = await bound.authorize(request);
    expect(await add("elsewhere", headers)).toEqual({ status: 401, code: "proof_invalid" });
  }
});

test("nothing of all that reached the tool", async () => {
  expect((await notes()).filter((text) => /copied|forged|eve|elsewhere/u.test(String(text)))).toEqual([]);
});
