import { afterEach, beforeEach, expect, test } from "vitest";
import { openStore, type Store } from "../../src/adapters/store/index.ts";
import type { Approval } from "../../src/domain/approval.ts";
import type { IntendOutcome } from "../../src/domain/audit.ts";
import { endMissedDrills, sowDrill } from "../../src/drills.ts";
import { shop } from "../habits/support.ts";
import { heldApproval, liveSession } from "../people-support/rest.ts";
import { saidBy } from "../support/said.ts";
import { onServer } from "../support/server-statement.ts";
import { TEST_ROOT_KEY, testStore, type TestStore } from "../support/store.ts";

const DAY_MS = 86_400_000;
const DAY = Math.floor(Date.now() / DAY_MS) * DAY_MS;
/** The last moment of a day: the time of its one drill has come. */
const LATE = new Date(DAY + DAY_MS - 1);

let opened: TestStore;
let clock = LATE;
beforeEach(async () => {
  clock = LATE;
  opened = await testStore({ now: () => clock });
});
afterEach(async () => {
  await opened.close();
});

async function sow(config: { readonly roles?: readonly string[] } = {}, store: Store = opened.store): Promise<string | undefined> {
  return sowDrill(
    {
      approvals: store.approvals,
      drills: store.drills,
      log: store.log,
      config: { tenants: ["acme"], perDay: 1, roles: [...(config.roles ?? ["lead"])], domains: ["mail-archive.example"] },
      key: Buffer.alloc(32, 7),
      policy: () => shop,
      now: () => clock,
    },
    "acme",
  );
}

/** A question that was answered some time before now. */
async function answered(msAgo = 60_000): Promise<Approval> {
  const at = new Date(clock.getTime() - msAgo);
  const createdAt = new Date(at.getTime() - 5_000);
  const approval = heldApproval({
    operation: { tool: "shop", kind: "tool", name: "notify" },
    args: { to: "jo@acme.example", body: "your order" },
    approvers: ["lead"],
    createdAt,
    expiresAt: new Date(createdAt.getTime() + 1_800_000),
  });
  await opened.store.approvals.create(approval);
  await opened.store.approvals.answer("acme", approval.id, {
    answer: { verdict: "approve", by: "lena", at, via: "passkey", roles: ["lead"] },
    seen: 0,
    state: "approved",
  });
  return approval;
}

test("one drill is sown of each part of the day, however often and on however many brokers it is looked", async () => {
  await answered();
  const second = await openStore({ databaseUrl: opened.databaseUrl, rootKey: TEST_ROOT_KEY }, { brokerId: "brk_two", now: () => clock });
  const sown = await Promise.all([sow(), sow({}, second), sow(), sow({}, second)]);
  await second.close();
  expect(sown.filter((id) => id !== undefined)).toHaveLength(1);
  expect(await sow()).toBeUndefined();
  const { approvals } = await opened.store.approvals.list("acme", { order: "newest", limit: 10 });
  expect(approvals.map(({ drill }) => drill)).toEqual([true, undefined]);
  expect(approvals[0]?.args["to"]).toBe("jo@mail-archive.example");
});

test("its moment is not the beginning of the day, and is the same on every broker", async () => {
  clock = new Date(DAY);
  await answered();
  expect(await sow()).toBeUndefined();
});

test("nothing is sown while nobody answers, nor of questions that other roles answer", async () => {
  await answered(2 * 3_600_000);
  expect(await sow()).toBeUndefined();
  await answered();
  expect(await sow({ roles: ["finance"] })).toBeUndefined();
  expect(await sow()).toBeDefined();
});

test("an agent that asks for exactly the same does not find it", async () => {
  await answered();
  const drill = await opened.store.approvals.find("acme", (await sow()) ?? "");
  const { tenant, agent, user, task, operation, argsDigest } = drill ?? heldApproval();
  expect(drill?.drill).toBe(true);
  expect(await opened.store.approvals.findFor({ tenant, agent, user, task, operation, argsDigest })).toBeUndefined();
});

test("a yes to it lets nothing run, while one to a question does", async () => {
  const question = await answered();
  const id = (await sow()) ?? "";
  const outcome = await opened.store.approvals.answer("acme", id, {
    answer: { verdict: "approve", by: "lena", at: clock, via: "passkey", roles: ["lead"] },
    seen: 0,
    state: "approved",
  });
  expect(outcome).toMatchObject({ ok: true, approval: { state: "cancelled" } });
  expect(await begun(id)).toMatchObject({ ok: false, why: "approval_gone" });
  // Whatever a broker of another version may have written, the database itself lets no drill run.
  await onServer(opened.databaseUrl, `update bailiwick.approvals set state = 'approved' where id = '${id}'`);
  expect(await begun(id)).toMatchObject({ ok: false, why: "approval_gone" });
  expect(await begun(question.id)).toMatchObject({ ok: true });
});

/** Tries to begin a call on the strength of an approval. */
async function begun(approval: string): Promise<IntendOutcome> {
  const session = liveSession();
  await opened.store.sessions.create(session);
  const callId = `call_${session.id}`;
  const body = { at: clock.toISOString() };
  return opened.store.log.intend(
    "acme",
    { kind: "intent", callId, body },
    {
      session: session.id,
      reservations: [],
      rights: { approval },
      instead: ({ why }) => ({ kind: "refusal", callId, body: { ...body, code: why } }),
    },
  );
}

test("one that nobody answered is recorded once; one that somebody answered, or that still waits, is not", async () => {
  await answered();
  const id = (await sow()) ?? "";
  const deps = { drills: opened.store.drills, log: opened.store.log, now: () => clock };
  expect(await endMissedDrills(deps, "acme")).toBe(0);
  clock = new Date(clock.getTime() + 3_600_000);
  expect((await Promise.all([endMissedDrills(deps, "acme"), endMissedDrills(deps, "acme")])).toSorted()).toEqual([0, 1]);
  const records = await opened.store.log.recordsOf("acme", [id]);
  expect(records.map(saidBy)).toMatchObject([{ event: "approval.drill", by: "broker", approval: id, verdict: "none" }]);
  expect((await opened.store.habits.figures("acme", new Date(DAY - DAY_MS), clock)).drillsMissed).toBe(1);
});

test("one that somebody said yes to while another yes was missing was not overlooked by everybody", async () => {
  await answered();
  const id = (await sow()) ?? "";
  const answer = { verdict: "approve", by: "lena", at: clock, via: "passkey", roles: ["lead"] } as const;
  await opened.store.approvals.answer("acme", id, { answer, seen: 0, state: "pending" });
  clock = new Date(clock.getTime() + 3_600_000);
  expect(await endMissedDrills({ drills: opened.store.drills, log: opened.store.log, now: () => clock }, "acme")).toBe(0);
  expect(await opened.store.approvals.find("acme", id)).toMatchObject({ state: "expired" });
  expect(await opened.store.log.recordsOf("acme", [id])).toEqual([]);
});
