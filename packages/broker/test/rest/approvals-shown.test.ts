import type { JsonObject } from "@bailiwick/policy";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { viewApproval } from "../../src/adapters/rest/approvals/view.ts";
import { argumentsDigest } from "../../src/call/identify.ts";
import type { Approval } from "../../src/domain/approval.ts";
import { approve, askedCall } from "../people-support/answering.ts";
import { askingPolicy } from "../people-support/asking-policy.ts";
import { type Ask, heldApproval, openRestHouse, type RestHouse } from "../people-support/rest.ts";
import { PLAIN_TERMS } from "../store/approval-sample.ts";

const SEVERAL = { ...PLAIN_TERMS, bounded: { uses: 5, forMs: 3_600_000 } };

let house: RestHouse;
const policy = askingPolicy();
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

describe("looking", () => {
  test("answers nothing: every address of an approval, read or asked about in any way, leaves it pending", async () => {
    const approval = await held();
    const paths = ["", "/approve", "/deny", "/stop", "/step-up", "/similar", "/receipts", "/try-edit"].map(
      (end) => `/api/v1/approvals/${approval.id}${end}`,
    );
    for (const path of [...paths, "/api/v1/approvals/bulk"])
      for (const method of ["GET", "HEAD", "OPTIONS"]) await as("lena")(method, path);
    expect(await stateOf(approval)).toBe("pending");
    expect((await house.store.approvals.find("acme", approval.id))?.answers).toEqual([]);
  });

  test("at another tenant's approval finds nothing, at each of its addresses", async () => {
    const approval = await held({ terms: SEVERAL });
    for (const end of ["", "/similar", "/receipts"])
      expect(await codeOf(await as("greta")("GET", `/api/v1/approvals/${approval.id}${end}`)), end).toEqual([404, "not_found"]);
    for (const [verb, body] of [
      ["approve", { showing: "x" }],
      ["deny", { reason: "x" }],
      ["stop", { reason: "x" }],
      ["step-up", {}],
      ["try-edit", { args: {} }],
    ] as const)
      expect(await codeOf(await post("greta", approval, verb, body)), verb).toEqual([404, "not_found"]);
    expect(await stateOf(approval)).toBe("pending");
  });

  test("at past questions of the shape shows how they were answered, and why", async () => {
    const shape = { args: { id: "T-17", status: "x", customer: "a@b.example" } };
    const [past, asking] = [await held(shape), await held(shape)];
    await post("lena", past, "deny", { reason: "not this one" });
    expect(await (await as("leo")("GET", `/api/v1/approvals/${asking.id}/similar`)).json()).toMatchObject({
      denied: 1,
      recent: [{ id: past.id, state: "denied", by: "lena", reason: "not this one" }],
    });
  });
});

describe("values that the policy shows to some only", () => {
  const CUSTOMER = "jane.doe@customers.example";
  const shown = { args: { id: "T-17", status: "closed", customer: CUSTOMER } };
  const secretive: Partial<Approval> = {
    ...shown,
    diff: [{ path: "customer", before: "old.name@customers.example", after: CUSTOMER }],
    reach: { records: 1, destinations: [{ argument: "customer", value: CUSTOMER, external: true }] },
    terms: SEVERAL,
  };

  test("are masked for everybody else, wherever the card repeats them, and open for those", async () => {
    const approval = await held(secretive);
    const bounds = {
      uses: 2,
      until: new Date(Date.now() + 60_000).toISOString(),
      within: "session",
      args: { customer: { in: [CUSTOMER] } },
    };
    expect((await approve(as("petra"), approval.id, { bounds })).status).toBe(200);
    const later = await held(secretive);
    for (const person of ["lena", "rudi", "olaf"])
      for (const path of [`approvals/${approval.id}`, "approvals", `approvals/${later.id}/similar`, "bounded-approvals"]) {
        const text = await (await as(person)("GET", `/api/v1/${path}`)).text();
        expect(text, `${person} ${path}`).not.toContain("jane.doe");
        expect(text, `${person} ${path}`).not.toContain("old.name");
      }
    const open = await (await as("petra")("GET", `/api/v1/approvals/${approval.id}`)).text();
    expect(open.split(CUSTOMER).length - 1).toBe(4);
  });

  test("stay what they were when somebody who sees the mask edits something else", async () => {
    const approval = await held(secretive);
    const card = z
      .object({ args: z.record(z.string(), z.string()) })
      .parse(await (await as("lena")("GET", `/api/v1/approvals/${approval.id}`)).json());
    expect(card.args["customer"]).toBe("j***@customers.example");
    const tried = await (await post("lena", approval, "try-edit", { args: { ...card.args, status: "parked" } })).text();
    expect(tried).not.toContain("jane.doe");
    expect((await approve(as("lena"), approval.id, { args: { ...card.args, status: "parked" } })).status).toBe(200);
    const found = await house.store.approvals.find("acme", approval.id);
    expect(found?.answers.at(-1)?.args).toEqual({ id: "T-17", status: "parked", customer: CUSTOMER });
  });

  test("cannot be guessed by bounds: a list or range for an argument that is hidden is refused, whether it holds the value or not", async () => {
    const approval = await held(secretive);
    const until = new Date(Date.now() + 60_000).toISOString();
    for (const guess of ["other@customers.example", CUSTOMER]) {
      const bounds = { uses: 2, until, within: "session", args: { customer: { in: [guess, CUSTOMER] } } };
      expect(await codeOf(await approve(as("lena"), approval.id, { bounds }))).toEqual([409, "bounds_refused"]);
    }
    expect(await stateOf(approval)).toBe("pending");
    expect(
      (await approve(as("lena"), approval.id, { bounds: { uses: 2, until, within: "session", args: { customer: { any: true } } } })).status,
    ).toBe(200);
  });

  test("cannot be guessed by a digest either: whatever names the arguments is the same for other hidden values, or hidden", async () => {
    const same = { ...secretive, callId: "call_same", session: "ses_same", id: "apr_same" };
    const one = viewOf("lena", heldApproval(same));
    const argsDigest = argumentsDigest(one.operation, { ...shown.args, customer: "other@customers.example" });
    const other = viewOf("lena", heldApproval({ ...same, argsDigest }));
    expect(other.check).toBe(one.check);
    expect(one.argsDigest).toBe("[redacted]");
    expect(viewOf("petra", heldApproval({ ...same, argsDigest })).argsDigest).toBe(argsDigest);
  });
});

function viewOf(person: string, approval: Approval) {
  const found = policy.people.find(({ id }) => id === person);
  if (found === undefined) throw new Error(`there is no ${person}`);
  const principal = { kind: "person", person: found, via: "passkey", tenants: ["acme"], tokenHash: "", carrier: "bearer" } as const;
  return viewApproval(approval, principal, { policy: () => policy, now: () => new Date() }, []);
}
