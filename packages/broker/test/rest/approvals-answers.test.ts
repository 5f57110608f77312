import type { JsonObject } from "@bailiwick/policy";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { Approval } from "../../src/domain/approval.ts";
import { approve, askedCall, showing } from "../people-support/answering.ts";
import { askingPolicy } from "../people-support/asking-policy.ts";
import { type Ask, heldApproval, openRestHouse, type RestHouse } from "../people-support/rest.ts";
import { PLAIN_TERMS } from "../store/approval-sample.ts";

const TWO = { count: 2, also: [], stepUp: false };
const SEVERAL = { ...PLAIN_TERMS, bounded: { uses: 5, forMs: 3_600_000 } };

let house: RestHouse;
let policy = askingPolicy();
const people = new Map<string, Ask>();
beforeAll(async () => {
  house = await openRestHouse({ policy: () => policy });
  for (const person of ["lena", "leo", "petra", "sam", "olaf", "rudi", "greta", "ana"]) people.set(person, await house.as(person));
});
afterAll(() => house.close());

function as(person: string): Ask {
  const found = people.get(person);
  if (found === undefined) throw new Error(`${person} is not signed in`);
  return found;
}

async function held(overrides: Partial<Approval> = {}): Promise<Approval> {
  return askedCall(house, { policyVersion: policy.version, ...overrides });
}

const problem = z.object({ code: z.string(), detail: z.string() });
async function codeOf(response: Response): Promise<[number, string]> {
  return [response.status, problem.parse(await response.json()).code];
}
const stateOf = async ({ id }: Approval): Promise<string | undefined> => (await house.store.approvals.find("acme", id))?.state;
const post = (person: string, { id }: Pick<Approval, "id">, verb: string, body: JsonObject): Promise<Response> =>
  as(person)("POST", `/api/v1/approvals/${id}/${verb}`, body);

describe("a yes", () => {
  test("is refused without what the card showed, and with another card's", async () => {
    const [approval, other] = [await held(), await held()];
    expect(await codeOf(await post("lena", approval, "approve", {}))).toEqual([400, "malformed_request"]);
    const elsewhere = { showing: await showing(as("lena"), other.id) };
    expect(await codeOf(await post("lena", approval, "approve", elsewhere))).toEqual([409, "approval_changed"]);
    expect(await stateOf(approval)).toBe("pending");
  });

  test("from a page that somebody's answer made stale is refused, and the page that is looked at again is heard", async () => {
    const approval = await held({ terms: TWO });
    const stale = await showing(as("leo"), approval.id);
    expect((await approve(as("lena"), approval.id)).status).toBe(200);
    expect(await codeOf(await post("leo", approval, "approve", { showing: stale }))).toEqual([409, "approval_changed"]);
    expect(await stateOf(approval)).toBe("pending");
    expect((await approve(as("leo"), approval.id)).status).toBe(200);
    expect(await stateOf(approval)).toBe("approved");
  });

  test("of one person is not two, in a question to two people", async () => {
    const approval = await held({ terms: TWO });
    await approve(as("lena"), approval.id);
    expect(await codeOf(await approve(as("lena"), approval.id))).toEqual([409, "already_answered"]);
    expect(await stateOf(approval)).toBe("pending");
  });

  test("of all groups is needed, and each person sees how far it is", async () => {
    const approval = await held({ terms: { ...PLAIN_TERMS, also: [{ by: ["security"], count: 1 }] } });
    await approve(as("lena"), approval.id);
    expect(await (await as("sam")("GET", `/api/v1/approvals/${approval.id}`)).json()).toMatchObject({
      mayAnswer: true,
      state: "pending",
      quorum: {
        groups: [
          { by: ["support-lead"], yes: ["lena"] },
          { by: ["security"], yes: [] },
        ],
      },
      answers: [{ by: "lena", verdict: "approve", signed: false }],
    });
    await approve(as("sam"), approval.id);
    expect(await stateOf(approval)).toBe("approved");
  });

  test("to a question asked under another policy is refused, because it would be worth nothing", async () => {
    const approval = await held();
    const before = policy;
    policy = askingPolicy({
      "roles/support.yaml": "role: support\nreason: other words\nallow:\n  - do: tickets:update\n    approve: { by: [support-lead] }\n",
    });
    try {
      expect(await codeOf(await approve(as("lena"), approval.id))).toEqual([409, "approval_stale"]);
    } finally {
      policy = before;
    }
    expect(await stateOf(approval)).toBe("pending");
  });

  test("of two people at the same moment on one card counts once, and the other is told to look again", async () => {
    const approval = await held({ terms: TWO });
    const shown = await showing(as("lena"), approval.id);
    const answers = await Promise.all(["lena", "leo"].map((person) => post(person, approval, "approve", { showing: shown })));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409]);
    expect(await stateOf(approval)).toBe("pending");
  });
});

describe("other arguments than asked", () => {
  test.each<[string, JsonObject, RegExp]>([
    ["name another record", { id: "T-18", status: "closed" }, /another record than the one shown/u],
    ["are none the tool takes", { id: "T-17", status: 5 }, /argument `status`/u],
    ["need others' yes", { id: "T-17", status: "reopened" }, /the yes of security/u],
    ["need more people's yes", { id: "T-17", status: "spam" }, /more people/u],
  ])("are refused where they %s, before anything is stored", async (_, args, why) => {
    const approval = await held();
    const tried = await (await post("lena", approval, "try-edit", { args })).json();
    expect(tried).toMatchObject({ verdict: "deny", message: expect.stringMatching(why) as string });
    const refused = await approve(as("lena"), approval.id, { args });
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({ code: "edit_refused", detail: expect.stringMatching(why) as string });
    expect(await stateOf(approval)).toBe("pending");
  });

  test("that have no canonical form are malformed", async () => {
    const approval = await held({ terms: SEVERAL });
    const args = { id: "T-17", status: "\ud800" };
    const until = new Date(Date.now() + 60_000).toISOString();
    const bounds = { uses: 2, until, within: "session", args: { status: { in: ["closed", "\ud800"] } } };
    for (const answer of [
      post("lena", approval, "try-edit", { args }),
      approve(as("lena"), approval.id, { args }),
      approve(as("lena"), approval.id, { bounds }),
    ])
      expect(await codeOf(await answer)).toEqual([400, "malformed_request"]);
  });

  test("are signed where they need to be, though those asked did not", async () => {
    const approval = await held();
    expect(await codeOf(await approve(as("lena"), approval.id, { args: { id: "T-17", status: "legal" } }))).toEqual([
      403,
      "step_up_required",
    ]);
  });

  test("make void what others said yes to, until they say yes to these", async () => {
    const approval = await held({ terms: TWO });
    const args = { id: "T-17", status: "parked" };
    await approve(as("lena"), approval.id);
    expect((await approve(as("leo"), approval.id, { args })).status).toBe(200);
    expect(await stateOf(approval)).toBe("pending");
    const card: unknown = await (await as("lena")("GET", `/api/v1/approvals/${approval.id}`)).json();
    expect(card).toMatchObject({ mayAnswer: true, args, quorum: { groups: [{ yes: ["leo"] }] } });
    await approve(as("lena"), approval.id);
    const found = await house.store.approvals.find("acme", approval.id);
    expect([found?.state, found?.answers.at(-1)?.args]).toEqual(["approved", args]);
  });

  test("of a call whose session is unknown cannot be decided, so they are refused", async () => {
    const approval = await held({ session: "ses_unknown" });
    expect(await codeOf(await approve(as("lena"), approval.id, { args: { id: "T-17", status: "parked" } }))).toEqual([
      409,
      "approval_stale",
    ]);
  });
});

describe("a yes to several calls", () => {
  const bounds = (more: JsonObject = {}): JsonObject => ({
    bounds: { uses: 3, until: new Date(Date.now() + 60_000).toISOString(), within: "session", args: {}, ...more },
  });

  test("is stored with its bounds, listed, and taken back by anybody who answers", async () => {
    const approval = await held({ terms: SEVERAL });
    expect((await approve(as("lena"), approval.id, bounds())).status).toBe(200);
    const listed = async (): Promise<unknown> => (await as("leo")("GET", "/api/v1/bounded-approvals")).json();
    expect(await listed()).toMatchObject({ approvals: [{ id: approval.id, usesLeft: 2, approvedBy: ["lena"] }] });
    expect(await (await as("greta")("GET", "/api/v1/bounded-approvals")).json()).toEqual({ approvals: [] });
    const revoke = (person: string): Promise<Response> => as(person)("POST", `/api/v1/bounded-approvals/${approval.id}/revoke`, {});
    expect(await codeOf(await revoke("greta"))).toEqual([404, "not_found"]);
    expect(await codeOf(await revoke("rudi"))).toEqual([403, "role_required"]);
    expect((await revoke("leo")).status).toBe(200);
    expect(await codeOf(await revoke("leo"))).toEqual([404, "not_found"]);
    expect(await listed()).toMatchObject({ approvals: [{ revokedAt: expect.any(String) as string }] });
  });

  test.each<[string, JsonObject]>([
    ["more calls than the rules allow", { uses: 6 }],
    ["longer than the rules allow", { until: new Date(Date.now() + 2 * 3_600_000).toISOString() }],
    ["a time that is over", { until: new Date(Date.now() - 1_000).toISOString() }],
    ["an argument that the call does not have", { args: { nothing: { any: true } } }],
    ["values that the call itself does not have", { args: { status: { in: ["open"] } } }],
  ])("is refused for %s", async (_, more) => {
    const approval = await held({ terms: SEVERAL });
    expect(await codeOf(await approve(as("lena"), approval.id, bounds(more)))).toEqual([409, "bounds_refused"]);
    expect(await stateOf(approval)).toBe("pending");
  });

  test("is refused where the rules want a yes for each call", async () => {
    expect(await codeOf(await approve(as("lena"), (await held()).id, bounds()))).toEqual([409, "bounds_refused"]);
  });

  test.each<[string, JsonObject]>([
    ["no uses", { uses: 0 }],
    ["a part of a use", { uses: 1.5 }],
    ["no end", { until: "someday" }],
    ["a bound of no form", { args: { status: { most: 3 } } }],
    ["an empty list of values", { args: { status: { in: [] } } }],
    ["an unknown member", { surprise: 1 }],
  ])("of %s is malformed", async (_, more) => {
    const approval = await held({ terms: SEVERAL });
    expect(await codeOf(await approve(as("lena"), approval.id, bounds(more)))).toEqual([400, "malformed_request"]);
  });
});

describe("one answer to several questions", () => {
  async function several(count: number, overrides: Partial<Approval> = {}): Promise<{ id: string; showing: string }[]> {
    const approvals = await Promise.all(Array.from({ length: count }, () => held(overrides)));
    return Promise.all(approvals.map(async ({ id }) => ({ id, showing: await showing(as("lena"), id) })));
  }
  const bulk = (person: string, approvals: readonly JsonObject[], more: JsonObject = { verdict: "approve" }): Promise<Response> =>
    as(person)("POST", "/api/v1/approvals/bulk", { approvals: [...approvals], ...more });

  test("answers each, and says of each what became of it", async () => {
    const [one, two, three] = await several(3);
    if (one === undefined || two === undefined || three === undefined) throw new Error("there are three");
    await post("leo", two, "deny", { reason: "no" });
    const answer = await bulk("lena", [one, two, { ...three, showing: "stale" }]);
    expect([answer.status, await answer.json()]).toMatchObject([
      200,
      {
        results: [
          { id: one.id, state: "approved" },
          { id: two.id, code: "already_answered" },
          { id: three.id, code: "approval_changed" },
        ],
      },
    ]);
  });

  test("counts one question that is named twice once", async () => {
    const [one] = await several(1);
    if (one === undefined) throw new Error("there is one");
    const answer = await bulk("lena", [one, one]);
    expect(await answer.json()).toMatchObject({ results: [{ state: "approved" }, { code: "already_answered" }] });
  });

  test("is refused for questions of different shapes, and none is answered", async () => {
    const alike = await several(1);
    const unlike = await several(1, { args: { id: "T-17" } });
    expect(await codeOf(await bulk("lena", [...alike, ...unlike]))).toEqual([409, "not_alike"]);
    for (const { id } of [...alike, ...unlike]) expect((await house.store.approvals.find("acme", id))?.state).toBe("pending");
  });

  test("is refused for questions that are signed one by one", async () => {
    expect(await codeOf(await bulk("lena", await several(2, { terms: { ...PLAIN_TERMS, stepUp: true } })))).toEqual([409, "not_alike"]);
  });

  test("does not know another tenant's, and then answers none", async () => {
    const own = await several(1);
    const foreign = heldApproval({ tenant: "globex", policyVersion: policy.version });
    await house.store.approvals.create(foreign);
    const answer = await bulk("lena", [...own, { id: foreign.id, showing: "x" }]);
    expect(await codeOf(answer)).toEqual([404, "not_found"]);
    expect((await house.store.approvals.find("acme", own[0]?.id ?? ""))?.state).toBe("pending");
  });

  test("denies only with a reason, and needs the role for each", async () => {
    const asked = await several(2);
    expect(await codeOf(await bulk("lena", asked, { verdict: "deny" }))).toEqual([400, "malformed_request"]);
    expect(await (await bulk("olaf", asked)).json()).toMatchObject({ results: [{ code: "role_required" }, { code: "role_required" }] });
    expect(await (await bulk("lena", asked, { verdict: "deny", reason: "no" })).json()).toMatchObject({
      results: [{ state: "denied" }, { state: "denied" }],
    });
  });

  test.each<[string, JsonObject[]]>([
    ["nothing", []],
    ["more than a hundred", Array.from({ length: 101 }, () => ({ id: "apr_1", showing: "x" }))],
    ["a question without what was shown", [{ id: "apr_1" }]],
  ])("to %s is malformed", async (_, approvals) => {
    expect(await codeOf(await bulk("lena", approvals))).toEqual([400, "malformed_request"]);
  });
});

describe("stopping the agent", () => {
  test("denies the call and suspends its agent, with the reason of who did it", async () => {
    const agent = "bailiwick://acme/prod/support/runaway";
    const approval = await held({ agent });
    expect((await post("lena", approval, "stop", { reason: "it mails\neverybody" })).status).toBe(200);
    expect(await stateOf(approval)).toBe("denied");
    const stops = await house.store.stops.list("acme");
    expect(stops).toContainEqual(
      expect.objectContaining({ kind: "agent", name: agent, state: "suspended", by: "lena", reason: "it mails everybody" }),
    );
  });

  test("is nobody's who may not answer, and then stops nothing", async () => {
    const agent = "bailiwick://acme/prod/support/calm";
    const approval = await held({ agent });
    for (const [person, code] of [
      ["olaf", "role_required"],
      ["ana", "separation_of_duties"],
      ["rudi", "role_required"],
      ["greta", "not_found"],
    ] as const)
      expect((await codeOf(await post(person, approval, "stop", { reason: "x" })))[1]).toBe(code);
    expect(await codeOf(await post("lena", approval, "stop", {}))).toEqual([400, "malformed_request"]);
    expect((await house.store.stops.list("acme")).map(({ name }) => name)).not.toContain(agent);
    expect(await stateOf(approval)).toBe("pending");
  });
});
