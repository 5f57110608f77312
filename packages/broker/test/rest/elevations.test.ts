import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Policy } from "@bailiwick/policy";
import { z } from "zod";
import { elevationDetailSchema, elevationSchema, elevationsSchema } from "../../src/rest-contract/elevations.ts";
import type { ElevationWish } from "../../src/domain/ask-elevation.ts";
import { askedByAgent, companyWithRefunds } from "../people-support/elevations.ts";
import { type Ask, openRestHouse, type RestHouse, SUPPORT_BOT } from "../people-support/rest.ts";
import { saidBy } from "../support/said.ts";

const problem = z.object({ code: z.string(), detail: z.string(), next: z.array(z.string()) });
const withRefunds = companyWithRefunds();

let house: RestHouse;
let policy: Policy = withRefunds;
let lena: Ask;
let ana: Ask;
let olaf: Ask;
let ines: Ask;
let greta: Ask;
let rudi: Ask;
beforeAll(async () => {
  house = await openRestHouse({ policy: () => policy });
  lena = await house.as("lena");
  ana = await house.as("ana");
  olaf = await house.as("olaf");
  ines = await house.as("ines");
  greta = await house.as("greta");
  rudi = await house.as("rudi");
});
afterAll(async () => {
  await house.close();
});
beforeEach(() => {
  policy = withRefunds;
});

/** Each question is about a task of its own, so that none is another's. */
let tasks = 0;
async function asked(wish: Partial<ElevationWish> = {}, under: Policy = policy): Promise<string> {
  tasks += 1;
  const outcome = await house.store.elevations.ask(askedByAgent(under, { task: `T-${tasks}`, ...wish }));
  if (!outcome.ok) throw new Error("too many questions wait");
  // Room for those to come: twenty of one agent may wait.
  return outcome.elevation.id;
}

async function said(who: Ask, id: string, what: string, body: unknown = {}): Promise<z.output<typeof elevationSchema>> {
  const response = await who("POST", `/api/v1/elevations/${id}/${what}`, body);
  if (response.status !== 200) throw new Error(await response.text());
  return elevationSchema.parse(await response.json());
}

async function refused(who: Ask, id: string, what: string, body: unknown = {}): Promise<[number, string]> {
  const response = await who("POST", `/api/v1/elevations/${id}/${what}`, body);
  return [response.status, problem.parse(await response.json()).code];
}

async function events(id: string): Promise<Record<string, unknown>[]> {
  const records = await house.store.log.query("acme", { callId: id, limit: 20 });
  return records.toSorted((a, b) => a.index - b.index).map((record) => z.record(z.string(), z.unknown()).parse(saidBy(record)));
}

test("who may answer sees what would be given, for how long, why, and that the words are the agent's", async () => {
  const id = await asked({ scope: ["billing:refund"], forMs: 90 * 60_000 });
  const seen = elevationDetailSchema.parse(await (await lena("GET", `/api/v1/elevations/${id}`)).json());
  expect(seen).toMatchObject({
    sentence: "agent `support-bot` of acme/prod gets `billing:refund` of the role `refunds` for 90 minutes, for one task",
    reason: "billing is down",
    askedBy: { kind: "agent", name: SUPPORT_BOT, user: "customer-1" },
    roleScopes: ["billing:refund", "billing:read"],
    state: "pending",
    mayAnswer: true,
    mayRevoke: false,
    eligible: true,
    uses: { calls: 0, more: false },
  });
  await said(lena, id, "deny", { reason: "seen enough" });
});

test("a yes gives the right from then on, is recorded with who gave it, and the agent's sessions have it", async () => {
  const id = await asked({ forMs: 30 * 60_000 });
  const before = Date.now();
  const active = await said(lena, id, "approve", { reason: "until billing is back" });
  expect(active).toMatchObject({
    state: "active",
    given: { scope: [] },
    answers: [{ by: "lena", minutes: 30, signed: false }],
    mayRevoke: true,
  });
  const until = new Date(active.given?.until ?? 0).getTime();
  expect(until - before).toBeGreaterThanOrEqual(30 * 60_000);
  expect(until - Date.now()).toBeLessThanOrEqual(30 * 60_000);
  expect(await events(id)).toMatchObject([
    { event: "elevation.approve", by: "lena", user: "customer-1", elevation: id, role: "refunds", minutes: 30, state: "active" },
  ]);
  expect(await house.store.log.facts("acme", id)).toMatchObject({ reason: "until billing is back" });
});

test("a yes may be to fewer scopes and less time", async () => {
  const id = await asked({ forMs: 4 * 3_600_000 });
  const active = await said(lena, id, "approve", { scope: ["billing:read"], minutes: 10 });
  expect(active.given?.scope).toEqual(["billing:read"]);
  expect(new Date(active.given?.until ?? 0).getTime() - Date.now()).toBeLessThanOrEqual(600_000);
});

test.each([
  ["more time", { minutes: 61 }],
  ["another scope", { scope: ["billing:read"] }],
  ["a whole tool", { scope: ["billing:*"] }],
  ["all of the role", { scope: [] }],
])("a yes to %s than was asked for is refused and gives nothing", async (_, body) => {
  const id = await asked({ scope: ["billing:refund"], forMs: 3_600_000 });
  expect(await refused(lena, id, "approve", body)).toEqual([409, "elevation_wider"]);
  expect((await house.store.elevations.find("acme", id))?.state).toBe("pending");
  await said(lena, id, "deny", { reason: "no" });
});

test("a whole role is narrowed to scopes of the role only", async () => {
  const id = await asked();
  expect(await refused(lena, id, "approve", { scope: ["tickets:update"] })).toEqual([409, "elevation_wider"]);
  await said(lena, id, "deny", { reason: "no" });
});

test("nobody gives what they asked for themselves, and another one may", async () => {
  const response = await lena("POST", "/api/v1/elevations", {
    agent: SUPPORT_BOT,
    role: "refunds",
    reason: "a rush of refunds",
    task: "T-rush",
    minutes: 60,
  });
  const own = elevationSchema.parse(await response.json());
  expect(own).toMatchObject({ state: "pending", askedBy: { kind: "person", name: "lena" }, mayAnswer: false });
  expect(await refused(lena, own.id, "approve")).toEqual([403, "separation_of_duties"]);
  expect(await said(ana, own.id, "approve")).toMatchObject({ state: "active" });
  expect((await events(own.id)).map(({ event, by }) => [event, by])).toEqual([
    ["elevation.ask", "lena"],
    ["elevation.approve", "ana"],
  ]);
});

test("the user that an agent asks for does not answer, by id or by address", async () => {
  for (const user of ["ana", "ANA@acme.example "]) {
    const id = await asked({ askedBy: { agent: SUPPORT_BOT, user, session: "ses_1" } });
    expect(await refused(ana, id, "approve")).toEqual([403, "separation_of_duties"]);
    await said(lena, id, "deny", { reason: "no" });
  }
});

test("the agent's owner does not answer, also where they hold the role that is asked, nor does the owner of an agent behind it", async () => {
  policy = ownedBy("lena");
  const id = await asked({}, policy);
  expect(await refused(lena, id, "approve")).toEqual([403, "separation_of_duties"]);
  await said(ana, id, "deny", { reason: "no" });
  policy = withRefunds;
  const behind = await asked({ actors: ["bailiwick://acme/dev/support/support-bot"] });
  const seen = elevationDetailSchema.parse(await (await ines("GET", `/api/v1/elevations/${behind}`)).json());
  expect(seen.mayNotBecause).toContain("owns the agent");
  await said(lena, behind, "deny", { reason: "no" });
});

test("who holds none of the roles does not answer; an auditor and the operator key do not either", async () => {
  const id = await asked();
  expect(await refused(olaf, id, "approve")).toEqual([403, "role_required"]);
  expect(await refused(rudi, id, "approve")).toEqual([403, "role_required"]);
  expect(await refused(house.operator, id, "approve")).toEqual([403, "person_required"]);
  await said(lena, id, "deny", { reason: "no" });
});

test("an elevation of another tenant does not exist for a person", async () => {
  const id = await asked();
  for (const what of ["approve", "deny", "revoke", "step-up"]) {
    const body = what === "deny" || what === "revoke" ? { reason: "x" } : {};
    expect(await refused(greta, id, what, body), what).toEqual([404, "not_found"]);
  }
  for (const path of [`/api/v1/elevations/${id}`, `/api/v1/elevations/${id}/receipts`]) expect((await greta("GET", path)).status).toBe(404);
  expect(elevationsSchema.parse(await (await greta("GET", "/api/v1/elevations")).json()).elevations).toEqual([]);
  expect((await greta("GET", "/api/v1/elevations?tenant=acme")).status).toBe(403);
  const foreign = await greta("POST", "/api/v1/elevations", { agent: SUPPORT_BOT, role: "refunds", reason: "x" });
  expect(problem.parse(await foreign.json()).code).toBe("not_found");
  expect(JSON.stringify(await (await greta("GET", "/api/v1/eligible-roles")).json())).not.toContain("acme");
  await said(lena, id, "deny", { reason: "no" });
});

test("what is asked for must be eligible, in the role, and no longer than the policy says", async () => {
  const ask = async (body: object): Promise<[number, string]> => {
    const response = await lena("POST", "/api/v1/elevations", { agent: SUPPORT_BOT, reason: "x", ...body });
    return [response.status, problem.parse(await response.json()).detail];
  };
  expect(await ask({ role: "support" })).toEqual([409, "this agent may not ask for `support`"]);
  expect(await ask({ scope: ["tickets:update"] })).toEqual([409, "this agent may not ask for `tickets:update`"]);
  expect(await ask({ role: "refunds", scope: ["tickets:read"] })).toEqual([
    409,
    "`tickets:read` is not in the role `refunds`, or lies outside of the agent's ceiling",
  ]);
  expect(await ask({ role: "refunds", minutes: 241 })).toEqual([409, "`refunds` is given for 240 minutes at most, not for 241"]);
  expect((await ask({ role: "refunds", minutes: 0 }))[0]).toBe(400);
  expect((await ask({ role: "refunds", scope: ["*"] }))[0]).toBe(400);
});

test("two people, when the policy wants two: the second yes gives the right, and each counts once", async () => {
  policy = companyWithRefunds(
    "eligible:\n  - role: refunds\n    most: 4h\n    reason: refunds\n    approve: { by: [support-lead], count: 2, expires: 30m }\n",
  );
  const id = await asked({}, policy);
  expect(await said(lena, id, "approve")).toMatchObject({ state: "pending", quorum: { groups: [{ count: 2, yes: ["lena"] }] } });
  expect(await refused(lena, id, "approve")).toEqual([409, "already_answered"]);
  expect(await said(ana, id, "approve")).toMatchObject({ state: "active" });
});

test("a yes to less than the one before makes that one void: both must be to the same", async () => {
  policy = companyWithRefunds(
    "eligible:\n  - role: refunds\n    most: 4h\n    reason: refunds\n    approve: { by: [support-lead], count: 2, expires: 30m }\n",
  );
  const id = await asked({ forMs: 3_600_000 }, policy);
  await said(lena, id, "approve", { minutes: 30 });
  expect(await said(ana, id, "approve")).toMatchObject({ state: "pending", quorum: { groups: [{ yes: ["ana"] }] } });
  const active = await said(lena, id, "approve");
  expect(active).toMatchObject({ state: "active" });
  expect(new Date(active.given?.until ?? 0).getTime() - new Date(active.given?.from ?? 0).getTime()).toBe(3_600_000);
});

test("a yes cannot be repeated, and a question that was denied cannot be given any more", async () => {
  const id = await asked();
  await said(lena, id, "approve");
  expect(await refused(lena, id, "approve")).toEqual([409, "already_answered"]);
  expect(await refused(ana, id, "deny", { reason: "late" })).toEqual([409, "already_answered"]);
  const denied = await asked();
  expect(await said(lena, denied, "deny", { reason: "not today" })).toMatchObject({ state: "denied" });
  expect(await refused(ana, denied, "approve")).toEqual([409, "already_answered"]);
  expect((await events(denied)).map(({ event }) => event)).toEqual(["elevation.deny"]);
});

test("two answers at once: one is given, the other is told, and the log says which came too late", async () => {
  const id = await asked();
  const statuses = await Promise.all([
    lena("POST", `/api/v1/elevations/${id}/approve`, {}),
    ana("POST", `/api/v1/elevations/${id}/deny`, { reason: "no" }),
  ]);
  expect(statuses.map(({ status }) => status).toSorted()).toEqual([200, 409]);
  const recorded = (await events(id)).map(({ event }) => event);
  const state = (await house.store.elevations.find("acme", id))?.state;
  expect(recorded).toContain(state === "active" ? "elevation.approve" : "elevation.deny");
});

test("under another policy than it was asked under a question cannot be answered with yes, unless that one says the same", async () => {
  const id = await asked();
  policy = companyWithRefunds("eligible: []\n");
  expect(await refused(lena, id, "approve")).toEqual([409, "approval_stale"]);
  policy = companyWithRefunds(
    "eligible:\n  - role: refunds\n    most: 4h\n    reason: refunds\n    approve: { by: [operator], expires: 30m }\n",
  );
  expect(await refused(lena, id, "approve")).toEqual([409, "approval_stale"]);
  policy = companyWithRefunds(
    "eligible:\n  - role: refunds\n    most: 8h\n    reason: in other words\n    approve: { by: [support-lead], expires: 1h }\n",
  );
  expect(await said(lena, id, "approve")).toMatchObject({ state: "active" });
});

test("a right whose eligibility the policy has taken back shows so", async () => {
  const id = await asked();
  await said(lena, id, "approve");
  policy = companyWithRefunds("eligible: []\n");
  expect(elevationDetailSchema.parse(await (await lena("GET", `/api/v1/elevations/${id}`)).json())).toMatchObject({
    state: "active",
    eligible: false,
  });
});

test("operator, owner, who may answer, who asked, and the operator key take a right back; others do not", async () => {
  const active = async (): Promise<string> => {
    const id = await asked();
    await said(lena, id, "approve");
    return id;
  };
  expect(await refused(rudi, await active(), "revoke", { reason: "x" })).toEqual([403, "role_required"]);
  for (const who of [olaf, ines, ana, house.operator]) {
    const id = await active();
    expect(await said(who, id, "revoke", { reason: "it is over" })).toMatchObject({ state: "revoked", revoked: { reason: "it is over" } });
    expect(await refused(who, id, "revoke", { reason: "again" })).toEqual([409, "elevation_over"]);
    expect((await events(id)).map(({ event }) => event)).toEqual(["elevation.approve", "elevation.revoke"]);
  }
});

test("what waits cannot be revoked, and a question whose time is over can be neither given nor denied", async () => {
  const id = await asked();
  expect(await refused(olaf, id, "revoke", { reason: "x" })).toEqual([409, "elevation_over"]);
  await said(lena, id, "deny", { reason: "no" });
});

test("a list is of one tenant's people, by state and agent, and goes on where it ended", async () => {
  const all = elevationsSchema.parse(await (await lena("GET", "/api/v1/elevations?limit=2&state=denied")).json());
  expect(all.elevations.map(({ state }) => state)).toEqual(["denied", "denied"]);
  const next = elevationsSchema.parse(
    await (await olaf("GET", `/api/v1/elevations?limit=2&state=denied&after=${encodeURIComponent(all.next ?? "")}`)).json(),
  );
  expect(next.elevations.every(({ id }) => !all.elevations.some((other) => other.id === id))).toBe(true);
  expect((await lena("GET", "/api/v1/elevations?state=asleep")).status).toBe(400);
});

test("calls that stood on a right are counted by the log, which finds them by its id", async () => {
  const id = await asked();
  await said(lena, id, "approve");
  for (const [index, elevations] of [[id], [id, "elv_another"], []].entries()) {
    await house.store.log.append("acme", {
      kind: "intent",
      callId: `call_of_${id}_${index}`,
      body: {
        at: new Date().toISOString(),
        agent: SUPPORT_BOT,
        action: "billing:refund",
        verdict: "allow",
        broker: "brk",
        ...(elevations.length === 0 ? {} : { elevations }),
      },
      people: { user: "customer-1" },
    });
  }
  const { uses } = elevationDetailSchema.parse(await (await lena("GET", `/api/v1/elevations/${id}`)).json());
  expect(uses).toMatchObject({ calls: 2, more: false, latest: { callId: `call_of_${id}_1`, action: "billing:refund" } });
  const found = await (await lena("GET", `/api/v1/calls?tenant=acme&rule=${id}`)).json();
  expect(z.object({ calls: z.array(z.object({ callId: z.string() })) }).parse(found).calls).toHaveLength(2);
});

test("no elevation is answered by GET, as a mail scanner would follow its link", async () => {
  const id = await asked();
  for (const what of ["approve", "deny", "revoke", "step-up"]) {
    for (const method of ["GET", "HEAD"])
      expect((await lena(method, `/api/v1/elevations/${id}/${what}`)).status, `${method} ${what}`).toBe(404);
  }
  expect((await house.store.elevations.find("acme", id))?.state).toBe("pending");
  await said(lena, id, "deny", { reason: "no" });
});

function ownedBy(owner: string): Policy {
  const made = companyWithRefunds();
  return { ...made, agents: made.agents.map((agent) => ({ ...agent, owner })) };
}
