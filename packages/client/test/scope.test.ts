import { expect, test } from "vitest";
import type { AgentConnection, ConnectOptions } from "../src/index.ts";
import { connect, connectDelegated, loadAgentKey } from "../src/index.ts";
import { narrower } from "../src/restriction.ts";
import { echo } from "../../broker/test/mcp/support/operations.ts";
import type { TestBroker } from "./support/broker.ts";
import { AGENT, DELEGATE, startBroker } from "./support/broker.ts";

async function open(broker: TestBroker, more: Partial<ConnectOptions> = {}): Promise<AgentConnection> {
  return connect({ url: broker.url, key: await loadAgentKey(broker.keyFile), user: "ada", task: "T-1", ...more });
}

test("rows and limits of a session travel as authorization details, the rest as parameters", async () => {
  const broker = await startBroker([]);
  const line = await open(broker, {
    scope: ["tickets:read"],
    rows: { Ticket: { id: ["T-1"] } },
    limits: { calls: 50 },
    data: { ticket: "T-1" },
  });
  const form = broker.granted[0];
  expect(JSON.parse(form?.get("authorization_details") ?? "")).toEqual([
    { type: "bailiwick_task", rows: { Ticket: { id: ["T-1"] } }, limits: { calls: 50 } },
  ]);
  expect(Object.fromEntries(form ?? [])).toMatchObject({ user: "ada", task: "T-1", scope: "tickets:read", data: '{"ticket":"T-1"}' });
  await line.close();
});

test("a narrowed connection says in each proof what it leaves out; the connection it came from goes on as before", async () => {
  const broker = await startBroker([echo]);
  const line = await open(broker);
  const narrow = line.narrow({ scope: ["tickets:read"], rows: { Ticket: { id: ["T-1"] } } });
  await narrow.call("echo");
  await line.call("echo");
  expect(broker.proven.map(({ claims }) => claims.restrict)).toEqual([
    { scope: ["tickets:read"], rows: { Ticket: { id: ["T-1"] } } },
    undefined,
  ]);
  expect(broker.tokens).toHaveLength(1);
  await line.close();
});

test("narrowing twice never gives back what the first took", async () => {
  const broker = await startBroker([echo]);
  const line = await open(broker);
  await line
    .narrow({ scope: ["tickets:*"] })
    .narrow({ scope: ["tickets:read", "mail:send"] })
    .call("echo");
  expect(broker.proven[0]?.claims.restrict).toEqual({ scope: ["tickets:read"] });
  expect(() => line.narrow({ scope: ["tickets:read"] }).narrow({ scope: ["mail:send"] })).toThrow(/leaves nothing of `scope`/u);
  await line.close();
});

test("rows of both restrictions hold", () => {
  const outer = { rows: { Ticket: { id: ["T-1", "T-2"] }, Article: { lang: ["de"] } } };
  expect(narrower(outer, { rows: { Ticket: { id: ["T-2", "T-3"], status: ["open"] } } })).toEqual({
    rows: { Ticket: { id: ["T-2"], status: ["open"] }, Article: { lang: ["de"] } },
  });
  expect(() => narrower(outer, { rows: { Ticket: { id: ["T-9"] } } })).toThrow(/rows\.Ticket\.id/u);
});

test.each(["hmac", "none"] as const)("a connection with the proof %s cannot narrow, and says what can", async (proof) => {
  const broker = await startBroker([]);
  const line = await open(broker, { proof });
  expect(() => line.narrow({ scope: ["tickets:read"] })).toThrow(expect.objectContaining({ code: "wish_impossible" }));
  await line.close();
});

test.each(["dpop", "hmac", "none"] as const)("a session is passed on to another agent, which uses its own key (%s)", async (proof) => {
  const broker = await startBroker([echo]);
  const line = await open(broker, { proof });
  const delegation = await line.delegate({ agent: DELEGATE });
  const child = await connectDelegated({ key: await loadAgentKey(broker.delegateKeyFile), delegation, task: "T-1/draft" });
  expect(await child.call("echo")).toMatchObject({ kind: "result" });
  const given = broker.oauth.tokens.get(broker.tokens[1] ?? "");
  expect(given).toMatchObject({ agent: DELEGATE, binding: { kind: "dpop" } });
  expect(Object.fromEntries(broker.granted[1] ?? [])).toMatchObject({
    grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
    subject_token: broker.tokens[0],
    task: "T-1/draft",
  });
  await child.close();
  await line.close();
});

test("a delegation carries how much is passed on, at most what a narrowed connection has", async () => {
  const broker = await startBroker([echo]);
  const line = await open(broker);
  const delegation = await line.narrow({ scope: ["tickets:*"] }).delegate({ agent: DELEGATE, scope: ["tickets:read", "mail:send"] });
  await (await connectDelegated({ key: await loadAgentKey(broker.delegateKeyFile), delegation })).close();
  expect(broker.oauth.tokens.get(broker.tokens[1] ?? "")?.restrict).toEqual({ scope: ["tickets:read"] });
  await line.close();
});

test("a delegation that another agent intercepts is of no use to it", async () => {
  const broker = await startBroker([echo]);
  const line = await open(broker);
  const delegation = await line.delegate({ agent: AGENT.replace("triage", "somebody-else") });
  await expect(connectDelegated({ key: await loadAgentKey(broker.delegateKeyFile), delegation })).rejects.toMatchObject({
    code: "session_refused",
    message: expect.stringContaining("is not for"),
  });
  await line.close();
});

test("a part of a session can be passed on by DPoP only", async () => {
  const broker = await startBroker([]);
  const line = await open(broker, { proof: "hmac" });
  await expect(line.delegate({ agent: DELEGATE, scope: ["tickets:read"] })).rejects.toMatchObject({ code: "wish_impossible" });
  await line.close();
});

test("a delegated session that is over says so, unless its delegator can be asked again", async () => {
  const broker = await startBroker([echo]);
  const line = await open(broker);
  const key = await loadAgentKey(broker.delegateKeyFile);
  broker.expiresIn = 0;
  const once = await connectDelegated({ key, delegation: await line.delegate({ agent: DELEGATE }) });
  await expect(once.call("echo")).rejects.toMatchObject({ code: "delegation_over" });
  const again = await connectDelegated({ key, delegation: () => line.delegate({ agent: DELEGATE }) });
  expect(await again.call("echo")).toMatchObject({ kind: "result" });
  await Promise.all([once.close(), again.close(), line.close()]);
});

test("a delegation that leads a session to another broker is not taken, since its token would go to the first", async () => {
  const [first, other] = [await startBroker([echo]), await startBroker([echo])];
  const [here, there] = [await open(first), await open(other)];
  first.expiresIn = 0;
  let asked = 0;
  const delegation = () => ((asked += 1) === 1 ? here : there).delegate({ agent: DELEGATE });
  const child = await connectDelegated({ key: await loadAgentKey(first.delegateKeyFile), delegation });
  await expect(child.call("echo")).rejects.toMatchObject({ code: "wish_impossible", message: expect.stringContaining("another broker") });
  expect(asked).toBe(2);
  await Promise.all([child.close(), here.close(), there.close()]);
});

test("a session that is ended is revoked at the broker, with those it replaced, and serves no more calls", async () => {
  const broker = await startBroker([echo]);
  broker.expiresIn = 300;
  const line = await open(broker);
  broker.surface.expire(broker.tokens[0] ?? "");
  await line.call("echo");
  await line.end();
  expect(broker.revoked).toEqual(broker.tokens);
  expect(broker.tokens).toHaveLength(2);
  await expect(line.call("echo")).rejects.toMatchObject({ code: "session_ended" });
  await line.end();
  expect(broker.revoked).toHaveLength(2);
});

test("an end that the broker does not confirm is said", async () => {
  const broker = await startBroker([echo]);
  const line = await open(broker);
  await broker.stop();
  await expect(line.end()).rejects.toMatchObject({
    code: "end_unconfirmed",
    message: expect.stringContaining("bailiwick sessions revoke"),
  });
});
