import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAgentSurface } from "../../src/call/agent-surface.ts";
import { argumentsDigest } from "../../src/call/identify.ts";
import type { CallAnswer } from "../../src/call/types.ts";
import type { Approval } from "../../src/domain/approval.ts";
import { bearer } from "../plain-session.ts";
import { decided } from "../store/approval-sample.ts";
import { asOwner } from "../support/as-owner.ts";
import { testStore, type TestStore } from "../support/store.ts";
import { silentIo, testPolicy, world, type World } from "./support.ts";

let db: TestStore;
beforeAll(async () => {
  db = await testStore();
});
afterAll(() => db.close());

const held = (answer: CallAnswer): Approval => {
  if (answer.kind !== "pending") throw new Error(`expected a held call, got ${JSON.stringify(answer)}`);
  return answer.approval;
};
const approve = (approval: Approval, args?: Approval["args"]) =>
  db.store.approvals.answer(
    "acme",
    approval.id,
    decided("approve", args === undefined ? {} : { args, argsDigest: argumentsDigest(approval.operation, args) }),
  );
const deny = (approval: Approval, reason: string) => db.store.approvals.answer("acme", approval.id, decided("deny", { reason }));
const deletions = (each: World) => each.tool.effects.filter((effect) => effect.name === "delete_ticket").length;
const resume = (each: World, ticket: string, token = each.session.id) =>
  createAgentSurface(each.ports, () => () => undefined).resume(ticket, {
    presented: bearer(token),
    peer: "127.0.0.1",
    io: silentIo(),
    patience: { waitMs: 0 },
  });

describe("a held call", () => {
  test("does not reach the tool, says what it asks and is recorded as a hold", async () => {
    const each = await world(db.store);
    const approval = held(await each.call("delete_ticket", { id: "T-1" }, { statedReason: "customer asked" }));
    expect(deletions(each)).toBe(0);
    expect(approval).toMatchObject({
      state: "pending",
      approvers: ["support-lead"],
      statedReason: "customer asked",
      resource: { type: "Ticket", id: "T-1" },
    });
    expect(approval.rules[0]?.at).toMatchObject({ file: "roles/support.yaml" });
    const records = await db.store.log.query("acme", { callId: approval.callId, limit: 10 });
    expect(records.map((record) => record.kind).toReversed()).toEqual(["lookup", "hold"]);
  });

  test("repeated identically finds the same ticket", async () => {
    const each = await world(db.store);
    const first = held(await each.call("delete_ticket", { id: "T-1" }));
    expect(held(await each.call("delete_ticket", { id: "T-1" })).id).toBe(first.id);
  });

  test("that joins an approval asked for before is recorded as held too, and is under way no longer", async () => {
    const each = await world(db.store);
    const first = held(await each.call("delete_ticket", { id: "T-1" }));
    const again = await each.call("delete_ticket", { id: "T-1" });
    const records = await db.store.log.recordsOf("acme", [again.callId ?? ""]);
    expect(records.map((record) => record.kind)).toEqual(["lookup", "hold"]);
    expect(JSON.parse(records[1]?.text ?? "")).toMatchObject({ approval: first.id });
    expect((await db.store.log.inFlight("acme")).map(({ callId }) => callId)).not.toContain(again.callId);
  });

  test("with other arguments asks anew", async () => {
    const each = await world(db.store);
    const first = held(await each.call("delete_ticket", { id: "T-1" }));
    expect(held(await each.call("delete_ticket", { id: "T-2" })).id).not.toBe(first.id);
  });

  test("runs once after the yes, and the ticket is spent", async () => {
    const each = await world(db.store);
    const approval = held(await each.call("delete_ticket", { id: "T-1" }));
    await approve(approval);
    expect((await resume(each, approval.id)).kind).toBe("result");
    expect(await resume(each, approval.id)).toMatchObject({ kind: "refused", code: "approval_used" });
    expect(deletions(each)).toBe(1);
  });

  test("resumed twice at the same moment still runs once", async () => {
    const each = await world(db.store);
    const approval = held(await each.call("delete_ticket", { id: "T-1" }));
    await approve(approval);
    const answers = await Promise.all([resume(each, approval.id), resume(each, approval.id), resume(each, approval.id)]);
    expect(answers.filter((answer) => answer.kind === "result")).toHaveLength(1);
    expect(deletions(each)).toBe(1);
  });

  test("after a no is refused with the person's reason", async () => {
    const each = await world(db.store);
    const approval = held(await each.call("delete_ticket", { id: "T-1" }));
    await deny(approval, "keep it for the audit");
    expect(await resume(each, approval.id)).toMatchObject({
      kind: "refused",
      code: "approval_denied",
      message: expect.stringContaining("keep it for the audit") as string,
    });
    expect(deletions(each)).toBe(0);
  });

  test("waits on the line as long as it has patience, and goes on by itself after the yes", async () => {
    const each = await world(db.store);
    const answer = await each.call(
      "delete_ticket",
      { id: "T-1" },
      { patience: { waitMs: 20_000, onHeld: (approval) => void approve(approval) } },
    );
    expect(answer.kind).toBe("result");
    expect(deletions(each)).toBe(1);
  });

  test("cannot be resumed by another agent, user or task", async () => {
    const each = await world(db.store);
    const stranger = await world(db.store);
    const approval = held(await each.call("delete_ticket", { id: "T-1" }));
    await approve(approval);
    await db.store.sessions.create({ ...stranger.session, id: `${stranger.session.id}_other`, user: "u-99" });
    expect(await resume(each, approval.id, `${stranger.session.id}_other`)).toMatchObject({ kind: "refused", code: "approval_unknown" });
    expect(deletions(each)).toBe(0);
  });

  test("asks again when the record changed after the yes", async () => {
    const each = await world(db.store);
    const approval = held(await each.call("delete_ticket", { id: "T-1" }));
    await approve(approval);
    await each.tool.answer("update_ticket", { id: "T-1", status: "closed" });
    expect(held(await resume(each, approval.id)).id).not.toBe(approval.id);
    expect(deletions(each)).toBe(0);
  });

  test("asks again when the policy changed after the yes", async () => {
    let policy = testPolicy();
    const each = await world(db.store, (ports) => ({ ...ports, policy: () => policy }));
    const approval = held(await each.call("delete_ticket", { id: "T-1" }));
    await approve(approval);
    policy = testPolicy({
      "policies/extra.cedar":
        '@id("never-t-9")\n@reason("kept")\nforbid (principal, action in Action::"tickets:delete", resource) when { context.session.task == "T-9" };\n',
    });
    expect(held(await resume(each, approval.id)).id).not.toBe(approval.id);
  });

  test("is denied at once when the policy now denies it", async () => {
    let policy = testPolicy();
    const each = await world(db.store, (ports) => ({ ...ports, policy: () => policy }));
    const approval = held(await each.call("delete_ticket", { id: "T-1" }));
    await approve(approval);
    policy = testPolicy({
      "agents/support.yaml":
        'agent: support\nworkflow: helpdesk\nowner: dana\ntenants: [acme, globex]\nenvironments: [prod]\nroles: [support]\nceiling: { allow: ["tickets:read"] }\n',
    });
    expect(await resume(each, approval.id)).toMatchObject({ kind: "refused", code: "outside_ceiling" });
    expect(deletions(each)).toBe(0);
  });
});

describe("an edited approval", () => {
  const asking = {
    "roles/support.yaml": `role: support
reason: asks for each update
allow:
  - do: tickets:read
  - do: tickets:update
    rows: resource.region == "emea"
    fields: { write: [status] }
    approve: { by: [support-lead], expires: 30m }
`,
  };

  test("runs with the arguments the person approved", async () => {
    const each = await world(db.store, undefined, testPolicy(asking));
    const approval = held(await each.call("update_ticket", { id: "T-1", status: "closed" }));
    expect(approval.diff).toEqual([{ path: "status", before: "open", after: "closed" }]);
    await approve(approval, { id: "T-1", status: "pending" });
    expect((await resume(each, approval.id)).kind).toBe("result");
    expect(each.tool.effects.filter((effect) => effect.name === "update_ticket")).toEqual([
      { name: "update_ticket", args: { id: "T-1", status: "pending" } },
    ]);
  });

  test("is refused when policy denies the edited arguments", async () => {
    const each = await world(db.store, undefined, testPolicy(asking));
    const approval = held(await each.call("update_ticket", { id: "T-1", status: "closed" }));
    await approve(approval, { id: "T-1", region: "amer" });
    expect(await resume(each, approval.id)).toMatchObject({ kind: "refused", code: "field_not_permitted" });
    expect(each.tool.effects.some((effect) => effect.name === "update_ticket")).toBe(false);
  });

  test("is refused when it names another record than the one shown", async () => {
    const each = await world(
      db.store,
      undefined,
      testPolicy({ "roles/support.yaml": asking["roles/support.yaml"].replace('    rows: resource.region == "emea"\n', "") }),
    );
    const approval = held(await each.call("update_ticket", { id: "T-1", status: "closed" }));
    await approve(approval, { id: "T-2", status: "closed" });
    expect(await resume(each, approval.id)).toMatchObject({ kind: "refused", code: "approval_stale" });
    expect(each.tool.effects.some((effect) => effect.name === "update_ticket")).toBe(false);
  });
});

test("a yes whose time is over is refused, and the call asks again", async () => {
  const each = await world(db.store);
  const approval = held(await each.call("delete_ticket", { id: "T-1" }));
  await approve(approval);
  await asOwner(db.databaseUrl, "update bailiwick.approvals set expires_at = clock_timestamp() where id = $1", [approval.id]);
  expect(await resume(each, approval.id)).toMatchObject({ kind: "refused", code: "approval_expired" });
  expect(held(await each.call("delete_ticket", { id: "T-1" })).id).not.toBe(approval.id);
  expect(deletions(each)).toBe(0);
});

test("a ticket that does not exist opens nothing", async () => {
  const each = await world(db.store);
  expect(await resume(each, "apr_nothing")).toMatchObject({ kind: "refused", code: "approval_unknown" });
});

test("a ticket that no database text can hold opens nothing, and is no failure of the store", async () => {
  const each = await world(db.store);
  for (const ticket of ["apr_\0", "apr_\ud800"])
    expect(await resume(each, ticket)).toMatchObject({ kind: "refused", code: "approval_unknown" });
});
