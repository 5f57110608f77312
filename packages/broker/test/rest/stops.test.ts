import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { liveSession, openRestHouse, SUPPORT_BOT, type Ask, type RestHouse } from "../people-support/rest.ts";
import { saidBy } from "../support/said.ts";

const stops = z.object({ stops: z.array(z.looseObject({ kind: z.string(), name: z.string(), tenant: z.string(), reason: z.string() })) });
const BODY = { kind: "agent", name: SUPPORT_BOT, reason: "odd mails" };

let house: RestHouse;
let olaf: Ask;
let lena: Ask;
let greta: Ask;
beforeAll(async () => {
  house = await openRestHouse();
  [olaf, lena, greta] = [await house.as("olaf"), await house.as("lena"), await house.as("greta")];
});
afterAll(() => house.close());
afterEach(async () => {
  for (const [kind, name, tenant] of [
    ["agent", SUPPORT_BOT, "acme"],
    ["workflow", "prod/support", "acme"],
    ["tenant", "acme", "acme"],
    ["everything", "*", "_system"],
  ] as const)
    await house.store.stops.lift(tenant, kind, name);
});

const listed = async (ask: Ask): Promise<readonly string[]> =>
  stops.parse(await (await ask("GET", "/api/v1/stops")).json()).stops.map(({ kind, name }) => `${kind} ${name}`);

describe("a stop", () => {
  test.each([
    [BODY, `agent ${SUPPORT_BOT}`],
    [{ kind: "workflow", name: "prod/support", tenant: "acme", reason: "r" }, "workflow prod/support"],
    [{ kind: "tenant", name: "acme", reason: "r" }, "tenant acme"],
  ])("of %o stands, is listed and is lifted", async (body, shown) => {
    expect((await olaf("POST", "/api/v1/stops", body)).status).toBe(200);
    expect(await listed(lena)).toContain(shown);
    expect((await olaf("POST", "/api/v1/stops/lift", body)).status).toBe(200);
    expect(await listed(lena)).not.toContain(shown);
    expect((await olaf("POST", "/api/v1/stops/lift", body)).status).toBe(404);
  });

  test("is recorded before and after: who, why, and which calls were under way", async () => {
    const session = liveSession();
    await house.store.sessions.create(session);
    const { agent, environment, workflow } = session;
    const body = { at: new Date().toISOString(), agent, environment, workflow, session: session.id, broker: "b" };
    await house.store.log.intend(
      "acme",
      { kind: "intent", callId: "call_open", body },
      { session: session.id, reservations: [], instead: () => ({ kind: "refusal", callId: "call_open", body }) },
    );
    const answer = await olaf("POST", "/api/v1/stops", BODY);
    expect(await answer.json()).toMatchObject({ kind: "agent", name: SUPPORT_BOT, by: "olaf", inFlight: ["call_open"] });
    const records = await house.store.log.query("acme", { kind: "admin", agent: SUPPORT_BOT, limit: 2 });
    expect(records.map((record): unknown => saidBy(record))).toMatchObject([
      { event: "stop.stands", inFlight: ["call_open"] },
      { event: "stop.put", by: "olaf", state: "suspended" },
    ]);
    expect(await house.store.log.facts("acme", records[1]?.callId ?? "")).toEqual({ reason: "odd mails" });
  });

  test("of everything takes someone who answers for every tenant", async () => {
    const everything = { kind: "everything", reason: "r" };
    expect((await greta("POST", "/api/v1/stops", everything)).status).toBe(403);
    expect((await house.operator("POST", "/api/v1/stops", everything)).status).toBe(200);
    expect(await listed(greta)).toContain("everything *");
    expect((await greta("POST", "/api/v1/stops/lift", everything)).status).toBe(403);
    expect((await house.operator("POST", "/api/v1/stops/lift", everything)).status).toBe(200);
  });

  test("retires an agent, and only an agent", async () => {
    expect((await olaf("POST", "/api/v1/stops", { kind: "workflow", name: "prod/support", reason: "r", state: "retired" })).status).toBe(
      400,
    );
  });
});

describe("who may not", () => {
  test("a person without an operating role", async () => {
    expect(await (await lena("POST", "/api/v1/stops", BODY)).json()).toMatchObject({ code: "role_required" });
    expect(await listed(lena)).toEqual([]);
  });

  test("nobody without sign-in", async () => {
    for (const [method, path] of [
      ["GET", "/api/v1/stops"],
      ["POST", "/api/v1/stops"],
      ["POST", "/api/v1/stops/lift"],
      ["GET", "/api/v1/kpis/identity"],
    ] as const)
      expect((await house.anyone(method, path, method === "GET" ? undefined : BODY)).status).toBe(401);
  });

  test("a person of another tenant neither stops nor lifts nor sees", async () => {
    expect((await olaf("POST", "/api/v1/stops", BODY)).status).toBe(200);
    expect((await greta("POST", "/api/v1/stops", BODY)).status).toBeGreaterThanOrEqual(403);
    expect((await greta("POST", "/api/v1/stops/lift", BODY)).status).toBeGreaterThanOrEqual(403);
    expect((await greta("POST", "/api/v1/stops", { kind: "tenant", name: "acme", reason: "r" })).status).toBe(403);
    expect(await listed(greta)).toEqual([]);
    expect((await greta("GET", "/api/v1/stops?tenant=acme")).status).toBe(403);
    expect((await greta("GET", "/api/v1/kpis/identity?tenant=acme")).status).toBe(403);
  });

  test.each([
    {},
    { ...BODY, kind: "planet" },
    { ...BODY, reason: "" },
    { ...BODY, reason: "two\nlines" },
    { ...BODY, more: 1 },
    { kind: "agent", reason: "r" },
    { kind: "agent", name: "bailiwick://acme/prod/support/nobody", reason: "r" },
    { kind: "workflow", name: "nowhere", tenant: "acme", reason: "r" },
    { kind: "tenant", reason: "r" },
    "[",
  ])("a malformed or unknown request %#", async (body) => {
    const { status } = await olaf("POST", "/api/v1/stops", body);
    expect([400, 404]).toContain(status);
    expect(await listed(lena)).toEqual([]);
  });
});

describe("a task", () => {
  test("that is over ends its sessions, and the record says which", async () => {
    const session = liveSession({ task: "T-over" });
    await house.store.sessions.create(session);
    const answer = await olaf("POST", "/api/v1/tasks/end", { tenant: "acme", task: "T-over" });
    expect(await answer.json()).toEqual({ task: "T-over", ended: [session.id] });
    const [record] = await house.store.log.query("acme", { task: "T-over", kind: "admin", limit: 1 });
    expect(saidBy(record)).toMatchObject({ event: "task.ended", by: "olaf", ended: [session.id] });
  });

  test("of another tenant is not ended, nor by somebody who may not", async () => {
    const session = liveSession({ task: "T-kept" });
    await house.store.sessions.create(session);
    expect((await greta("POST", "/api/v1/tasks/end", { tenant: "acme", task: "T-kept" })).status).toBe(403);
    expect(await (await greta("POST", "/api/v1/tasks/end", { task: "T-kept" })).json()).toMatchObject({ ended: [] });
    expect((await lena("POST", "/api/v1/tasks/end", { task: "T-kept" })).status).toBe(403);
    expect((await olaf("POST", "/api/v1/tasks/end", { task: "T-kept" })).status).toBe(400);
    expect((await house.store.sessions.find("acme", session.id))?.revokedAt).toBeUndefined();
  });
});
