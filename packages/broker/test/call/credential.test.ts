import type { JsonObject, Policy } from "@bailiwick/policy";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CallPorts } from "../../src/call/ports.ts";
import { testStore, type TestStore } from "../support/store.ts";
import { structured, testPolicy, world, type World } from "./support.ts";
import { saidBy } from "../support/said.ts";

let opened: TestStore;
const at = { tenant: "acme", environment: "prod", workflow: "helpdesk" };
const NAME = "tickets-key";

beforeAll(async () => {
  opened = await testStore();
  await opened.store.credentials.put(NAME, { ...at, hosts: [] }, "first-value-of-the-key");
});
afterAll(async () => opened.close());

function policy(): Policy {
  const loaded = testPolicy();
  const credential = { name: NAME, inject: { environment: "TICKETS_KEY" } } as const;
  return { ...loaded, tools: loaded.tools.map((tool) => ({ ...tool, credential })) };
}

async function worldWith(override: (ports: CallPorts) => CallPorts = (ports) => ports): Promise<World> {
  return world(opened.store, override, policy());
}

async function recordsOf(callId: string | undefined): Promise<readonly JsonObject[]> {
  const found = await opened.store.log.query("acme", { callId, limit: 10 });
  return found.map((record): JsonObject => saidBy(record)).toReversed();
}

test("the record of an intent holds the credential's name and version, and so does its outcome", async () => {
  const { call } = await worldWith();
  const answer = await call("ping");
  expect(answer.kind).toBe("result");
  const [intent, outcome] = (await recordsOf(answer.callId)).toSorted((a, b) => Number("status" in a) - Number("status" in b));
  expect(intent).toMatchObject({ credential: { name: NAME, version: 1 } });
  expect(outcome).toMatchObject({ status: "succeeded", credential: { name: NAME, version: 1 } });
});

test("a lookup the broker makes for itself names the credential it is made with", async () => {
  const { call } = await worldWith();
  const answer = await call("update_ticket", { id: "T-1", status: "closed" });
  const records = await opened.store.log.query("acme", { callId: answer.callId, kind: "lookup", limit: 1 });
  expect(records.map((record): unknown => saidBy(record))).toMatchObject([{ credential: { name: NAME, version: 1 } }]);
});

test("a call goes out with the version its intent names, though another was activated in between", async () => {
  const { call } = await worldWith((ports) => ({
    ...ports,
    log: {
      ...ports.log,
      intend: async (tenant, entry, options) => {
        const written = await ports.log.intend(tenant, entry, options);
        await opened.store.credentials.put(NAME, { ...at, hosts: [] }, "second-value-of-the-key");
        return written;
      },
    },
  }));
  const answer = await call("ping");
  const records = await recordsOf(answer.callId);
  expect(records.map((record) => record["credential"])).toEqual([
    { name: NAME, version: 1 },
    { name: NAME, version: 1 },
  ]);
});

test("a version revoked between intent and effect stops the call, and the outcome says that nothing was sent", async () => {
  const current = (await opened.store.credentials.open(NAME, at))?.version ?? 0;
  const { call, tool } = await worldWith((ports) => ({
    ...ports,
    log: {
      ...ports.log,
      intend: async (tenant, entry, options) => {
        const written = await ports.log.intend(tenant, entry, options);
        await opened.store.credentials.put(NAME, { ...at, hosts: [] }, "third-value-of-the-key");
        await opened.store.credentials.revoke({ ...at, name: NAME, version: current });
        return written;
      },
    },
  }));
  const answer = await call("ping");
  expect(answer).toMatchObject({ kind: "refused", code: "credential_unavailable" });
  expect(tool.effects).toEqual([]);
  expect(await recordsOf(answer.callId)).toEqual(expect.arrayContaining([expect.objectContaining({ status: "not_sent" })]));
});

test("attack: a tool that still knows the version before answers with it, plainly and encoded", async () => {
  const { call, tool } = await worldWith();
  await opened.store.credentials.put(NAME, { ...at, hosts: [] }, "fourth-value-of-the-key");
  const staged = await opened.store.credentials.stage(NAME, { ...at, hosts: [] }, "fifth-value-of-the-key");
  const forms = ["third", "fourth", "fifth"].flatMap((word) => {
    const value = `${word}-value-of-the-key`;
    return [
      value,
      Buffer.from(value).toString("base64"),
      Buffer.from(`user:${value}`).toString("base64"),
      Buffer.from(value).toString("hex"),
    ];
  });
  tool.answer = () => structured({ forms });
  const answer = await call("ping");
  const shown = JSON.stringify(answer);
  expect(answer.kind).toBe("result");
  for (const form of forms) expect(shown).not.toContain(form.replace(/=+$/u, ""));
  if (staged.ok) await opened.store.credentials.revoke(staged.info);
});

test("attack: another tool's credential is refused in an argument, and removed from a result of a tool that has none", async () => {
  const other = "value-of-another-tools-key";
  await opened.store.credentials.put("billing-key", { ...at, hosts: [] }, other);
  const { call, tool } = await world(opened.store);
  const sent = await call("update_ticket", { id: "T-1", status: Buffer.from(other).toString("base64") });
  expect(sent).toMatchObject({ kind: "refused", code: "argument_invalid" });
  expect(JSON.stringify(sent)).not.toContain("billing-key");
  expect(tool.effects).toEqual([]);
  tool.answer = () => structured({ note: `it is ${other}` });
  const shown = await call("ping");
  expect(shown.kind).toBe("result");
  expect(JSON.stringify(shown)).not.toContain(other);
});
