import { generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { onServer } from "../support/server-statement.ts";
import { saidBy } from "../support/said.ts";
import { type Ask, liveSession, openRestHouse, recordCall, type RestHouse, SUPPORT_BOT } from "../people-support/rest.ts";

const calls = z.object({
  calls: z.array(z.looseObject({ callId: z.string(), status: z.string(), verdict: z.string().optional(), code: z.string().optional() })),
  next: z.int().optional(),
});
const problem = z.object({ code: z.string() });
const explanation = z.object({ erased: z.boolean(), summary: z.string() });

let house: RestHouse;
let lena: Ask;
let greta: Ask;
beforeAll(async () => {
  house = await openRestHouse();
  lena = await house.as("lena");
  greta = await house.as("greta");
  await recordCall(
    house,
    "call_a",
    "intent",
    {},
    {
      operation: { tool: "tickets", kind: "tool", name: "get_ticket" },
      args: { id: "T-1" },
      data: {},
      scope: ["tickets:*"],
      user: "ana",
      task: "T-17",
      rows: [],
    },
  );
  await recordCall(house, "call_a", "outcome", { status: "done", durationMs: 12 });
  await recordCall(house, "call_b", "refusal", { verdict: "deny", code: "no_grant", rules: [] });
  await recordCall(house, "call_c", "hold", { verdict: "ask", approval: "apr_1" });
  await recordCall(house, "call_d", "intent");
  const approved = { people: { user: "ana", approvedBy: "lena" }, resource: { type: "Ticket", id: "T-9" } };
  await recordCall(house, "call_e", "intent", { action: "tickets:read" }, undefined, approved);
  await recordCall(house, "call_e", "outcome", { status: "failed", code: "tool_failed" });
});
afterAll(async () => {
  await house.close();
});

async function listed(query: string): Promise<string[]> {
  return calls.parse(await (await lena("GET", `/api/v1/calls${query}`)).json()).calls.map((call) => call.callId);
}

function publicJwk(): Record<string, unknown> {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" });
}

test("calls come newest first, each once, with what became of it", async () => {
  const body = calls.parse(await (await lena("GET", "/api/v1/calls")).json());
  expect(body.calls.map((call) => [call.callId, call.verdict, call.status, call.code])).toEqual([
    ["call_e", "allow", "failed", "tool_failed"],
    ["call_d", "allow", "running", undefined],
    ["call_c", "ask", "held", undefined],
    ["call_b", "deny", "refused", "no_grant"],
    ["call_a", "allow", "done", undefined],
  ]);
});

test.each([
  ["?verdict=deny", ["call_b"]],
  ["?code=no_grant", ["call_b"]],
  ["?status=done", ["call_a"]],
  ["?agent=somebody", []],
  ["?tool=tickets&limit=1", ["call_e"]],
  ["?user=ana&status=held", ["call_c"]],
  ["?user=nobody", []],
  ["?run=ses_1&verdict=ask", ["call_c"]],
  ["?run=ses_2", []],
  ["?task=T-17&status=running", ["call_d"]],
  ["?resource=Ticket/T-9", ["call_e"]],
  ["?resource=Mail/T-9", []],
  ["?approver=lena", ["call_e"]],
  ["?approver=lena&status=failed", ["call_e"]],
  ["?approver=lena&status=succeeded", []],
  ["?rule=support-1&verdict=allow&action=tickets:read", ["call_e", "call_d", "call_a"]],
  ["?rule=none", []],
  ["?since=1h&code=no_grant", ["call_b"]],
  ["?to=2020-01-01T00:00:00Z", []],
  ["?from=2020-01-01T00:00:00Z&limit=1", ["call_e"]],
])("calls can be filtered by %s", async (query, expected) => {
  expect(await listed(query)).toEqual(expected);
});

test("paging through calls shows each exactly once", async () => {
  const seen: string[] = [];
  let cursor: number | undefined;
  for (let page = 0; page < 10; page += 1) {
    const body = calls.parse(await (await lena("GET", `/api/v1/calls?limit=1${cursor === undefined ? "" : `&before=${cursor}`}`)).json());
    seen.push(...body.calls.map((call) => call.callId));
    if (body.next === undefined) break;
    cursor = body.next;
  }
  expect(seen).toEqual(["call_e", "call_d", "call_c", "call_b", "call_a"]);
});

test("one call comes with its records in order, its rules and the facts kept beside", async () => {
  const body = await (await lena("GET", "/api/v1/calls/call_a")).json();
  expect(body).toMatchObject({
    callId: "call_a",
    status: "done",
    durationMs: 12,
    records: [{ kind: "intent" }, { kind: "outcome" }],
    rules: [{ kind: "grant", id: "support-1", at: { file: "roles/support.yaml", line: 4 } }],
    facts: { args: { id: "T-1" } },
  });
});

test("a call is explained by the policy in force, with file and line", async () => {
  const body = z
    .looseObject({ summary: z.string(), rules: z.array(z.looseObject({ at: z.object({ file: z.string(), line: z.int() }) })) })
    .parse(await (await lena("GET", "/api/v1/calls/call_a/explanation")).json());
  expect(body.rules[0]?.at.file).toBe("roles/support.yaml");
  expect(body.summary).not.toBe("");
});

test("a call without facts is explained by what its record says", async () => {
  expect(await (await lena("GET", "/api/v1/calls/call_b/explanation")).json()).toMatchObject({
    callId: "call_b",
    summary: expect.stringContaining("no_grant"),
  });
});

test("a call whose facts were erased is explained by what its record still says", async () => {
  const facts = {
    operation: { tool: "tickets", kind: "tool", name: "get_ticket" },
    args: {},
    data: {},
    scope: [],
    user: "gone",
    task: "T-1",
    rows: [],
  };
  await recordCall(house, "call_erased", "refusal", { verdict: "deny", code: "no_grant" }, facts, { people: { user: "gone" } });
  const read = async (): Promise<unknown> => (await lena("GET", "/api/v1/calls/call_erased/explanation")).json();
  expect(explanation.parse(await read()).erased).toBe(false);
  await onServer(
    house.databaseUrl,
    "delete from bailiwick.record_facts where index = (select index from bailiwick.records where call_id = 'call_erased')",
  );
  expect(explanation.parse(await read())).toEqual({ erased: true, summary: "the call was refused with `no_grant`" });
});

test.each([
  "resource=Ticket",
  "resource=/T-1",
  "from=yesterday",
  "since=2",
  "since=0h",
  "since=1h&from=2026-01-01T00:00:00Z",
  "verdict=maybe",
  "limit=0",
  "limit=201",
  "before=0",
  "rule=a%00b",
])("calls are not looked for by `%s`", async (query) => {
  expect((await lena("GET", `/api/v1/calls?${query}`)).status).toBe(400);
});

test("a position needs a tenant, and without one it is said whose log holds more", async () => {
  const olaf = await house.as("olaf");
  expect((await olaf("GET", "/api/v1/calls?before=3")).status).toBe(400);
  expect(await (await olaf("GET", "/api/v1/calls?limit=1")).json()).toMatchObject({ calls: [expect.anything()], more: ["acme"] });
});

test("who follows a log begins at its end, and is told of each call once as it ends", async () => {
  const ended = z.object({ tenant: z.string(), calls: z.array(z.looseObject({ callId: z.string(), status: z.string() })), next: z.int() });
  const look = async (query: string): Promise<z.output<typeof ended>> =>
    ended.parse(await (await lena("GET", `/api/v1/audit/ended${query}`)).json());
  const start = await look("");
  expect(start.calls).toEqual([]);
  await recordCall(house, "call_f", "intent");
  await recordCall(house, "call_g", "refusal", { verdict: "deny", code: "no_grant" });
  const first = await look(`?from=${start.next}`);
  expect(first.calls).toMatchObject([{ callId: "call_g", status: "refused" }]);
  await recordCall(house, "call_f", "outcome", { status: "succeeded" });
  expect((await look(`?from=${first.next}`)).calls).toMatchObject([{ callId: "call_f", status: "succeeded" }]);
  expect((await look(`?from=${first.next}&code=no_grant`)).calls).toEqual([]);
  expect((await greta("GET", "/api/v1/audit/ended?tenant=acme")).status).toBe(403);
  expect((await lena("GET", "/api/v1/audit/ended?from=-1")).status).toBe(400);
});

test("another tenant's call is not there", async () => {
  for (const path of ["call_a", "call_a/explanation"]) expect((await greta("GET", `/api/v1/calls/${path}`)).status).toBe(404);
  expect(calls.parse(await (await greta("GET", "/api/v1/calls")).json()).calls).toEqual([]);
});

test("an operator revokes a session once; the record says who", async () => {
  const session = liveSession();
  await house.store.sessions.create(session);
  const olaf = await house.as("olaf");
  expect((await lena("POST", `/api/v1/sessions/${session.id}/revoke`, {})).status).toBe(403);
  expect((await greta("POST", `/api/v1/sessions/${session.id}/revoke`, {})).status).toBe(404);
  expect(await (await olaf("POST", `/api/v1/sessions/${session.id}/revoke`, {})).json()).toMatchObject({ id: session.id, live: false });
  expect((await house.store.sessions.find("acme", session.id))?.revokedAt).toBeInstanceOf(Date);
  const again = await olaf("POST", `/api/v1/sessions/${session.id}/revoke`, {});
  expect([again.status, problem.parse(await again.json()).code]).toEqual([409, "already_revoked"]);
  const records = await house.store.log.query("acme", { callId: session.id, limit: 5 });
  expect(records.map(saidBy)).toContainEqual(expect.objectContaining({ event: "session.revoke", by: "olaf" }));
});

test("the list of sessions leaves out ended ones unless asked", async () => {
  const session = liveSession({ revokedAt: undefined });
  await house.store.sessions.create(session);
  await house.store.sessions.revoke("acme", session.id, "test");
  const list = z.object({ sessions: z.array(z.object({ id: z.string(), live: z.boolean() })) });
  const live = list.parse(await (await lena("GET", "/api/v1/sessions")).json()).sessions;
  const all = list.parse(await (await lena("GET", "/api/v1/sessions?live=false")).json()).sessions;
  expect(live.map((each) => each.id)).not.toContain(session.id);
  expect(all.find((each) => each.id === session.id)?.live).toBe(false);
});

test("sessions delegated from one are listed on demand, and end with it", async () => {
  const root = liveSession();
  const child = liveSession({ lineage: [root.id], actors: [SUPPORT_BOT], grant: "token_exchange" });
  for (const session of [root, child, liveSession()]) await house.store.sessions.create(session);
  const list = z.object({ sessions: z.array(z.object({ id: z.string(), live: z.boolean() })) });
  const below = async (ask = lena): Promise<unknown> =>
    list.parse(await (await ask("GET", `/api/v1/sessions?live=false&delegatedFrom=${root.id}`)).json());
  expect(await below()).toMatchObject({ sessions: [{ id: child.id, live: true }] });
  expect(await below(greta)).toEqual({ sessions: [] });
  const revoked = await (await (await house.as("olaf"))("POST", `/api/v1/sessions/${root.id}/revoke`, {})).json();
  expect(revoked).toMatchObject({ ended: [root.id, child.id] });
  expect(await below()).toMatchObject({ sessions: [{ id: child.id, live: false }] });
});

test("a key belongs to one agent: a second agent's registration is refused, a private key is never taken", async () => {
  const jwk = publicJwk();
  expect((await house.operator("POST", "/api/v1/agents/keys", { agent: SUPPORT_BOT, publicJwk: jwk })).status).toBe(200);
  const shared = await house.operator("POST", "/api/v1/agents/keys", { agent: "bailiwick://acme/dev/support/support-bot", publicJwk: jwk });
  expect([shared.status, problem.parse(await shared.json()).code]).toEqual([409, "key_shared"]);
  const secret = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" });
  expect((await house.operator("POST", "/api/v1/agents/keys", { agent: SUPPORT_BOT, publicJwk: secret })).status).toBe(400);
  const offCurve = { ...publicJwk(), y: "AAAA" };
  expect((await house.operator("POST", "/api/v1/agents/keys", { agent: SUPPORT_BOT, publicJwk: offCurve })).status).toBe(400);
  expect((await greta("POST", "/api/v1/agents/keys", { agent: SUPPORT_BOT, publicJwk: publicJwk() })).status).toBe(404);
  const list = await (await lena("GET", "/api/v1/agents")).json();
  expect(JSON.stringify(list)).toContain(SUPPORT_BOT);
  expect(JSON.stringify(list)).not.toContain("globex");
});

test("a credential's value goes in and never comes out", async () => {
  const value = "correct horse battery staple";
  const body = { tenant: "acme", environment: "prod", workflow: "*", hosts: ["api.example"], value };
  const put = await house.operator("PUT", "/api/v1/credentials/helpdesk-api", body);
  const list = await lena("GET", "/api/v1/credentials");
  const texts = [await put.text(), await list.text(), ...(await house.store.log.read("acme", 0, 1_000)).map(({ text }) => text)];
  expect(texts[0]).toContain('"version":1');
  expect(texts[1]).toContain("helpdesk-api");
  expect(texts.join("")).not.toContain(value);
  expect((await house.store.credentials.open("helpdesk-api", { tenant: "acme", environment: "prod", workflow: "support" }))?.value).toBe(
    value,
  );
  expect((await greta("PUT", "/api/v1/credentials/helpdesk-api", body)).status).toBe(403);
  expect((await lena("PUT", "/api/v1/credentials/helpdesk-api", body)).status).toBe(403);
  expect((await house.operator("PUT", "/api/v1/credentials/..%2Fetc", body)).status).toBe(400);
});

test("the log verifies, and its records are readable in order", async () => {
  const verified = z
    .object({ ok: z.boolean(), logs: z.array(z.object({ tenant: z.string(), records: z.int() })) })
    .parse(await (await lena("GET", "/api/v1/audit/verify")).json());
  expect(verified.ok).toBe(true);
  expect(verified.logs.map((log) => log.tenant)).toEqual(["acme"]);
  const page = z
    .object({ records: z.array(z.object({ index: z.int() })) })
    .parse(await (await lena("GET", "/api/v1/audit/records?limit=3")).json());
  expect(page.records).toHaveLength(3);
  expect(page.records.map(({ index }) => index)).toEqual([0, 1, 2]);
});

test("a log that does not verify is said to be broken, with the record", async () => {
  const broken = await openRestHouse({
    verify: async () => ({
      ok: false,
      records: 3,
      checkpoints: 1,
      root: "",
      fault: { index: 2, until: 2, what: "its hash does not match" },
    }),
  });
  expect(await (await broken.operator("GET", "/api/v1/audit/verify?tenant=acme")).json()).toMatchObject({
    ok: false,
    logs: [{ fault: { index: 2 } }],
  });
  await broken.close();
});

test("status and policy name the version in force and only the person's tenants", async () => {
  expect(await (await lena("GET", "/api/v1/status")).json()).toMatchObject({
    tenants: ["acme"],
    policyVersion: expect.stringMatching(/^sha256:/u),
  });
  expect(await (await greta("GET", "/api/v1/policy")).json()).toMatchObject({ tenants: ["globex"], agents: 2 });
});

test("a name with a zero byte, which no database text can hold, is malformed and no failure of the store", async () => {
  const faults = house.faults.length;
  for (const path of ["/sessions?delegatedFrom=%00", "/calls?task=a%00b", "/approvals/a%00b"])
    expect((await house.operator("GET", `/api/v1${path}`)).status, path).toBe(400);
  expect((await house.operator("POST", "/api/v1/tasks/end", { tenant: "acme", task: "a\0b" })).status).toBe(400);
  expect(house.faults.length).toBe(faults);
});

test("a log that many ask to be verified at the same time is read by one check at a time", async () => {
  let [running, most] = [0, 0];
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const verify = async (): Promise<{ ok: true; records: number; checkpoints: number; root: string }> => {
    running += 1;
    most = Math.max(most, running);
    await begun;
    running -= 1;
    return { ok: true, records: 3, checkpoints: 1, root: "" };
  };
  const busy = await openRestHouse({ verify });
  const asked = Array.from({ length: 5 }, () => busy.operator("GET", "/api/v1/audit/verify?tenant=acme"));
  await expect.poll(() => running).toBe(1);
  begin();
  expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  expect((await busy.operator("GET", "/api/v1/audit/verify?tenant=acme")).status, "afterwards").toBe(200);
  expect(most).toBe(1);
  await busy.close();
});
