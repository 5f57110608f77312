import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { timelineSchema } from "../../src/rest-contract/schemas.ts";
import { type Ask, openRestHouse, recordCall, type RestHouse, SUPPORT_BOT } from "../people-support/rest.ts";

const HELPER = "bailiwick://acme/prod/support/helper-bot";
let house: RestHouse;
let lena: Ask;

beforeAll(async () => {
  house = await openRestHouse();
  lena = await house.as("lena");
  const child = { agent: HELPER, session: "ses_child", run: "ses_root", lineage: ["ses_root"] };
  const root = { session: "ses_root", run: "ses_root" };
  const opened = async (body: { readonly session: string; readonly agent?: string }): Promise<unknown> =>
    house.store.log.append("acme", {
      kind: "admin",
      callId: body.session,
      body: { at: new Date().toISOString(), event: "session.create", by: body.agent ?? SUPPORT_BOT, agent: SUPPORT_BOT, ...body },
      people: { user: "ana" },
    });
  await opened({ session: "ses_root" });
  await recordCall(house, "call_other", "intent", { session: "ses_9", run: "ses_9" });
  await recordCall(house, "call_1", "lookup", root);
  await recordCall(house, "call_1", "hold", { ...root, verdict: "ask", approval: "apr_1" });
  await house.store.log.append("acme", {
    kind: "admin",
    callId: "call_1",
    body: { at: new Date().toISOString(), event: "approval.approve", approval: "apr_1", session: "ses_root" },
    people: { user: "ana", by: "lena" },
  });
  await opened({ ...child });
  await recordCall(house, "call_2", "refusal", { ...child, verdict: "deny", code: "no_grant" });
  await recordCall(house, "call_3", "intent", { ...root, approval: "apr_1" });
  await recordCall(house, "call_3", "outcome", { ...root, status: "succeeded", durationMs: 41 });
  await recordCall(house, "call_4", "intent", child);
});
afterAll(async () => {
  await house.close();
});

async function timeline(query = "", ask = lena): Promise<z.output<typeof timelineSchema>> {
  return timelineSchema.parse(await (await ask("GET", `/api/v1/runs/ses_root/timeline${query}`)).json());
}

test("a run is told in order: its sessions, lookups, holds, answers, refusals and calls with their ends, delegates at their depth", async () => {
  const { tenant, steps, earlier } = await timeline();
  expect([tenant, earlier]).toEqual(["acme", undefined]);
  expect(
    steps.map(({ kind, callId, depth, verdict, status, code, durationMs }) => [kind, callId, depth, verdict, status, code, durationMs]),
  ).toEqual([
    ["session", "ses_root", 0, undefined, undefined, undefined, undefined],
    ["lookup", "call_1", 0, "allow", undefined, undefined, undefined],
    ["hold", "call_1", 0, "ask", "held", undefined, undefined],
    ["answer", "call_1", 0, undefined, undefined, undefined, undefined],
    ["session", "ses_child", 1, undefined, undefined, undefined, undefined],
    ["refusal", "call_2", 1, "deny", "refused", "no_grant", undefined],
    ["call", "call_3", 0, "allow", "succeeded", undefined, 41],
    ["call", "call_4", 1, "allow", "running", undefined, undefined],
  ]);
  expect(steps.find(({ kind }) => kind === "answer")).toMatchObject({ event: "approval.approve", by: "lena", approval: "apr_1" });
});

test("the pages of a long run together hold each of its steps once", async () => {
  const whole = await timeline();
  for (const limit of [1, 2, 3]) {
    const indexes: number[] = [];
    let before: number | undefined;
    for (let pages = 0; pages < 12; pages += 1) {
      const page = await timeline(`?limit=${limit}${before === undefined ? "" : `&before=${before}`}`);
      indexes.unshift(...page.steps.map(({ index }) => index));
      if (page.earlier === undefined) break;
      before = page.earlier;
    }
    expect(
      indexes.toSorted((a, b) => a - b),
      `${limit} a page`,
    ).toEqual(expect.arrayContaining(whole.steps.map(({ index }) => index)));
    expect(new Set(indexes).size).toBe(indexes.length);
  }
});

test("another tenant's run, and one that never was, are not there", async () => {
  const greta = await house.as("greta");
  expect((await greta("GET", "/api/v1/runs/ses_root/timeline")).status).toBe(404);
  expect((await greta("GET", "/api/v1/runs/ses_root/timeline?tenant=acme")).status).toBe(403);
  expect((await lena("GET", "/api/v1/runs/ses_nowhere/timeline")).status).toBe(404);
  expect((await lena("GET", "/api/v1/runs/ses_root/timeline?before=x")).status).toBe(400);
});

test("an earlier part of another tenant's run is not an empty one of the first tenant's", async () => {
  await house.store.log.append("globex", {
    kind: "refusal",
    callId: "call_globex",
    body: { at: new Date().toISOString(), agent: SUPPORT_BOT, session: "ses_globex", run: "ses_globex", verdict: "deny" },
  });
  const asked = await house.operator("GET", "/api/v1/runs/ses_globex/timeline?before=9007199254740991");
  expect(await asked.json()).toMatchObject({ tenant: "globex", steps: [{ callId: "call_globex" }] });
  expect((await lena("GET", "/api/v1/runs/ses_nowhere/timeline?before=5")).status).toBe(404);
  expect((await timeline("?before=1")).steps, "of a run that is there").toEqual([]);
});

test("reading a run is recorded as a read of the log", async () => {
  await timeline("?limit=7");
  const [read] = await house.store.log.query("acme", { kind: "admin", limit: 1 });
  expect(read?.text).toContain('"event":"log.read"');
});
