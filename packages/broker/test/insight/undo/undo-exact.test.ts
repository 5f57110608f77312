import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { testStore, type TestStore } from "../../support/store.ts";
import { changingWorld, TICKETS_FILE, undoPolicy, undoWorld, type UndoWorld } from "./support.ts";

let db: TestStore;
beforeAll(async () => {
  db = await testStore();
});
afterAll(() => db.close());

async function changedTicket(world: UndoWorld, notes: string): Promise<{ readonly id: string; readonly call: string }> {
  const id = `T-${world.session.id}`;
  world.rows.set(id, { id, tenant: "acme", region: "emea", status: "open", notes });
  return { id, call: await world.done("update_ticket", { id, notes: "tidied up" }) };
}

describe("what an undo writes back is what was there", () => {
  const withTokens = undoPolicy({
    "tools/tickets.yaml": TICKETS_FILE.replace("is: tickets:update\n", "is: tickets:update\n    tokens: [args.notes]\n"),
  });

  test.each([["{email-1}"], ["{email-99}"]])(
    "also where somebody wrote `%s` into the record, which is a token of the run or of none",
    async (text) => {
      const world = await undoWorld(db.store, () => withTokens);
      const { tenant, run, user } = world.session;
      await db.store.tokens.assign({ tenant, run, user }, [{ name: "email", value: "jane@acme.example" }]);
      const { id, call } = await changedTicket(world, `write to ${text}`);
      expect(await world.undoing(call)).toMatchObject({ state: "undone" });
      expect(world.rows.get(id)).toMatchObject({ notes: `write to ${text}` });
    },
  );

  test("or nothing, where a rule on texts would mask it", async () => {
    const policy = undoPolicy({
      "roles/support.yaml": `role: support
reason: works the tickets
allow:
  - do: tickets:read
  - do: tickets:update
    content: { arguments: [{ find: [email], in: [args.notes], do: redact }] }
`,
    });
    const world = await undoWorld(db.store, () => policy);
    const { id, call } = await changedTicket(world, "write to jane@acme.example");
    expect(await world.preview(call)).toMatchObject({ verdict: "deny", code: "content_refused" });
    expect(await world.undoing(call)).toMatchObject({ state: "refused", code: "content_refused" });
    expect(world.rows.get(id)).toMatchObject({ notes: "tidied up" });
  });
});

describe("an undo whose arguments do not say what it writes", () => {
  const reopening = undoPolicy({
    "tools/tickets.yaml": TICKETS_FILE.replace(
      /undo: \{ do: update_ticket[^\n]*\n/u,
      "undo: { do: reopen_ticket, args: { id: args.id } }\n",
    ),
  });
  const cancelling = undoPolicy({
    "tools/tickets.yaml": TICKETS_FILE.replace("undo: delete_ticket", "undo: { do: close_ticket, args: { id: after.id } }"),
  });

  test("is refused when somebody has changed a field that the call had changed, and only then", async () => {
    const world = await undoWorld(db.store, () => reopening);
    const id = `T-${world.session.id}`;
    world.rows.set(id, { id, tenant: "acme", region: "emea", status: "open" });
    const call = await world.done("close_ticket", { id });
    world.rows.set(id, { ...world.rows.get(id), status: "spam" });
    expect(await world.undoing(call)).toMatchObject({ state: "changed", changes: [{ path: "status", now: "spam", conflict: true }] });
    expect(world.rows.get(id)).toMatchObject({ status: "spam" });
    world.rows.set(id, { ...world.rows.get(id), status: "closed", region: "amer" });
    expect(await world.undoing(call)).toMatchObject({ state: "undone" });
    expect(world.rows.get(id)).toMatchObject({ status: "open", region: "amer" });
  });

  test("is refused when anything of a record has changed that the call had made", async () => {
    const world = await undoWorld(db.store, () => cancelling);
    const id = `C-${world.session.id}`;
    const call = await world.done("create_ticket", { id, region: "emea", status: "new" });
    world.rows.set(id, { ...world.rows.get(id), notes: "work has begun" });
    expect(await world.undoing(call)).toMatchObject({
      state: "changed",
      changes: expect.arrayContaining([expect.objectContaining({ path: "notes", conflict: true })]),
    });
    expect(world.rows.get(id)).toMatchObject({ status: "new" });
  });
});

test("the session of an undo lives no longer and has no larger budgets than the policy gives sessions of its agent", async () => {
  const policy = undoPolicy({
    "agents/support.yaml": `agent: support
workflow: helpdesk
owner: dana
tenants: [acme, globex]
environments: [prod]
roles: [support]
ceiling: { allow: ["tickets:*"] }
session: { maxTtl: 1m, limits: { calls: 7 } }
`,
  });
  const world = await undoWorld(db.store, () => policy);
  const { call } = await changedTicket(world, "as it was");
  const outcome = await world.undoing(call);
  const undo = outcome.state === "undone" ? outcome.undo : expect.fail();
  const [record] = await db.store.log.recordsOf("acme", [undo]);
  const { session } = JSON.parse(record?.text ?? "{}") as { session: string };
  const found = await db.store.sessions.find("acme", session);
  expect(found).toMatchObject({ grant: "undo", limits: { calls: 7 } });
  expect(Number(found?.expiresAt) - Number(found?.issuedAt)).toBe(60_000);
});

test("an undo that a limit refused can be asked for again: the attempt took nothing", async () => {
  const limited = (limits: string) =>
    undoPolicy({
      "roles/support.yaml": `role: support\nreason: works the tickets\nallow:\n  - do: tickets:read\n  - do: tickets:update\n    limits: ${limits}\n`,
    });
  let policy = limited("{ perDay: 1 }");
  const world = await changingWorld(db.store, () => policy);
  const { id, call } = await changedTicket(world, "as it was");
  expect(await world.undoing(call)).toMatchObject({ state: "refused", code: "rate_limited" });
  policy = limited("{ perDay: 100 }");
  expect(await world.undoing(call)).toMatchObject({ state: "undone" });
  expect(world.rows.get(id)).toMatchObject({ notes: "as it was" });
});

test("what a stopped agent did is not undone in its name, until the stop is lifted", async () => {
  const world = await undoWorld(db.store);
  const { id, call } = await changedTicket(world, "as it was");
  const stop = { tenant: "acme", kind: "agent", name: world.session.agent } as const;
  await db.store.stops.put({ ...stop, state: "suspended", by: "olaf", reason: "it misbehaves", at: new Date() });
  await expect(world.undoing(call)).rejects.toMatchObject({ code: "session_ended" });
  expect(world.rows.get(id)).toMatchObject({ notes: "tidied up" });
  await db.store.stops.lift(stop.tenant, stop.kind, stop.name);
  expect(await world.undoing(call)).toMatchObject({ state: "undone" });
});
