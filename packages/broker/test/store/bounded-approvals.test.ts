import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { IntendOutcome } from "../../src/domain/audit.ts";
import type { Approval, ApprovalBounds } from "../../src/domain/approval.ts";
import { openStore, type Store } from "../../src/adapters/store/index.ts";
import { asOwner } from "../support/as-owner.ts";
import { type TestStore, testStore } from "../support/store.ts";
import { approvalOf, decided } from "./approval-sample.ts";
import { intentOf, refusalOf, sessionOf } from "./samples.ts";

const HOUR = 3_600_000;
const BOUNDED = { count: 1, also: [], stepUp: false, bounded: { uses: 100, forMs: HOUR } };

let opened: TestStore;
let other: Store;
beforeAll(async () => {
  opened = await testStore();
  other = await openStore({ databaseUrl: opened.databaseUrl, rootKey: opened.rootKey }, { brokerId: "other" });
  await opened.store.sessions.create(sessionOf({ tenant: "acme", id: "ses_live" }));
});
afterAll(async () => {
  await other.close();
  await opened.close();
});

/** A yes to so many calls of an agent of its own. */
async function standingYes(uses: number, more: Partial<ApprovalBounds> = {}, overrides: Partial<Approval> = {}): Promise<Approval> {
  const agent = `bailiwick://acme/prod/helpdesk/${randomUUID()}`;
  const approval = approvalOf({ agent, terms: BOUNDED, ...overrides });
  const bounds: ApprovalBounds = { uses, until: new Date(Date.now() + HOUR), within: "task", args: { id: { max: 9 } }, ...more };
  await opened.store.approvals.create(approval);
  await opened.store.approvals.answer(approval.tenant, approval.id, decided("approve", { bounds }));
  return approval;
}

function use(store: Store, bounded: string): Promise<IntendOutcome> {
  return store.log.intend("acme", intentOf(`call_${randomUUID()}`, "brk"), {
    session: "ses_live",
    reservations: [],
    rights: { bounded },
    instead: refusalOf,
  });
}

const found = ({ tenant, agent, user, operation }: Approval) => other.approvals.bounded({ tenant, agent, user, operation });

test("a yes to several calls is kept with its bounds and the arguments that were approved, less the call that asked", async () => {
  const approval = await standingYes(5);
  const [bounded] = await found(approval);
  expect(bounded).toMatchObject({ usesLeft: 4, args: approval.args, bounds: { uses: 5, within: "task", args: { id: { max: 9 } } } });
  expect(bounded?.approval.id).toBe(approval.id);
  expect(await use(other, approval.id)).toMatchObject({ ok: true });
  expect((await found(approval))[0]?.usesLeft).toBe(3);
});

test("of 64 calls at the same moment over two brokers exactly as many go as were given", async () => {
  const approval = await standingYes(21);
  const outcomes = await Promise.all(Array.from({ length: 64 }, (_, at) => use(at % 2 === 0 ? opened.store : other, approval.id)));
  expect(outcomes.filter(({ ok }) => ok)).toHaveLength(20);
  expect(outcomes.filter(({ ok }) => !ok)).toEqual(Array.from({ length: 44 }, () => ({ ok: false, why: "approval_gone" })));
  expect(await found(approval)).toEqual([]);
  const { rows } = await asOwner(opened.databaseUrl, "select uses_left from bailiwick.bounded_approvals where id = $1", [approval.id]);
  expect(rows).toEqual([{ uses_left: 0 }]);
});

test("a yes to one call, however it is worded, leaves none for others", async () => {
  const approval = await standingYes(1);
  expect(await found(approval)).toEqual([]);
  expect(await use(other, approval.id)).toEqual({ ok: false, why: "approval_gone" });
});

test("a yes that is taken back, or whose time is over, covers no call any more", async () => {
  const [revoked, over] = [await standingYes(5), await standingYes(5)];
  const taken = await Promise.all([opened.store, other].map((store) => store.approvals.revokeBounded("acme", revoked.id, new Date())));
  expect(taken.filter(Boolean)).toHaveLength(1);
  await asOwner(opened.databaseUrl, "update bailiwick.bounded_approvals set until = clock_timestamp() where id = $1", [over.id]);
  for (const approval of [revoked, over]) {
    expect(await found(approval)).toEqual([]);
    expect(await use(opened.store, approval.id)).toEqual({ ok: false, why: "approval_gone" });
  }
  const listed = await other.approvals.listBounded("acme");
  expect(listed.find(({ approval }) => approval.id === revoked.id)?.revokedAt).toBeInstanceOf(Date);
  expect(listed.map(({ approval }) => approval.id)).not.toContain(over.id);
});

test("the call that asked still has its own yes when the others' uses are spent", async () => {
  const approval = await standingYes(2);
  expect(await use(other, approval.id)).toMatchObject({ ok: true });
  expect(await use(other, approval.id)).toEqual({ ok: false, why: "approval_gone" });
  const own = await opened.store.log.intend("acme", intentOf(`call_${randomUUID()}`, "brk"), {
    session: "ses_live",
    reservations: [],
    rights: { approval: approval.id },
    instead: refusalOf,
  });
  expect(own).toMatchObject({ ok: true });
});

test.each([
  ["another agent", { agent: "bailiwick://acme/prod/helpdesk/nobody" }],
  ["another user", { user: "ben" }],
  ["another operation", { operation: { tool: "tickets", kind: "tool", name: "delete_ticket" } as const }],
  ["another tenant", { tenant: "globex" }],
])("a yes to several calls is not found for %s", async (_, changed) => {
  const approval = await standingYes(5);
  // Each is somebody the tenant knows.
  await opened.store.approvals.create(approvalOf({ ...changed }));
  expect(await found({ ...approval, ...changed })).toEqual([]);
});

test("another tenant's yes to several calls cannot be seen, used or taken back", async () => {
  const approval = await standingYes(5, {}, { tenant: "globex" });
  expect(await use(opened.store, approval.id)).toEqual({ ok: false, why: "approval_gone" });
  expect(await other.approvals.revokeBounded("acme", approval.id, new Date())).toBe(false);
  expect((await other.approvals.listBounded("acme")).map((each) => each.approval.id)).not.toContain(approval.id);
  expect((await found(approval))[0]?.usesLeft).toBe(4);
});

test("a call whose session ended takes no use", async () => {
  const approval = await standingYes(5);
  const outcome = await opened.store.log.intend("acme", intentOf(`call_${randomUUID()}`, "brk"), {
    session: "ses_gone",
    reservations: [],
    rights: { bounded: approval.id },
    instead: refusalOf,
  });
  expect(outcome).toEqual({ ok: false, why: "session_not_live" });
  expect((await found(approval))[0]?.usesLeft).toBe(4);
});

test("with the person it was asked for go the yes to several calls, who answered and what they said", async () => {
  const approval = await standingYes(5, {}, { user: "to be erased" });
  const rows = async (): Promise<readonly unknown[]> =>
    Promise.all(
      ["approvals where id", "approval_answers where approval", "bounded_approvals where id"].map(
        async (from) => (await asOwner(opened.databaseUrl, `select 1 from bailiwick.${from} = $1`, [approval.id])).count,
      ),
    );
  expect(await rows()).toEqual([1, 1, 1]);
  await opened.store.erasure.erase("acme", "to be erased", { reason: "asked", by: { person: "olaf" }, via: "passkey" });
  expect(await rows()).toEqual([0, 0, 0]);
  expect(await use(other, approval.id)).toEqual({ ok: false, why: "approval_gone" });
});
