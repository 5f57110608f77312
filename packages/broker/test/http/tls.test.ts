import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, getSessionToken, type AgentKey } from "@bailiwick/client";
import { calculateJwkThumbprint } from "jose";
import { Agent, request } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { type RunningBroker, startBroker } from "../../src/main.ts";
import { AGENTS, writeNotesCompany } from "../../../../stories/world/notes-policy.ts";
import { saidBy } from "../support/said.ts";

const pem = (part: "cert" | "key"): Promise<Buffer> => readFile(new URL(`../smtp-tool/localhost.${part}.pem`, import.meta.url));
const [cert, key] = [await pem("cert"), await pem("key")];

let folder: string;
let broker: RunningBroker;
let url: string;
let agent: AgentKey;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bailiwick-tls-"));
  await writeNotesCompany(join(folder, "policy"), join(folder, "notes"));
  broker = await startBroker({
    policyFolder: join(folder, "policy"),
    dataFolder: join(folder, "data"),
    host: "localhost",
    port: 0,
    tls: { cert, key },
    environment: () => undefined,
    logLevel: "silent",
  });
  ({ url } = broker);
  await broker.store.credentials.put(
    "notes-account",
    { tenant: "acme", environment: "*", workflow: "*", hosts: [] },
    "a secret of the notes server",
  );
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const publicJwk = z.record(z.string(), z.string()).parse(publicKey.export({ format: "jwk" }));
  const kid = await calculateJwkThumbprint(publicJwk);
  await broker.store.agentKeys.add({
    agent: AGENTS.reading,
    tenant: "acme",
    thumbprint: kid,
    publicJwk,
    status: "active",
    addedAt: new Date(),
  });
  agent = { agent: AGENTS.reading, kid, privateJwk: privateKey.export({ format: "jwk" }) };
});
afterAll(async () => {
  await broker.close();
  await rm(folder, { recursive: true, force: true });
});

const SESSION = { user: "ada", task: "T-1" };

test.each(["mtls", "dpop", "hmac", "none"] as const)(
  "over HTTPS an agent proves itself by %s and its call is recorded so",
  async (proof) => {
    const tls = { ca: cert.toString(), ...(proof === "mtls" ? { cert: cert.toString(), key: key.toString() } : {}) };
    const line = await connect({ ...SESSION, url, key: agent, proof, tls });
    const outcome = await line.call("list_notes");
    expect(outcome.kind).toBe("result");
    const [record] = await broker.store.log.query("acme", { kind: "intent", limit: 1 });
    expect(saidBy(record)).toMatchObject({ binding: proof === "none" ? "bearer" : proof });
    await line.end();
  },
);

test("a token bound to a client certificate is worth nothing on a connection without it", async () => {
  const withCertificate = new Agent({ connect: { ca: cert, cert, key } });
  const without = new Agent({ connect: { ca: cert } });
  const token = await tokenOver(withCertificate);
  const call = async (dispatcher: Agent): Promise<{ status: number; challenge: string }> => {
    const answer = await request(`${url}/mcp`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json", accept: "application/json, text/event-stream" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" }),
      dispatcher,
    });
    await answer.body.dump();
    return { status: answer.statusCode, challenge: String(answer.headers["www-authenticate"] ?? "") };
  };
  expect((await call(withCertificate)).status).not.toBe(401);
  expect(await call(without)).toMatchObject({ status: 401, challenge: expect.stringContaining("another client certificate") });
  await withCertificate.close();
  await without.close();
});

/** A token over a connection whose certificate it is then bound to. */
async function tokenOver(dispatcher: Agent): Promise<string> {
  const { accessToken } = await getSessionToken({ ...SESSION, url, key: agent }, undefined, dispatcher);
  return accessToken;
}
