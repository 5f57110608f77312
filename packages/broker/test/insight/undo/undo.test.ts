import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { viewCall, viewRecord } from "../../../src/insight/record-view.ts";
import { answerOf } from "../../store/approval-sample.ts";
import { testStore, type TestStore } from "../../support/store.ts";
import { changingWorld, OLAF, undoPolicy, undoWorld, type UndoWorld } from "./support.ts";

let db: TestStore;
beforeAll(async () => {
  db = await testStore();
});
afterAll(() => db.close());

const ticket = async (world: UndoWorld, status = "open"): Promise<string> => {
  const id = `T-${world.session.id}`;
  world.rows.set(id, { id, tenant: "acme", region: "emea", status });
  return id;
};
const approvers = (by: string): string => `role: support
reason: works the tickets
allow:
  - do: tickets:read
  - do: tickets:update
    approve: { by: [${by}] }
    rows: resource.status != "open"
  - do: tickets:update
    rows: resource.status == "open"
`;

describe("an undone update", () => {
  test("puts back the fields that the call wrote, and leaves others as somebody has made them since", async () => {
    const world = await undoWorld(db.store);
    const id = await ticket(world);
    const call = await world.done("update_ticket", { id, status: "closed" });
    world.rows.set(id, { ...world.rows.get(id), region: "amer" });
    expect(await world.undoing(call)).toMatchObject({ state: "undone" });
    expect(world.rows.get(id)).toEqual({ id, tenant: "acme", region: "amer", status: "open" });
  });

  test("is refused when somebody has changed such a field, with the three states of the record", async () => {
    const world = await undoWorld(db.store);
    const id = await ticket(world);
    const call = await world.done("update_ticket", { id, status: "closed", region: "amer" });
    world.rows.set(id, { ...world.rows.get(id), status: "spam" });
    expect(await world.undoing(call)).toMatchObject({
      state: "changed",
      code: "record_changed",
      changes: [
        { path: "region", before: "emea", after: "amer", now: "amer", conflict: false },
        { path: "status", before: "open", after: "closed", now: "spam", conflict: true },
      ],
    });
    expect(world.rows.get(id)).toMatchObject({ status: "spam", region: "amer" });
  });

  test("shows the same before anything is done, and what the policy says", async () => {
    const world = await undoWorld(db.store);
    const id = await ticket(world);
    const call = await world.done("update_ticket", { id, status: "closed" });
    const before = world.tool.effects.length;
    expect(await world.preview(call)).toEqual({
      verdict: "allow",
      changes: [{ path: "status", before: "open", after: "closed", now: "closed", conflict: false }],
    });
    expect(world.tool.effects.slice(before).map(({ name }) => name)).toEqual(["get_ticket"]);
  });

  test("is not possible when the field was not there before, since nothing takes one away", async () => {
    const world = await undoWorld(db.store);
    const id = await ticket(world);
    const call = await world.done("update_ticket", { id, notes: "angry" });
    expect(await world.undoing(call)).toMatchObject({ state: "impossible", code: "value_unknown" });
  });

  test("has nothing to do where the record was so before", async () => {
    const world = await undoWorld(db.store);
    const id = await ticket(world);
    const call = await world.done("update_ticket", { id, status: "open" });
    expect(await world.undoing(call)).toMatchObject({ state: "impossible", code: "nothing_changed" });
  });

  test("takes its arguments from where the catalog says", async () => {
    const world = await undoWorld(db.store);
    const id = await ticket(world, "waiting");
    const call = await world.done("close_ticket", { id });
    expect(await world.undoing(call)).toMatchObject({ state: "undone" });
    expect(world.rows.get(id)).toMatchObject({ status: "waiting" });
    expect(world.tool.effects.at(-1)).toMatchObject({ name: "update_ticket", args: { id, status: "waiting" } });
  });
});

describe("an undone create or delete", () => {
  test("takes away what was made, but not once somebody has worked on it", async () => {
    const world = await undoWorld(db.store);
    const [first, second] = [
      await world.done("create_ticket", { id: "C-1", region: "emea", status: "new" }),
      await world.done("create_ticket", { id: "C-2", region: "emea", status: "new" }),
    ];
    world.rows.set("C-2", { ...world.rows.get("C-2"), notes: "work has begun" });
    expect(await world.undoing(first)).toMatchObject({ state: "undone" });
    expect(await world.undoing(second)).toMatchObject({ state: "changed", code: "record_changed" });
    expect([...world.rows.keys()]).toEqual(["C-2"]);
  });

  test("makes what was deleted anew with all its fields, and is refused by a tool that has it again", async () => {
    const world = await undoWorld(db.store);
    const id = await ticket(world);
    const was = { ...world.rows.get(id) };
    const call = await world.done("delete_ticket", { id });
    world.rows.set(id, { id, tenant: "acme", region: "apac", status: "theirs" });
    expect(await world.undoing(call)).toMatchObject({ state: "failed" });
    world.rows.delete(id);
    expect(await world.undoing(call)).toMatchObject({ state: "undone" });
    expect(world.rows.get(id)).toEqual(was);
  });
});

describe("the undo is a call like every other", () => {
  test("its records name the call, the person and the agent, and the undone call names its undo", async () => {
    const world = await undoWorld(db.store);
    const id = await ticket(world);
    const call = await world.done("update_ticket", { id, status: "closed" });
    const outcome = await world.undoing(call);
    if (outcome.state !== "undone") throw new Error("it is undone");
    const records = (await db.store.log.recordsOf("acme", [outcome.undo])).map(viewRecord);
    expect(records.map(({ kind }) => kind)).toEqual(["lookup", "intent", "outcome"]);
    for (const { body } of records)
      expect(body).toMatchObject({ undoes: call, by: "olaf", agent: world.session.agent, run: world.session.run });
    expect(viewCall(records)).toMatchObject({ status: "succeeded", undoes: call, user: "u-17" });
    const own = (await db.store.log.recordsOf("acme", [call])).map(viewRecord);
    expect(own.at(-1)?.body).toMatchObject({ event: "call.undo", undo: outcome.undo, by: "olaf" });
    for (const { text } of await db.store.log.recordsOf("acme", [call, outcome.undo])) expect(text).not.toMatch(/olaf|a slip/u);
  });

  test("nobody can use its session: no token is given for it, and the sessions of agents are others", async () => {
    const world = await undoWorld(db.store);
    const id = await ticket(world);
    const outcome = await world.undoing(await world.done("update_ticket", { id, status: "closed" }));
    if (outcome.state !== "undone") throw new Error("it is undone");
    const [record] = (await db.store.log.recordsOf("acme", [outcome.undo])).map(viewRecord);
    const session = await db.store.sessions.find("acme", record?.body.session ?? "");
    expect(session).toMatchObject({ grant: "undo", scope: ["tickets:update"], user: "u-17", task: world.session.task });
    expect(session?.undo?.by).toEqual({ person: "olaf" });
  });

  test("policy may refuse it", async () => {
    let policy = undoPolicy();
    const world = await changingWorld(db.store, () => policy);
    const id = await ticket(world);
    const call = await world.done("update_ticket", { id, status: "closed" });
    policy = undoPolicy({ "roles/support.yaml": "role: support\nreason: only reads\nallow:\n  - do: tickets:read\n" });
    expect(await world.preview(call)).toMatchObject({ verdict: "deny", code: "no_grant" });
    expect(await world.undoing(call)).toMatchObject({ state: "refused", code: "no_grant" });
    expect(world.rows.get(id)).toMatchObject({ status: "closed" });
  });

  test("policy may ask people; asked again after their yes it runs, once, and not once the record has changed", async () => {
    const policy = undoPolicy({ "roles/support.yaml": approvers("support-lead") });
    const world = await undoWorld(db.store, () => policy);
    const id = await ticket(world);
    const call = await world.done("update_ticket", { id, status: "closed" });
    const asked = await world.undoing(call);
    if (asked.state !== "pending") throw new Error("people are asked");
    expect(asked.approvers).toEqual(["support-lead"]);
    expect(world.rows.get(id)).toMatchObject({ status: "closed" });
    const approval = await db.store.approvals.find("acme", asked.approval);
    expect(approval).toMatchObject({ undo: { call, by: { person: "olaf" } }, statedReason: `undoes \`${call}\`: a slip` });
    await yes(asked.approval);
    world.rows.set(id, { ...world.rows.get(id), status: "spam" });
    expect(await world.undoing(call)).toMatchObject({ state: "changed" });
    world.rows.set(id, { ...world.rows.get(id), status: "closed" });
    expect(await world.undoing(call)).toMatchObject({ state: "undone" });
    expect(world.rows.get(id)).toMatchObject({ status: "open" });
  });

  test("the agent cannot take the yes that was given to an undo for a call of its own", async () => {
    const policy = undoPolicy({ "roles/support.yaml": approvers("support-lead") });
    const world = await undoWorld(db.store, () => policy);
    const id = await ticket(world);
    const call = await world.done("update_ticket", { id, status: "closed" });
    const asked = await world.undoing(call);
    if (asked.state !== "pending") throw new Error("people are asked");
    await yes(asked.approval);
    const own = await world.call("update_ticket", { id, status: "open" });
    expect(own).toMatchObject({ kind: "pending" });
    expect(own.kind === "pending" && own.approval.id).not.toBe(asked.approval);
  });

  test("of many who undo one call at a time one comes through", async () => {
    const world = await undoWorld(db.store);
    const id = await ticket(world);
    const call = await world.done("delete_ticket", { id });
    const before = world.tool.effects.filter(({ name }) => name === "create_ticket").length;
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => world.undoing(call)));
    expect(outcomes.filter(({ state }) => state === "undone")).toHaveLength(1);
    expect(outcomes.filter(({ state }) => state === "refused" || state === "impossible")).toHaveLength(7);
    expect(world.tool.effects.filter(({ name }) => name === "create_ticket").length - before).toBe(1);
  });

  test("two brokers that looked at the call before either undid it do not both undo it", async () => {
    const world = await undoWorld(db.store);
    const id = await ticket(world);
    const call = await world.done("delete_ticket", { id });
    const { lookAtUndo, undoCall } = await import("../../../src/insight/undo/undo-call.ts");
    const looks = [await lookAtUndo(world.undo, "acme", call), await lookAtUndo(world.undo, "acme", call)];
    const states = [];
    for (const looked of looks) if (looked?.possible === true) states.push((await undoCall(world.undo, looked, OLAF)).state);
    expect(states).toEqual(["undone", "refused"]);
  });
});

describe("a call that cannot be undone says why", () => {
  test("undone already, until its undo is undone", async () => {
    const world = await undoWorld(db.store);
    const id = await ticket(world);
    const call = await world.done("update_ticket", { id, status: "closed" });
    const undone = await world.undoing(call);
    if (undone.state !== "undone") throw new Error("it is undone");
    expect(await world.undoing(call)).toMatchObject({ state: "impossible", code: "already_undone" });
    expect(await world.undoing(undone.undo)).toMatchObject({ state: "undone" });
    expect(world.rows.get(id)).toMatchObject({ status: "closed" });
    expect(await world.undoing(call)).toMatchObject({ state: "undone" });
    expect(world.rows.get(id)).toMatchObject({ status: "open" });
  });

  test("no undo in the catalog, only a read, refused, or of unknown outcome", async () => {
    const world = await undoWorld(db.store);
    const id = await ticket(world);
    const codes = async (callId: string | undefined): Promise<unknown> => world.undoing(callId ?? "");
    expect(await codes(await world.done("send_note", { text: "hello" }))).toMatchObject({ code: "no_undo" });
    expect(await codes(await world.done("get_ticket", { id }))).toMatchObject({ code: "nothing_changed" });
    expect(await codes((await world.call("update_ticket", { id: "none", status: "x" })).callId)).toMatchObject({ code: "not_succeeded" });
    const real = world.tool.answer;
    world.tool.answer = (name, args) => {
      if (name === "update_ticket") throw new Error("the line is gone");
      return real(name, args);
    };
    const lost = await world.call("update_ticket", { id, status: "closed" });
    expect(lost.kind).toBe("unknown");
    expect(await codes(lost.callId)).toMatchObject({ code: "outcome_unknown" });
  });

  test("an action that the policy no longer has, and facts that were erased", async () => {
    let policy = undoPolicy();
    const world = await changingWorld(db.store, () => policy);
    const id = await ticket(world);
    const call = await world.done("update_ticket", { id, status: "closed" });
    policy = undoPolicy({
      "tools/tickets.yaml":
        'tool: tickets\nconnect: { mcp: { command: [unused] } }\nactions:\n  ping: { is: "tickets:ping", effect: read, args: {} }\n',
    });
    expect(await world.undoing(call)).toMatchObject({ state: "impossible", code: "action_gone" });
    policy = undoPolicy();
    const { recordedCall } = await import("../../../src/insight/undo/recorded-call.ts");
    const { proposeUndo } = await import("../../../src/insight/undo/propose-undo.ts");
    const found = await recordedCall({ recordsOf: db.store.log.recordsOf, facts: () => Promise.resolve(undefined) }, "acme", call);
    if (found === undefined) throw new Error("the call is there");
    const standing = { undoneBy: undefined, underWay: undefined, unknown: undefined, begun: 0 };
    expect(proposeUndo(policy, found.call, standing)).toMatchObject({ ok: false, code: "facts_erased" });
  });
});

/** A yes of a person who may give it. */
async function yes(id: string): Promise<void> {
  await db.store.approvals.answer("acme", id, { answer: answerOf("approve"), seen: 0, state: "approved" });
  expect(await db.store.approvals.find("acme", id)).toMatchObject({ state: "approved" });
}
