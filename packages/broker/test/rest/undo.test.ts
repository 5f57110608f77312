import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { runUndoneSchema, runUndoPlanSchema, undoneSchema, undoProposalSchema } from "../../src/rest-contract/undo.ts";
import { laterUndo, undoPolicy, undoWorld, type UndoWorld } from "../insight/undo/support.ts";
import { approve } from "../people-support/answering.ts";
import { type Ask, openRestHouse, type RestHouse } from "../people-support/rest.ts";

const policy = undoPolicy({
  "roles/support.yaml": `role: support
reason: works the tickets
allow:
  - do: tickets:read
  - do: tickets:create
  - do: tickets:note
  - do: tickets:annotate
  - do: tickets:delete
  - do: tickets:close
  - do: tickets:update
    rows: resource.status != "locked"
  - do: tickets:update
    rows: resource.status == "locked"
    approve: { by: [support-lead, operator] }
`,
});
const problem = z.looseObject({ code: z.string(), status: z.int() });

let house: RestHouse;
let world: UndoWorld;
let olaf: Ask;

beforeAll(async () => {
  house = await openRestHouse({ policy: () => policy, undo: laterUndo(() => world) });
});
beforeEach(async () => {
  world = await undoWorld(house.store, () => policy);
  world.rows.set("T-1", { id: "T-1", tenant: "acme", region: "emea", status: "open", notes: "call Ms Doe" });
  olaf = await house.as("olaf");
});
afterAll(() => house.close());

const codeOf = async (answer: Promise<Response>): Promise<readonly [number, string]> => {
  const { status, code } = problem.parse(await (await answer).json());
  return [status, code];
};
const proposal = async (ask: Ask, call: string) => undoProposalSchema.parse(await (await ask("GET", `/api/v1/calls/${call}/undo`)).json());
const undo = async (ask: Ask, call: string, body: object = {}) =>
  undoneSchema.parse(await (await ask("POST", `/api/v1/calls/${call}/undo`, body)).json());

describe("one call", () => {
  test("is shown with the three states of its record and undone, after which it names its undo", async () => {
    const call = await world.done("update_ticket", { id: "T-1", status: "closed" });
    world.rows.set("T-1", { ...world.rows.get("T-1"), region: "amer" });
    expect(await proposal(olaf, call)).toEqual({
      tenant: "acme",
      call,
      action: "tickets:update",
      possible: true,
      undo: {
        operation: { tool: "tickets", kind: "tool", name: "update_ticket" },
        action: "tickets:update",
        effect: "write",
        args: { id: "T-1", status: "open" },
        notRestored: [],
        changes: [
          { path: "region", before: "emea", after: "emea", now: "amer", conflict: false },
          { path: "status", before: "open", after: "closed", now: "closed", conflict: false },
        ],
        verdict: "allow",
      },
    });
    const outcome = await undo(olaf, call, { reason: "a slip" });
    expect(outcome).toMatchObject({ tenant: "acme", call, state: "undone" });
    expect(world.rows.get("T-1")).toMatchObject({ status: "open", region: "amer" });
    const shown = async (id: string): Promise<unknown> => (await olaf("GET", `/api/v1/calls/${id}`)).json();
    expect(await shown(call)).toMatchObject({ undoneBy: outcome.undo, facts: { undoReason: "a slip" } });
    expect(await shown(outcome.undo ?? "")).toMatchObject({ undoes: call, status: "succeeded" });
    expect(await undo(olaf, call)).toMatchObject({ state: "impossible", code: "already_undone" });
  });

  test("is not undone over what somebody has changed since", async () => {
    const call = await world.done("update_ticket", { id: "T-1", status: "closed" });
    world.rows.set("T-1", { ...world.rows.get("T-1"), status: "spam" });
    const conflict = { path: "status", before: "open", after: "closed", now: "spam", conflict: true };
    expect((await proposal(olaf, call)).undo).toMatchObject({ verdict: "allow", changes: [conflict] });
    expect(await undo(olaf, call)).toMatchObject({ state: "changed", code: "record_changed", changes: [conflict] });
    expect(world.rows.get("T-1")).toMatchObject({ status: "spam" });
  });

  test("shows values by the labels of their fields: masked to whom the policy does not reveal them", async () => {
    const call = await world.done("update_ticket", { id: "T-1", notes: "angry at Mr Roe" });
    const text = JSON.stringify([await proposal(olaf, call)]);
    expect(text).not.toMatch(/Ms Doe|Mr Roe/u);
    expect((await proposal(await house.as("petra"), call)).undo?.changes).toMatchObject([{ path: "notes", before: "call Ms Doe" }]);
    world.rows.set("T-1", { ...world.rows.get("T-1"), notes: "calm, says Mx Poe" });
    expect(JSON.stringify(await undo(olaf, call))).not.toMatch(/Ms Doe|Mr Roe|Mx Poe/u);
  });

  test("shows them masked also under the name of another argument that they come back in", async () => {
    const call = await world.done("annotate_ticket", { id: "T-1", text: "angry at Mr Roe" });
    const masked = await proposal(olaf, call);
    expect(masked.undo?.args).toMatchObject({ id: "T-1" });
    expect(JSON.stringify(masked)).not.toMatch(/Ms Doe|Mr Roe/u);
    expect((await proposal(await house.as("petra"), call)).undo?.args).toEqual({ id: "T-1", text: "call Ms Doe" });
  });

  test("waits for people where the policy asks them, and not for the one who wants it", async () => {
    const call = await world.done("update_ticket", { id: "T-1", status: "locked" });
    expect((await proposal(olaf, call)).undo?.verdict).toBe("ask");
    const asked = await undo(olaf, call, { reason: "a slip" });
    expect(asked).toMatchObject({ state: "pending", approvers: ["operator", "support-lead"] });
    const id = asked.approval ?? "";
    expect(await codeOf(approve(olaf, id))).toEqual([403, "separation_of_duties"]);
    expect((await approve(await house.as("ana"), id)).status).toBe(200);
    expect(await undo(olaf, call)).toMatchObject({ state: "undone" });
    expect(world.rows.get("T-1")).toMatchObject({ status: "open" });
  });
});

describe("who may", () => {
  test("operators, the agent's owner and the holder of the operator key; not others, and no auditor", async () => {
    const call = await world.done("update_ticket", { id: "T-1", status: "closed" });
    for (const [person, allowed] of [
      ["dana", true],
      ["ana", false],
      ["rudi", false],
    ] as const) {
      const ask = await house.as(person);
      for (const path of [`/calls/${call}/undo`, `/runs/${world.session.run}/undo`]) {
        const got = ask("GET", `/api/v1${path}`);
        if (allowed) expect((await got).status, `${person} ${path}`).toBe(200);
        else expect(await codeOf(got), `${person} ${path}`).toEqual([403, "role_required"]);
        if (!allowed) expect(await codeOf(ask("POST", `/api/v1${path}`, {}))).toEqual([403, "role_required"]);
      }
    }
    expect(world.rows.get("T-1")).toMatchObject({ status: "closed" });
    expect(await undo(house.operator, call)).toMatchObject({ state: "undone" });
    expect(await (await olaf("GET", `/api/v1/calls/${call}`)).json()).toMatchObject({
      records: expect.arrayContaining([expect.objectContaining({ body: expect.objectContaining({ event: "call.undo", by: "operator" }) })]),
    });
  });

  test("another tenant's calls and runs are not there, and nobody is asked without a sign-in", async () => {
    const call = await world.done("update_ticket", { id: "T-1", status: "closed" });
    const greta = await house.as("greta");
    for (const method of ["GET", "POST"] as const)
      for (const path of [`/calls/${call}/undo`, `/runs/${world.session.run}/undo`]) {
        const body = method === "GET" ? undefined : {};
        expect(await codeOf(greta(method, `/api/v1${path}`, body)), `${method} ${path}`).toEqual([404, "not_found"]);
        expect(await codeOf(house.anyone(method, `/api/v1${path}`, body))).toEqual([401, "unauthenticated"]);
      }
    expect(await codeOf(greta("GET", `/api/v1/runs/${world.session.run}/undo?tenant=acme`))).toEqual([403, "wrong_tenant"]);
    expect(world.rows.get("T-1")).toMatchObject({ status: "closed" });
  });

  test("a reason that is no text of one line is refused", async () => {
    const call = await world.done("update_ticket", { id: "T-1", status: "closed" });
    for (const body of [{ reason: "" }, { reason: 7 }, { reason: "a\nb" }, { reason: "x".repeat(501) }, { force: true }])
      expect(await codeOf(olaf("POST", `/api/v1/calls/${call}/undo`, body))).toEqual([400, "malformed_request"]);
    expect(world.rows.get("T-1")).toMatchObject({ status: "closed" });
  });
});

describe("a run", () => {
  const plan = async () => runUndoPlanSchema.parse(await (await olaf("GET", `/api/v1/runs/${world.session.run}/undo`)).json());
  const undoRun = async () =>
    runUndoneSchema.parse(await (await olaf("POST", `/api/v1/runs/${world.session.run}/undo`, { reason: "a slip" })).json());

  test("is undone in reverse order, past what nothing can undo, and then has nothing left", async () => {
    await world.done("update_ticket", { id: "T-1", status: "waiting" });
    const note = await world.done("send_note", { text: "hello" });
    await world.done("get_ticket", { id: "T-1" });
    await world.done("update_ticket", { id: "T-1", status: "closed" });
    const made = await world.done("create_ticket", { id: "C-9", region: "emea", status: "new" });
    expect((await plan()).calls.map(({ call, possible, code }) => [call, possible, code])).toEqual([
      [made, true, undefined],
      [expect.any(String), true, undefined],
      [note, false, "no_undo"],
      [expect.any(String), true, undefined],
    ]);
    const outcome = await undoRun();
    expect(outcome).toMatchObject({ complete: true });
    expect(outcome.steps.map(({ state }) => state)).toEqual(["undone", "undone", "skipped", "undone"]);
    expect([...world.rows.values()]).toEqual([{ id: "T-1", tenant: "acme", region: "emea", status: "open", notes: "call Ms Doe" }]);
    expect((await undoRun()).steps.map(({ state, code }) => [state, code])).toEqual([
      ["skipped", "already_undone"],
      ["skipped", "already_undone"],
      ["skipped", "no_undo"],
      ["skipped", "already_undone"],
    ]);
  });

  test("stops at the first conflict and says what was and what was not undone", async () => {
    const first = await world.done("update_ticket", { id: "T-1", region: "amer" });
    const second = await world.done("update_ticket", { id: "T-1", status: "closed" });
    const third = await world.done("create_ticket", { id: "C-9", region: "emea", status: "new" });
    world.rows.set("T-1", { ...world.rows.get("T-1"), status: "spam" });
    const { complete, steps } = await undoRun();
    expect(complete).toBe(false);
    expect(steps).toMatchObject([
      { call: third, state: "undone" },
      { call: second, state: "changed", changes: [{ path: "status", now: "spam", conflict: true }] },
      { call: first, state: "not_tried" },
    ]);
    expect(world.rows.get("T-1")).toMatchObject({ region: "amer", status: "spam" });
  });
});
