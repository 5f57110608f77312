import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import type { AgentConnection } from "../src/index.ts";
import { connect, connectDelegated, getSessionToken, loadAgentKey } from "../src/index.ts";
import { broken, denied, echo, lost, readme, text, transfer } from "../../broker/test/mcp/support/operations.ts";
import type { TestBroker } from "./support/broker.ts";
import { AGENT, DELEGATE, startBroker } from "./support/broker.ts";

async function open(broker: TestBroker): Promise<AgentConnection> {
  return connect({
    url: broker.url,
    key: await loadAgentKey(broker.keyFile),
    user: "ada",
    task: "T-1",
    data: { ticket: "T-1" },
    scope: ["memory:read", "memory:write"],
  });
}

test("the session request proves the key and says who it is for", async () => {
  const broker = await startBroker([]);
  const key = await loadAgentKey(broker.keyFile);
  expect(key).toMatchObject({ agent: AGENT, kid: expect.stringMatching(/^[\w-]{43}$/) });
  const token = await getSessionToken({
    url: `${broker.url}/`,
    key,
    user: "ada",
    task: "T-1",
    data: { ticket: "T-1" },
    scope: ["a:b", "c:*"],
  });
  expect(token).toEqual({ accessToken: broker.tokens[0], expiresInMs: 300_000, run: expect.stringMatching(/^ses_/) });
  expect(Object.fromEntries(broker.granted[0] ?? [])).toMatchObject({
    grant_type: "client_credentials",
    user: "ada",
    task: "T-1",
    data: '{"ticket":"T-1"}',
    scope: "a:b c:*",
  });
});

test("a connection is one run over all sessions that renew it, another one is another run, and who names a run gets it", async () => {
  const broker = await startBroker([echo]);
  broker.expiresIn = 0;
  const line = await open(broker);
  await line.call("echo");
  await line.call("echo");
  expect(broker.granted).toHaveLength(3);
  const names = broker.granted.map((form) => form.get("run"));
  expect(names).toEqual(names.map(() => line.run));
  expect(line.run).toMatch(/^run_[\w-]{16,64}$/u);
  const other = await open(broker);
  expect(other.run).not.toBe(line.run);
  await Promise.all([line.close(), other.close()]);
  const named = await connect({
    url: broker.url,
    key: await loadAgentKey(broker.keyFile),
    user: "ada",
    task: "T-1",
    run: "run_0123456789abcdef",
  });
  expect([named.run, broker.granted.at(-1)?.get("run")]).toEqual(["run_0123456789abcdef", "run_0123456789abcdef"]);
  await named.close();
});

test("a delegate's calls belong to its delegator's run, which it does not name itself", async () => {
  const broker = await startBroker([echo]);
  const line = await open(broker);
  const key = await loadAgentKey(broker.delegateKeyFile);
  const below = await connectDelegated({ key, delegation: await line.delegate({ agent: DELEGATE }) });
  expect(below.run).toBe(line.run);
  expect(broker.granted.at(-1)?.get("run")).toBeNull();
  await Promise.all([line.close(), below.close()]);
});

test("a key that is not the registered one is refused with the broker's words", async () => {
  const broker = await startBroker([]);
  const other = await startBroker([]);
  await expect(connect({ url: broker.url, key: await loadAgentKey(other.keyFile), user: "ada", task: "T-1" })).rejects.toThrow(
    "invalid_client: the assertion does not verify",
  );
});

test("a file that is no key says how to make one, and nothing of its content", async () => {
  const broker = await startBroker([]);
  await writeFile(broker.keyFile, '{"d":"secret-part","agent":"x"}');
  await expect(loadAgentKey(broker.keyFile)).rejects.toThrow(/is no agent key; make one with/);
  await expect(loadAgentKey(broker.keyFile)).rejects.not.toThrow(/secret-part/);
  await expect(loadAgentKey(`${broker.keyFile}.no`)).rejects.toThrow(/cannot read the agent key/);
});

test("every kind of outcome is told apart", async () => {
  const broker = await startBroker([echo, denied, lost, broken, transfer, readme]);
  const line = await open(broker);
  expect(await line.call("echo", { a: "ä" }, { reason: "to see" })).toMatchObject({
    kind: "result",
    isError: false,
    text: 'echo {"a":"ä"}',
  });
  expect(broker.surface.seen[0]?.statedReason).toBe("to see");
  expect(await line.call("drop_table")).toMatchObject({
    kind: "refused",
    code: "denied_by_rule",
    message: "dropping tables is denied (denied_by_rule)",
    callId: "call_7",
    rules: [{ file: "policies/base.cedar", line: 12 }],
    next: [{ kind: "use_instead" }],
  });
  expect(await line.call("lose")).toMatchObject({ kind: "unknown", callId: expect.stringMatching(/^call_/) });
  expect(await line.call("break")).toEqual({ kind: "toolError", code: -32099, message: "it broke", data: { part: "spring" } });
  expect(await line.call("transfer", { to: "bob" })).toMatchObject({
    kind: "pending",
    ticket: broker.surface.tickets[0],
    approvalUrl: expect.stringContaining("/approvals/"),
  });
  expect(await line.readResource("memo://readme")).toMatchObject({ kind: "result", text: "read me" });
  expect(await line.readResource("memo://no")).toMatchObject({ kind: "refused", code: "tool_unknown" });
  await line.close();
});

test("the tools are listed with the broker's own", async () => {
  const broker = await startBroker([echo]);
  const line = await open(broker);
  expect((await line.listTools()).map((tool) => tool["name"])).toEqual(["echo", "approval_wait"]);
  await line.close();
});

test("waiting for an approval takes as many requests as the person takes time", async () => {
  const broker = await startBroker([transfer]);
  const line = await open(broker);
  const pending = await line.call("transfer", { to: "bob" });
  if (pending.kind !== "pending") throw new Error("not pending");
  const waiting = line.waitForApproval(pending.ticket);
  while (broker.surface.seen.length < 3) await new Promise((resolve) => setImmediate(resolve));
  broker.surface.answer(pending.ticket, "approved");
  expect(await waiting).toMatchObject({ kind: "result", body: text('transferred {"to":"bob"}') });
  expect(await line.waitForApproval(pending.ticket)).toMatchObject({ kind: "refused", code: "approval_used" });
  await line.close();
});

test("waiting stops when the caller says so", async () => {
  const broker = await startBroker([transfer], { leaseMs: 60_000 });
  const line = await open(broker);
  const pending = await line.call("transfer", {});
  if (pending.kind !== "pending") throw new Error("not pending");
  const controller = new AbortController();
  const waiting = line.waitForApproval(pending.ticket, { signal: controller.signal });
  while (broker.surface.seen.length < 2) await new Promise((resolve) => setImmediate(resolve));
  controller.abort();
  await expect(waiting).rejects.toThrow(/abort/i);
  await line.close();
});

test("a token is renewed before it ends, and once more when the broker refuses it", async () => {
  const broker = await startBroker([echo]);
  broker.expiresIn = 0;
  const line = await open(broker);
  await line.call("echo");
  expect(broker.tokens).toHaveLength(2);
  broker.expiresIn = 300;
  await line.call("echo");
  expect(broker.tokens).toHaveLength(3);
  broker.surface.expire(broker.tokens[2] ?? "");
  expect(await line.call("echo")).toMatchObject({ kind: "result" });
  expect(broker.tokens).toHaveLength(4);
  await line.close();
});

test("many calls refused for one ended token share its renewal", async () => {
  const broker = await startBroker([echo]);
  const line = await open(broker);
  broker.surface.expire(broker.tokens[0] ?? "");
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => line.call("echo")));
  expect(outcomes.every(({ kind }) => kind === "result")).toBe(true);
  expect(broker.tokens).toHaveLength(2);
  await line.close();
});

test("arguments are mirrored into headers for tools that ask for it, also when their schema is learnt late", async () => {
  const mirrored = {
    ...echo,
    entry: { name: "echo", inputSchema: { type: "object", properties: { region: { type: "string", "x-mcp-header": "Region" } } } },
  };
  const broker = await startBroker([mirrored]);
  const first = await open(broker);
  await first.listTools();
  const second = await open(broker);
  expect(await second.call("echo", { region: "eü" })).toMatchObject({ kind: "result" });
  await first.close();
  await second.close();
});

test("a broker that is down is an error, a connection that breaks after sending is an unknown outcome", async () => {
  let cut = (): void => {};
  const breaking = {
    ...echo,
    run: async () => {
      cut();
      return text("never read");
    },
  };
  const broker = await startBroker([breaking]);
  cut = broker.cut;
  const line = await open(broker);
  expect(await line.call("echo")).toMatchObject({ kind: "unknown", message: expect.stringContaining("may have taken effect") });
  expect(broker.surface.seen).toHaveLength(1);
  await broker.stop();
  await expect(line.call("echo")).rejects.toThrow(/cannot be reached/);
  await line.close();
});
