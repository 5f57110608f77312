import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { enrol, stepUp } from "../people-support/browser.ts";
import { type Ask, liveSession, openRestHouse, recordCall, type RestHouse } from "../people-support/rest.ts";
import { saidBy } from "../support/said.ts";
import { ageRecords } from "../store/old-months.ts";

const problem = z.object({ code: z.string(), detail: z.string(), next: z.array(z.string()).min(1) });
const hold = z.object({ id: z.string(), by: z.string(), reason: z.string(), scope: z.looseObject({ kind: z.string() }) });

let house: RestHouse;
let olaf: Ask;
let lena: Ask;
let greta: Ask;
let people = 0;
let person: string;
let callId: string;
beforeAll(async () => {
  house = await openRestHouse();
  [olaf, lena, greta] = [await house.as("olaf"), await house.as("lena"), await house.as("greta")];
});
afterAll(() => house.close());
beforeEach(async () => {
  person = `customer-${(people += 1)}@acme.example`;
  callId = await recordOf(person);
});

/** A call for a person, with facts beside its record. */
async function recordOf(user: string): Promise<string> {
  const id = `call_${people}_${Math.random().toString(36).slice(2)}`;
  await house.store.log.append("acme", {
    kind: "refusal",
    callId: id,
    body: { at: new Date().toISOString(), agent: "a", code: "denied" },
    people: { user },
    resource: { type: "Ticket", id: `T-${people}` },
    facts: { args: { note: `about ${user}` } },
  });
  return id;
}

const codeOf = async (answer: Response): Promise<z.output<typeof problem>> => problem.parse(await answer.json());
const erasing = (more: object = {}): object => ({ tenant: "acme", person, reason: "asked for it", ...more });

describe("erasing a person", () => {
  test("takes what is sealed beside their records, ends their sessions, and is recorded with who did it", async () => {
    const session = { ...liveSession(), user: person };
    await house.store.sessions.create(session);
    const answer = await olaf("POST", "/api/v1/audit/erasures/person", erasing());
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ erased: expect.stringMatching(/^sub_/), records: 1, sessions: 1, approvals: 0 });
    expect(await house.store.log.facts("acme", callId)).toBeUndefined();
    expect(await house.store.sessions.find("acme", session.id)).toBeUndefined();
    const [record] = await house.store.log.query("acme", { kind: "admin", limit: 1 });
    expect(saidBy(record)).toMatchObject({ event: "subject.erase", by: "olaf", via: "login-link" });
    expect(record?.text).not.toContain(person);
    expect((await codeOf(await olaf("POST", "/api/v1/audit/erasures/person", erasing()))).code).toBe("not_found");
  });

  test("with the operator key works too, and says so", async () => {
    expect((await house.operator("POST", "/api/v1/audit/erasures/person", erasing())).status).toBe(200);
    const [record] = await house.store.log.query("acme", { kind: "admin", limit: 1 });
    expect(saidBy(record)).toMatchObject({ event: "subject.erase", by: "operator", via: "operator-key" });
  });

  test("is not for a lead, not for another tenant's operator, and says the same of a tenant that does not exist", async () => {
    expect((await codeOf(await lena("POST", "/api/v1/audit/erasures/person", erasing()))).code).toBe("role_required");
    const foreign = await codeOf(await greta("POST", "/api/v1/audit/erasures/person", erasing()));
    const unknown = await codeOf(await greta("POST", "/api/v1/audit/erasures/person", erasing({ tenant: "nowhere" })));
    expect([foreign.code, foreign.detail]).toEqual(["wrong_tenant", unknown.detail]);
    expect((await greta("POST", "/api/v1/audit/erasures/person", erasing({ tenant: "globex" }))).status).toBe(404);
    expect(await house.store.log.facts("acme", callId)).toBeDefined();
  });

  test.each([{ person: "" }, { person: 7 }, { reason: "" }, { reason: "a\nb" }, { tenant: "" }, { stepUp: "yes" }])(
    "is refused when it is malformed: %o",
    async (more) => {
      expect((await codeOf(await olaf("POST", "/api/v1/audit/erasures/person", erasing(more)))).code).toBe("malformed_request");
    },
  );

  test("takes a passkey's signature over exactly this person from whoever has a passkey", async () => {
    const { browser, passkey } = await enrol(house, "ines");
    expect(await browser.refused("/audit/erasures/person", erasing())).toEqual([403, "step_up_required"]);
    const other = await stepUp(browser, passkey, { action: "erase_person", subject: "acme somebody-else" });
    expect(await browser.refused("/audit/erasures/person", erasing({ stepUp: other }))).toEqual([403, "step_up_mismatch"]);
    const signed = await stepUp(browser, passkey, { action: "erase_person", subject: `acme ${person}` });
    expect(await browser.done("/audit/erasures/person", erasing({ stepUp: signed }))).toMatchObject({ records: 1 });
    const [record] = await house.store.log.query("acme", { kind: "admin", limit: 1 });
    expect(saidBy(record)).toMatchObject({ event: "subject.erase", by: "ines", via: "passkey", commits: { receipt: expect.any(String) } });
    expect(JSON.stringify(await house.store.log.facts("acme", record?.callId ?? ""))).not.toContain(person);
  });
});

describe("erasing a record", () => {
  test("takes the facts of all records about it", async () => {
    const resource = { type: "Ticket", id: `T-${people}` };
    const answer = await olaf("POST", "/api/v1/audit/erasures/resource", { tenant: "acme", resource, reason: "contract ended" });
    expect(await answer.json()).toMatchObject({ records: 1 });
    expect(await house.store.log.facts("acme", callId)).toBeUndefined();
    expect((await olaf("POST", "/api/v1/audit/erasures/resource", { tenant: "acme", resource, reason: "again" })).status).toBe(404);
  });

  test("is refused to others and when it is malformed", async () => {
    const body = { tenant: "acme", resource: { type: "Ticket", id: `T-${people}` }, reason: "r" };
    expect((await codeOf(await lena("POST", "/api/v1/audit/erasures/resource", body))).code).toBe("role_required");
    expect((await codeOf(await greta("POST", "/api/v1/audit/erasures/resource", body))).code).toBe("wrong_tenant");
    for (const resource of ["Ticket/T-1", { type: "Ticket" }, { type: "Ticket", id: "T-1", more: 1 }])
      expect((await codeOf(await olaf("POST", "/api/v1/audit/erasures/resource", { ...body, resource }))).code).toBe("malformed_request");
    expect(await house.store.log.facts("acme", callId)).toBeDefined();
  });
});

describe("a legal hold", () => {
  test("stands in the way of an erasure with its name and who placed it, until it is lifted", async () => {
    const placed = await olaf("POST", "/api/v1/audit/holds", { tenant: "acme", scope: { kind: "person", person }, reason: "case 12" });
    const { id } = hold.parse(await placed.json());
    const stopped = await codeOf(await house.operator("POST", "/api/v1/audit/erasures/person", erasing()));
    expect(stopped.code).toBe("legal_hold");
    expect(stopped.detail).toContain(id);
    expect(stopped.detail).toContain("olaf");
    const holds = z.object({ holds: z.array(hold) });
    expect(holds.parse(await (await lena("GET", "/api/v1/audit/holds?tenant=acme")).json()).holds).toMatchObject([
      { id, by: "olaf", reason: "case 12", scope: { kind: "person", person } },
    ]);
    expect(holds.parse(await (await greta("GET", "/api/v1/audit/holds")).json()).holds).toEqual([]);
    const lift = { tenant: "acme", reason: "settled" };
    expect((await codeOf(await lena("POST", `/api/v1/audit/holds/${id}/lift`, lift))).code).toBe("role_required");
    expect((await codeOf(await greta("POST", `/api/v1/audit/holds/${id}/lift`, lift))).code).toBe("wrong_tenant");
    expect((await greta("POST", `/api/v1/audit/holds/${id}/lift`, { ...lift, tenant: "globex" })).status).toBe(404);
    expect(await (await olaf("POST", `/api/v1/audit/holds/${id}/lift`, lift)).json()).toEqual({ lifted: true });
    expect((await olaf("POST", `/api/v1/audit/holds/${id}/lift`, lift)).status).toBe(404);
    expect((await house.operator("POST", "/api/v1/audit/erasures/person", erasing())).status).toBe(200);
  });

  test("is placed by operators, on people who are known, in their own tenants", async () => {
    const body = { tenant: "acme", scope: { kind: "everything" }, reason: "r" };
    expect((await codeOf(await lena("POST", "/api/v1/audit/holds", body))).code).toBe("role_required");
    expect((await codeOf(await greta("POST", "/api/v1/audit/holds", body))).code).toBe("wrong_tenant");
    expect((await olaf("POST", "/api/v1/audit/holds", { ...body, scope: { kind: "person", person: "nobody" } })).status).toBe(404);
    expect((await codeOf(await olaf("POST", "/api/v1/audit/holds/a%00b/lift", { tenant: "acme", reason: "x" }))).code).toBe(
      "malformed_request",
    );
    for (const scope of [{ kind: "some" }, { kind: "person" }, { kind: "everything", person: "x" }, "everything"])
      expect((await codeOf(await olaf("POST", "/api/v1/audit/holds", { ...body, scope }))).code).toBe("malformed_request");
  });
});

describe("retiring old months", () => {
  const body = { tenant: "acme", olderThanDays: 60, reason: "retention" };

  test("drops them, after it said what would go; not for others, not sooner than the configuration keeps them", async () => {
    await Promise.all(Array.from({ length: 300 }, (_, count) => recordCall(house, `bulk_${count}`, "refusal")));
    await ageRecords(house.databaseUrl, "acme", { until: 290, period: 202601 });
    const expected = { tenant: "acme", months: [202601], from: 0, to: 256 };
    expect(await (await olaf("POST", "/api/v1/audit/retire", { ...body, dryRun: true })).json()).toEqual({ ...expected, done: false });
    expect((await codeOf(await lena("POST", "/api/v1/audit/retire", body))).code).toBe("role_required");
    expect((await codeOf(await greta("POST", "/api/v1/audit/retire", body))).code).toBe("wrong_tenant");
    const kept = await openRestHouse({ retentionOf: () => 90 * 86_400_000, retention: house.store.retention });
    const early = await codeOf(await kept.operator("POST", "/api/v1/audit/retire", body));
    await kept.close();
    expect([early.code, early.detail]).toEqual(["malformed_request", expect.stringContaining("90 days")]);
    expect(await (await olaf("POST", "/api/v1/audit/retire", body)).json()).toEqual({ ...expected, done: true });
    expect((await olaf("POST", "/api/v1/audit/retire", body)).status).toBe(404);
    expect(await (await olaf("GET", "/api/v1/audit/verify?tenant=acme")).json()).toMatchObject({ ok: true });
  });

  test.each([{ olderThanDays: 0 }, { olderThanDays: "60" }, { olderThanDays: 1.5 }, { dryRun: "yes" }, { reason: "" }])(
    "is refused when it is malformed: %o",
    async (more) => {
      expect((await codeOf(await olaf("POST", "/api/v1/audit/retire", { ...body, ...more }))).code).toBe("malformed_request");
    },
  );
});
