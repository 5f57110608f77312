import type { Policy } from "@bailiwick/policy";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CallAnswer } from "../../src/call/types.ts";
import type { Approval } from "../../src/domain/approval.ts";
import { answerOf, decided } from "../store/approval-sample.ts";
import { saidBy } from "../support/said.ts";
import { testStore, type TestStore } from "../support/store.ts";
import { testPolicy, world, type World } from "./support.ts";

let db: TestStore;
beforeAll(async () => {
  db = await testStore();
});
afterAll(() => db.close());

const PEOPLE = `version: 1
tenants: [acme, globex]
environments: { prod: {} }
people:
  dana: { name: Dana, email: dana@acme.example, tenants: [acme], roles: [support-lead] }
  sam: { name: Sam, email: sam@acme.example, tenants: [acme], roles: [security] }
  olga: { name: Olga, email: olga@acme.example, tenants: [acme], roles: [operator] }
`;
/** Who must answer depends on the record. */
const byStatus = testPolicy({
  "bailiwick.yaml": PEOPLE,
  "roles/support.yaml": `role: support
reason: deletes tickets, of closed ones security decides
allow:
  - do: tickets:read
  - do: tickets:delete
    rows: resource.status == "open"
    approve: { by: [support-lead], expires: 30m }
  - do: tickets:delete
    rows: resource.status == "closed"
    approve: { by: [security], expires: 30m }
  - do: tickets:delete
    rows: resource.status == "spam"
`,
});
const another = (): Policy =>
  testPolicy({
    "policies/extra.cedar":
      '@id("never-t-9")\n@reason("kept")\nforbid (principal, action in Action::"tickets:delete", resource) when { context.session.task == "T-9" };\n',
  });

const held = (answer: CallAnswer): Approval => {
  if (answer.kind !== "pending") throw new Error(`expected a held call, got ${JSON.stringify(answer)}`);
  return answer.approval;
};
const approve = (approval: Approval) => db.store.approvals.answer("acme", approval.id, decided("approve"));
const close = ({ tool }: World, status = "closed") => tool.answer("update_ticket", { id: "T-1", status });
const deletions = ({ tool }: World) => tool.effects.filter(({ name }) => name === "delete_ticket").length;
const stateOf = async ({ id }: Approval) => (await db.store.approvals.find("acme", id))?.state;

describe("a call that comes again after its yes", () => {
  test("and finds another record asks anew, withdraws the old question and shows what has changed since", async () => {
    const each = await world(db.store);
    const first = held(await each.call("delete_ticket", { id: "T-1" }));
    await approve(first);
    await close(each);
    const second = held(await each.call("delete_ticket", { id: "T-1" }));
    expect(second.supersedes).toEqual({
      id: first.id,
      because: ["record"],
      changes: [{ path: "status", before: "open", after: "closed" }],
    });
    expect([await stateOf(first), await stateOf(second)]).toEqual(["cancelled", "pending"]);
    expect((await db.store.approvals.find("acme", second.id))?.supersedes).toEqual(second.supersedes);
    expect(deletions(each)).toBe(0);
  });

  test("and finds another policy says so, without a difference of the record", async () => {
    let policy = testPolicy();
    const each = await world(db.store, (ports) => ({ ...ports, policy: () => policy }));
    const first = held(await each.call("delete_ticket", { id: "T-1" }));
    await approve(first);
    policy = another();
    expect(held(await each.call("delete_ticket", { id: "T-1" })).supersedes).toEqual({ id: first.id, because: ["policy"], changes: [] });
  });

  test("and must be answered by others now says that too, and the first yes is worth nothing", async () => {
    const each = await world(db.store, undefined, byStatus);
    const first = held(await each.call("delete_ticket", { id: "T-1" }));
    await approve(first);
    await close(each);
    const second = held(await each.call("delete_ticket", { id: "T-1" }));
    expect(second.supersedes?.because).toEqual(["record", "approvers"]);
    expect([first.approvers, second.approvers]).toEqual([["support-lead"], ["security"]]);
    expect(deletions(each)).toBe(0);
  });

  test("while the question waits still asks anew, because people look at what is no longer so", async () => {
    const each = await world(db.store);
    const first = held(await each.call("delete_ticket", { id: "T-1" }));
    await close(each);
    const second = held(await each.call("delete_ticket", { id: "T-1" }));
    expect(second.supersedes?.id).toBe(first.id);
    expect(await db.store.approvals.answer("acme", first.id, decided("approve"))).toEqual({ ok: false, why: "ended", state: "cancelled" });
  });

  test("after a no is refused with it while nothing has changed, and asks anew once something has", async () => {
    const each = await world(db.store);
    const first = held(await each.call("delete_ticket", { id: "T-1" }));
    await db.store.approvals.answer("acme", first.id, decided("deny", { reason: "it is the evidence" }));
    expect(await each.call("delete_ticket", { id: "T-1" })).toMatchObject({ kind: "refused", code: "approval_denied" });
    await close(each);
    const second = held(await each.call("delete_ticket", { id: "T-1" }));
    expect(second.supersedes).toMatchObject({ id: first.id, because: ["record"] });
    expect(await stateOf(first)).toBe("denied");
  });
});

describe("a call that waits on the line", () => {
  /** Runs the call; `steps` are done one at each question that people are shown. */
  async function asked(
    each: World,
    ...steps: ((approval: Approval) => Promise<unknown>)[]
  ): Promise<{ answer: CallAnswer; shown: Approval[] }> {
    const shown: Approval[] = [];
    const answer = await each.call(
      "delete_ticket",
      { id: "T-1" },
      {
        patience: {
          waitMs: 30_000,
          onHeld: (approval) => {
            shown.push(approval);
            void steps[shown.length - 1]?.(approval);
          },
        },
      },
    );
    return { answer, shown };
  }

  test("asks again when the record changed while people thought, and runs on the yes to what holds now", async () => {
    const each = await world(db.store);
    const { answer, shown } = await asked(
      each,
      async (approval) => {
        await close(each);
        await approve(approval);
      },
      approve,
    );
    expect(answer.kind).toBe("result");
    expect(shown).toHaveLength(2);
    expect(shown[1]?.supersedes).toMatchObject({ id: shown[0]?.id, because: ["record"], changes: [{ path: "status", after: "closed" }] });
    expect(shown[1]?.callId).toBe(shown[0]?.callId);
    expect(deletions(each)).toBe(1);
    const records = await db.store.log.recordsOf("acme", [answer.callId ?? ""]);
    const intent = records.find(({ kind }) => kind === "intent");
    expect(intent === undefined ? undefined : saidBy(intent)).toMatchObject({ approval: shown[1]?.id });
    expect(records.filter(({ kind }) => kind === "hold")).toHaveLength(2);
  });

  test("asks those who must answer now, when the record they are asked about became another", async () => {
    const each = await world(db.store, undefined, byStatus);
    const { answer, shown } = await asked(
      each,
      async (approval) => {
        await close(each);
        await approve(approval);
      },
      (approval) => db.store.approvals.answer("acme", approval.id, decided("deny", { by: "sam", roles: ["security"], reason: "no" })),
    );
    expect(answer).toMatchObject({ kind: "refused", code: "approval_denied" });
    expect(shown.map(({ approvers }) => approvers)).toEqual([["support-lead"], ["security"]]);
    expect(deletions(each)).toBe(0);
  });

  test("asks again when the policy changed while people thought", async () => {
    let policy = testPolicy();
    const each = await world(db.store, (ports) => ({ ...ports, policy: () => policy }));
    const { answer, shown } = await asked(
      each,
      async (approval) => {
        policy = another();
        await approve(approval);
      },
      approve,
    );
    expect(answer.kind).toBe("result");
    expect(shown[1]?.supersedes).toMatchObject({ because: ["policy"] });
    expect(deletions(each)).toBe(1);
  });

  test("is refused when the policy denies it by the time somebody says yes", async () => {
    let policy = testPolicy();
    const each = await world(db.store, (ports) => ({ ...ports, policy: () => policy }));
    const { answer, shown } = await asked(each, async (approval) => {
      policy = testPolicy({
        "agents/support.yaml":
          'agent: support\nworkflow: helpdesk\nowner: dana\ntenants: [acme, globex]\nenvironments: [prod]\nroles: [support]\nceiling: { allow: ["tickets:read"] }\n',
      });
      await approve(approval);
    });
    expect(answer).toMatchObject({ kind: "refused", code: "outside_ceiling" });
    expect(shown).toHaveLength(1);
    expect(deletions(each)).toBe(0);
  });

  test("goes on when policy has come to allow it, and withdraws the yes, which no other call can use then", async () => {
    const each = await world(db.store, undefined, byStatus);
    const { answer, shown } = await asked(each, async (approval) => {
      await close(each, "spam");
      await approve(approval);
    });
    expect(answer.kind).toBe("result");
    const first = shown[0];
    if (first === undefined) throw new Error("nobody was asked");
    expect(await stateOf(first)).toBe("cancelled");
    expect(deletions(each)).toBe(1);
  });
});

describe("a call that several people answer for", () => {
  const twoPeople = testPolicy({
    "bailiwick.yaml": PEOPLE,
    "roles/support.yaml": `role: support
reason: two people decide
allow:
  - do: tickets:read
  - do: tickets:delete
    approve: { by: [support-lead], also: [{ by: [security], count: 1 }], stepUp: true, expires: 30m, escalate: { after: 10m, to: [operator] }, bounded: { uses: 3, for: 1h } }
`,
  });

  test("asks with the terms of the policy, and waits until all have said yes", async () => {
    const each = await world(db.store, undefined, twoPeople);
    const approval = held(await each.call("delete_ticket", { id: "T-1" }));
    expect(approval.terms).toEqual({
      count: 1,
      also: [{ by: ["security"], count: 1 }],
      stepUp: true,
      escalate: { afterMs: 600_000, to: ["operator"] },
      bounded: { uses: 3, forMs: 3_600_000 },
    });
    await db.store.approvals.answer("acme", approval.id, { answer: answerOf("approve"), seen: 0, state: "pending" });
    expect(held(await each.call("delete_ticket", { id: "T-1" })).id).toBe(approval.id);
    expect(deletions(each)).toBe(0);
    const second = answerOf("approve", { by: "sam", roles: ["security"] });
    await db.store.approvals.answer("acme", approval.id, { answer: second, seen: 1, state: "approved" });
    const answer = await each.call("delete_ticket", { id: "T-1" });
    expect(answer.kind).toBe("result");
    const [intent] = await db.store.log.query("acme", { callId: answer.callId ?? "", kind: "intent", limit: 1 });
    expect(intent === undefined ? undefined : saidBy(intent)).toMatchObject({
      approval: approval.id,
      approvals: [{ approval: approval.id }, { approval: approval.id }],
      approvedBy: ["dana", "sam"],
    });
  });
});
