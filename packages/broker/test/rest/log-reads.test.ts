import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { Fault } from "../../src/domain/fault.ts";
import { type Ask, openRestHouse, type RestHouse, SUPPORT_BOT } from "../people-support/rest.ts";
import { namesInLog } from "../support/names-in-log.ts";
import { saidBy } from "../support/said.ts";

let house: RestHouse;
let lena: Ask;
let down = false;
let later = 0;

beforeAll(async () => {
  house = await openRestHouse();
  const { append } = house.ports.log;
  // The app keeps the ports it was given, so the fault is injected in the log itself.
  Object.assign(house.ports.log, {
    append: async (...given: Parameters<typeof append>) =>
      down ? Promise.reject(new Fault("log_unavailable", "the disk is full; free some space")) : append(...given),
  });
  const at = new Date().toISOString();
  const body = {
    at,
    agent: SUPPORT_BOT,
    environment: "prod",
    workflow: "support",
    session: "ses_1",
    run: "ses_1",
    tool: "tickets",
    verdict: "allow",
  };
  const people = { user: "ana" };
  await append("acme", { kind: "intent", callId: "call_1", body, people, facts: { args: { id: "T-1" } } });
  await append("acme", { kind: "outcome", callId: "call_1", body: { ...body, status: "succeeded" }, people });
});
beforeEach(async () => {
  down = false;
  // Each test looks at reads that nobody has made in its ten minutes.
  later += 60 * 60_000;
  house.setNow(new Date(Date.now() + later));
  lena = await house.as("lena");
});
afterAll(async () => {
  await house.close();
});

/** Bodies of the reads recorded since, oldest first. */
async function readsOf(work: () => Promise<void>, tenant = "acme"): Promise<readonly Record<string, unknown>[]> {
  const before = await reads(tenant);
  await work();
  return (await reads(tenant)).slice(before.length);
}

async function reads(tenant: string): Promise<readonly Record<string, unknown>[]> {
  const records = await house.store.log.query(tenant, { kind: "admin", limit: 1_000 });
  return records
    .toReversed()
    .map((record) => ({ ...saidBy(record), callId: record.callId }) as Record<string, unknown>)
    .filter(({ event }) => event === "log.read");
}

async function ok(ask: Ask, path: string): Promise<void> {
  expect((await ask("GET", `/api/v1${path}`)).status, path).toBe(200);
}

test.each<[string, string, Record<string, unknown>]>([
  ["the list of calls", "/calls", { read: "calls", found: 1 }],
  ["one call", "/calls/call_1", { read: "call", of: "call_1" }],
  ["an explanation", "/calls/call_1/explanation", { read: "explanation", of: "call_1" }],
  ["what happened in a run", "/runs/ses_1/timeline", { read: "run", of: "ses_1" }],
  ["a look at what ended since", "/audit/ended?from=0", { read: "ended", found: 1 }],
  ["records", "/audit/records?limit=2", { read: "records", found: 2 }],
  ["a verification", "/audit/verify", { read: "verify" }],
  ["a proof", "/audit/logs/acme/proofs/records/0", { read: "proof", of: "0" }],
])("%s is recorded with who read it and what", async (_, path, expected) => {
  const [read, ...more] = await readsOf(() => ok(lena, path));
  expect(more).toEqual([]);
  expect(read).toMatchObject({ event: "log.read", by: "lena", via: "login-link", ...expected });
});

test("entries are recorded as one export; hashes, checkpoints and keys, in which no record is, are not", async () => {
  await ok(lena, "/audit/logs/acme/proofs/records/0");
  const note = await (await lena("GET", "/api/v1/audit/logs/acme/checkpoint")).text();
  const size = z.coerce.number().int().min(2).max(255).parse(note.split("\n")[1]);
  expect(await readsOf(() => ok(lena, `/audit/logs/acme/tile/entries/000.p/${size}`))).toMatchObject([{ read: "entries", by: "lena" }]);
  for (const path of ["checkpoint", "checkpoints", "keys", "base", `tile/0/000.p/${size}`])
    expect(await readsOf(() => ok(lena, `/audit/logs/acme/${path}`)), path).toEqual([]);
});

test("the same read of the same person is one record in ten minutes, however often and at once it is asked", async () => {
  const many = await readsOf(async () => {
    await Promise.all(Array.from({ length: 20 }, async () => ok(lena, "/calls?tool=tickets")));
    house.setNow(new Date(house.now().getTime() + 10 * 60_000 - 1));
    await ok(lena, "/calls?tool=tickets");
  });
  expect(many).toHaveLength(1);
  house.setNow(new Date(house.now().getTime() + 1));
  expect(await readsOf(() => ok(lena, "/calls?tool=tickets"))).toHaveLength(1);
});

test("another person, another filter and another kind of read are records of their own; another page is not", async () => {
  const olaf = await house.as("olaf");
  const all = await readsOf(async () => {
    for (const path of [
      "/calls?status=done",
      "/calls?status=held",
      "/calls?status=held&limit=1",
      "/audit/records",
      "/audit/records?from=1",
    ])
      await ok(lena, path);
    await ok(olaf, "/calls?status=held&tenant=acme");
    await ok(house.operator, "/calls?status=held&tenant=acme");
  });
  expect(all.map(({ by, read }) => [by, read])).toEqual([
    ["lena", "calls"],
    ["lena", "calls"],
    ["lena", "records"],
    ["olaf", "calls"],
    ["operator", "calls"],
  ]);
});

test("the facts of a call are recorded each time they are read", async () => {
  const all = await readsOf(async () => {
    for (let times = 0; times < 3; times += 1) await ok(lena, "/calls/call_1");
  });
  expect(all).toHaveLength(3);
});

test("a filter's people are pseudonyms and its other values sealed facts", async () => {
  const [read] = await readsOf(() => ok(lena, "/calls?user=ana&task=Ms%20Doe%27s%20refund"));
  expect(read).toMatchObject({ user: "ana", by: "lena", filter: ["task", "user"], found: 0 });
  expect(await house.store.log.facts("acme", String(read?.["callId"]))).toEqual({ filter: { task: "Ms Doe's refund" } });
  expect(await namesInLog(house.store.log, "acme", ["lena", "ana", "Doe"])).toEqual([]);
});

test("what a saved search finds is a read; the name a person gave it is a sealed fact, and the list of names is none", async () => {
  const saved = await lena("POST", "/api/v1/searches", { name: "Ms Doe", filter: { tool: "tickets" } });
  expect(saved.status).toBe(200);
  expect(await readsOf(() => ok(lena, "/searches"))).toEqual([]);
  const [read] = await readsOf(() => ok(lena, "/searches/Ms%20Doe/calls"));
  expect(read).toMatchObject({ read: "calls", filter: ["search"], found: 1 });
  expect(await house.store.log.facts("acme", String(read?.["callId"]))).toEqual({ filter: { search: "Ms Doe" } });
});

test("a read over several tenants is recorded in each one's log, and only there", async () => {
  const olaf = await house.as("olaf");
  const inGlobex = await readsOf(async () => {
    expect(await readsOf(() => ok(olaf, "/calls?verdict=deny"))).toMatchObject([{ by: "olaf", found: 0 }]);
  }, "globex");
  expect(inGlobex).toMatchObject([{ by: "olaf", found: 0 }]);
  expect(await readsOf(() => ok(lena, "/calls?verdict=deny"), "globex")).toEqual([]);
});

test("what was refused or not found showed nothing and is no read", async () => {
  const greta = await house.as("greta");
  const all = await readsOf(async () => {
    expect((await greta("GET", "/api/v1/calls/call_1")).status).toBe(404);
    expect((await greta("GET", "/api/v1/audit/records?tenant=acme")).status).toBe(403);
    expect((await house.anyone("GET", "/api/v1/calls")).status).toBe(401);
    expect((await lena("GET", "/api/v1/calls?limit=x")).status).toBe(400);
  });
  expect(all).toEqual([]);
});

test("while the log cannot be written nobody reads it, and the read is recorded once it can", async () => {
  const path = "/calls?code=no_grant";
  for (const asked of [path, "/calls/call_1", "/audit/records?from=1", "/audit/logs/acme/proofs/records/1"]) {
    down = true;
    const answer = await lena("GET", `/api/v1${asked}`);
    expect([answer.status, z.object({ code: z.string() }).parse(await answer.json()).code], asked).toEqual([503, "log_unavailable"]);
  }
  down = false;
  expect(await readsOf(() => ok(lena, path))).toHaveLength(1);
});
