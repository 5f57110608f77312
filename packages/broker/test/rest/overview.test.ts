import { afterAll, beforeAll, expect, test } from "vitest";
import type { z } from "zod";
import { callPathSchema } from "../../src/rest-contract/call-path.ts";
import { overviewSchema } from "../../src/rest-contract/overview.ts";
import { type Ask, openRestHouse, recordCall, type RestHouse, SUPPORT_BOT } from "../people-support/rest.ts";
import { saidBy } from "../support/said.ts";

let house: RestHouse;
let lena: Ask;
let greta: Ask;

beforeAll(async () => {
  house = await openRestHouse();
  [lena, greta] = await Promise.all([house.as("lena"), house.as("greta")]);
  await recordCall(house, "call_ran", "intent", { limits: 1 }, { args: { id: "T-SECRET" } });
  await recordCall(house, "call_ran", "outcome", { status: "succeeded", durationMs: 41 });
  await recordCall(house, "call_no", "refusal", {
    verdict: "deny",
    code: "no_grant",
    action: "tickets:delete",
    rules: [{ kind: "deny", id: "never", file: "denies.yaml", line: 2 }],
  });
  await recordCall(house, "call_held", "hold", {
    verdict: "ask",
    approval: "apr_1",
    approvers: ["support-lead"],
    action: "tickets:update",
  });
});
afterAll(async () => {
  await house.close();
});

async function overview(ask: Ask, query = ""): Promise<z.output<typeof overviewSchema>> {
  const answer = await ask("GET", `/api/v1/overview${query}`);
  expect(answer.status).toBe(200);
  return overviewSchema.parse(await answer.json());
}

async function codeOf(answer: Response): Promise<unknown> {
  return ((await answer.json()) as { readonly code?: unknown }).code;
}

async function reads(): Promise<number> {
  const records = await house.store.log.query("acme", { kind: "admin", limit: 1_000 });
  return records.filter((record) => saidBy(record)["event"] === "log.read").length;
}

test("today's calls are counted by how they came out, with the rules, actions and agents of the week", async () => {
  const seen = await overview(lena);
  expect(seen).toMatchObject({
    tenants: ["acme"],
    complete: true,
    today: { calls: 3, ran: 1, refused: 1, held: 1, unknown: 0 },
    refusedRules: [{ rule: "never", refused: 1 }],
    refusedActions: [{ action: "tickets:delete", refused: 1, calls: 1 }],
    codes: [{ code: "no_grant", count: 1 }],
    agents: [{ agent: SUPPORT_BOT, calls: 3 }],
  });
  expect(seen.hours).toHaveLength(168);
  expect(seen.kpis.map(({ id }) => id)).toEqual([
    "shared_credentials",
    "least_privilege_coverage",
    "high_risk_approval",
    "policy_violation_rate",
    "time_to_detect",
    "stale_permissions",
  ]);
});

test("a figure either has a value or says why it has none", async () => {
  for (const { id, value, notMeasured, means } of (await overview(lena)).kpis) {
    expect([value === undefined, notMeasured === undefined].filter(Boolean), id).toHaveLength(1);
    expect(means).not.toBe("");
  }
});

test("a look at the figures is no read of the log: it shows neither a record nor a person", async () => {
  const before = await reads();
  const answer = await (await lena("GET", "/api/v1/overview")).text();
  expect(await reads()).toBe(before);
  for (const hidden of ["ana", "T-17", "T-SECRET", "call_ran"]) expect(answer).not.toContain(hidden);
});

test("another tenant's calls are not in the figures, nor can they be asked for", async () => {
  expect((await overview(greta)).today.calls).toBe(0);
  const refused = await greta("GET", "/api/v1/overview?tenant=acme");
  expect([refused.status, await codeOf(refused)]).toEqual([403, "wrong_tenant"]);
  expect((await overview(await house.as("olaf"))).tenants).toEqual(["acme", "globex"]);
});

test("whoever is not signed in sees no figures and no path", async () => {
  for (const path of ["/overview", "/calls/call_ran/path"]) {
    const answer = await house.anyone("GET", `/api/v1${path}`);
    expect([answer.status, await codeOf(answer)], path).toEqual([401, "unauthenticated"]);
  }
});

test("a request that is not well formed is refused with the member at fault", async () => {
  for (const [path, member] of [
    ["/overview?since=7d", "query"],
    ["/overview?tenant=", "query.tenant"],
    ["/calls/call_ran/path?limit=1", "query"],
    [`/calls/${"x".repeat(300)}/path`, "path.callId"],
  ] as const) {
    const answer = await lena("GET", `/api/v1${path}`);
    const body = (await answer.json()) as { readonly code: string; readonly detail: string };
    expect([answer.status, body.code], path).toEqual([400, "malformed_request"]);
    expect(body.detail).toContain(member);
  }
});

test("nobody is told less than was recorded before they asked, however many ask at once", async () => {
  const before = await overview(lena);
  for (let more = 1; more <= 5; more += 1) {
    // Those that are under way began before the record.
    const early = [overview(lena), overview(lena)];
    await recordCall(house, `call_more_${more}`, "intent");
    const late = await Promise.all([overview(lena), overview(lena), overview(lena)]);
    expect(late.map(({ today }) => today.ran)).toEqual([1, 1, 1].map(() => before.today.ran + more));
    await Promise.all(early);
  }
});

async function path(ask: Ask, callId: string): Promise<z.output<typeof callPathSchema>> {
  return callPathSchema.parse(await (await ask("GET", `/api/v1/calls/${callId}/path`)).json());
}

test("a call's path tells its steps up to where it stands", async () => {
  const { tenant, steps } = await path(lena, "call_held");
  expect(tenant).toBe("acme");
  expect(steps.find(({ step }) => step === "approve")).toMatchObject({ state: "waiting", says: "waits for support-lead (apr_1)" });
  expect(steps.find(({ step }) => step === "intend")?.state).toBe("not_reached");
  const stopped = (await path(lena, "call_no")).steps.find(({ step }) => step === "decide");
  expect(stopped).toMatchObject({ state: "stopped", rules: [{ id: "never", at: { file: "denies.yaml", line: 2 } }] });
});

test("a path shows nothing of what lies sealed beside the records", async () => {
  expect(await (await lena("GET", "/api/v1/calls/call_ran/path")).text()).not.toContain("T-SECRET");
});

test("another tenant's call and one that never was have no path", async () => {
  for (const [ask, callId] of [
    [greta, "call_ran"],
    [lena, "call_nowhere"],
  ] as const) {
    const answer = await ask("GET", `/api/v1/calls/${callId}/path`);
    expect([answer.status, await codeOf(answer)]).toEqual([404, "not_found"]);
  }
});

test("looking at a path is one read of that call, however often a page asks again", async () => {
  house.setNow(new Date(Date.now() + 20 * 60_000));
  const before = await reads();
  for (let times = 0; times < 3; times += 1) await path(lena, "call_held");
  expect(await reads()).toBe(before + 1);
  const [read] = await house.store.log.query("acme", { kind: "admin", limit: 1 });
  expect(read === undefined ? {} : saidBy(read)).toMatchObject({ event: "log.read", read: "path", of: "call_held" });
});
