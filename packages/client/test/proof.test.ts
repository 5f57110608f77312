import { hash } from "node:crypto";
import { expect, onTestFinished, test, vi } from "vitest";
import type { AgentConnection, ConnectOptions } from "../src/index.ts";
import { connect, loadAgentKey } from "../src/index.ts";
import { dpopProof } from "../src/dpop.ts";
import { generateProofKey, proofKeyOf } from "../src/proof-key.ts";
import { createDpopVerifier } from "../../broker/src/adapters/sender-proof/dpop.ts";
import { denied, echo } from "../../broker/test/mcp/support/operations.ts";
import type { TestBroker } from "./support/broker.ts";
import { startBroker } from "./support/broker.ts";

async function open(broker: TestBroker, more: Partial<ConnectOptions> = {}): Promise<AgentConnection> {
  return connect({ url: broker.url, key: await loadAgentKey(broker.keyFile), user: "ada", task: "T-1", ...more });
}

test("by default each request is signed with a key of the connection, and each proof is another one", async () => {
  const broker = await startBroker([echo]);
  const line = await open(broker);
  await line.call("echo");
  await line.call("echo");
  const [first, second] = broker.proven;
  expect(first?.presented).toMatchObject({ scheme: "DPoP", token: broker.tokens[0] });
  expect(first?.claims.proof?.id).not.toBe(second?.claims.proof?.id);
  await line.close();
});

test("the key of the proofs is fresh for each connection, or the agent's own when asked", async () => {
  const broker = await startBroker([echo]);
  const own = proofKeyOf(await loadAgentKey(broker.keyFile)).jkt;
  const bindings = async (more: Partial<ConnectOptions>): Promise<unknown> => {
    await (await open(broker, more)).close();
    return broker.oauth.tokens.get(broker.tokens.at(-1) ?? "")?.binding;
  };
  const fresh = await bindings({});
  expect(fresh).toMatchObject({ kind: "dpop" });
  expect(await bindings({})).not.toEqual(fresh);
  expect(await bindings({ proofKey: "agent" })).toEqual({ kind: "dpop", jkt: own });
});

test("a token that was copied is of no use without the key", async () => {
  const broker = await startBroker([echo]);
  const line = await open(broker);
  const answer = await fetch(`${broker.url}/mcp`, {
    method: "POST",
    headers: { authorization: `Bearer ${broker.tokens[0]}`, "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" }),
  });
  expect(answer.status).toBe(401);
  expect(await answer.json()).toMatchObject({ error: { data: { code: "proof_invalid" } } });
  await line.close();
});

test("with the session's key requests are signed as HTTP messages, body and all", async () => {
  const broker = await startBroker([echo]);
  const line = await open(broker, { proof: "hmac" });
  expect(await line.call("echo", { a: "ä" })).toMatchObject({ kind: "result", text: 'echo {"a":"ä"}' });
  expect(broker.granted[0]?.get("session_key")).toBe("true");
  expect(broker.proven[0]?.presented.signature?.input).toMatch(
    /^sig=\("@method" "@target-uri" "authorization" "content-digest"\);created=\d+;nonce="[^"]+";alg="hmac-sha256";keyid="session"$/u,
  );
  await line.close();
});

test("a bearer connection proves nothing and says so by asking for it", async () => {
  const broker = await startBroker([echo]);
  const line = await open(broker, { proof: "none" });
  expect(await line.call("echo")).toMatchObject({ kind: "result" });
  expect(broker.proven[0]?.presented).toMatchObject({ scheme: "Bearer" });
  expect(broker.proven[0]?.claims.proof).toBeUndefined();
  await line.close();
});

test.each(["dpop", "hmac"] as const)("a token that is bound less than %s is not used", async (proof) => {
  const broker = await startBroker([echo]);
  broker.binds = false;
  await expect(open(broker, { proof })).rejects.toMatchObject({
    code: "proof_unsupported",
    message: expect.stringContaining('proof: "none"'),
  });
});

test.each(["dpop", "hmac"] as const)("every proof of a run of %s calls is accepted once by the broker's own verifier", async (proof) => {
  const broker = await startBroker([echo]);
  const line = await open(broker, { proof });
  const outcomes = await Promise.all(Array.from({ length: 50 }, (_, n) => line.call("echo", { n })));
  expect(outcomes.filter(({ kind }) => kind === "result")).toHaveLength(50);
  expect(new Set(broker.proven.map(({ claims }) => claims.proof?.id)).size).toBe(50);
  await line.close();
});

test("a clock that is wrong is said in words, since the broker only sees a stale proof", async () => {
  const broker = await startBroker([echo]);
  const line = await open(broker);
  broker.clockMs = 300_000;
  broker.expiresIn = 0;
  await expect(line.call("echo")).rejects.toMatchObject({
    code: "session_refused",
    message: expect.stringMatching(/clock is (?:299|300|301) s behind the broker's; set it right/u),
  });
  await line.close();
});

test("a refused proof is explained by the clock too", async () => {
  const broker = await startBroker([echo]);
  const line = await open(broker, { proof: "hmac" });
  // Just too much for a proof, and just not for the assertion of a token request.
  broker.clockMs = 62_000;
  expect(await line.call("echo")).toMatchObject({
    kind: "refused",
    code: "proof_invalid",
    message: expect.stringMatching(/clock is 6[123] s behind the broker's/u),
  });
  await line.close();
});

test("a session that a person revoked is not opened again behind their back", async () => {
  const broker = await startBroker([echo]);
  const line = await open(broker);
  broker.surface.revoke(broker.tokens[0] ?? "");
  expect(await line.call("echo")).toMatchObject({ kind: "refused", code: "session_revoked" });
  expect(broker.tokens).toHaveLength(1);
  await line.close();
});

test("a broker that gives no token just now does not end a session that still lives", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  onTestFinished(() => void vi.useRealTimers());
  const broker = await startBroker([echo]);
  broker.expiresIn = 60;
  const line = await open(broker);
  broker.givesTokens = false;
  vi.advanceTimersByTime(40_000);
  expect(await line.call("echo")).toMatchObject({ kind: "result" });
  vi.advanceTimersByTime(40_000);
  await expect(line.call("echo")).rejects.toMatchObject({ code: "session_refused" });
  await line.close();
});

test("a proof says exactly what RFC 9449 wants, for the address without its query", () => {
  const key = generateProofKey();
  const now = new Date();
  const proof = dpopProof(key, { method: "POST", url: "https://broker.example/mcp?x=1#y", token: "t" }, now.getTime());
  const expected = { method: "POST", url: "https://broker.example/mcp", ath: hash("sha256", "t", "base64url") };
  expect(createDpopVerifier().check(proof, expected, now)).toMatchObject({ jkt: key.jkt, restrict: undefined });
  expect(() => createDpopVerifier().check(proof, { ...expected, ath: hash("sha256", "other", "base64url") }, now)).toThrow(/ath/u);
});

test("a refusal of policy does not cost a second request", async () => {
  const broker = await startBroker([denied]);
  const line = await open(broker);
  expect(await line.call("drop_table")).toMatchObject({
    kind: "refused",
    code: "denied_by_rule",
    next: [{ kind: "use_instead", action: "archive_table" }],
  });
  expect(broker.proven).toHaveLength(1);
  await line.close();
});
