import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Approval, ApprovalQuery } from "../../src/domain/approval.ts";
import { type TestStore, testStore } from "../support/store.ts";
import { answerOf, approvalOf, decided } from "./approval-sample.ts";

const TOTAL = 211;
const MINUTE = 60_000;

let opened: TestStore;
let all: Approval[];
/** Ids of those that a test has withdrawn. */
const withdrawn = new Set<string>();

/** More than a page, many of one moment, in two tenants. */
beforeAll(async () => {
  opened = await testStore();
  const start = Date.now() - 10 * MINUTE;
  all = Array.from({ length: TOTAL }, (_, at) =>
    approvalOf({
      // Eight to a millisecond.
      createdAt: new Date(start + Math.floor(at / 8)),
      expiresAt: new Date(start + 60 * MINUTE + ((at * 7) % 13)),
      agent: `bailiwick://acme/prod/helpdesk/${at % 3 === 0 ? "one" : "two"}`,
      rules: [{ kind: "gate", id: at % 5 === 0 ? "rare" : "common", at: { file: "gates.yaml", line: 1 }, reason: "r" }],
    }),
  );
  for (const approval of all) await opened.store.approvals.create(approval);
  for (let at = 0; at < 20; at += 1) await opened.store.approvals.create(approvalOf({ tenant: "globex" }));
});
afterAll(() => opened.close());

async function walk(query: Omit<ApprovalQuery, "after">): Promise<readonly Approval[]> {
  const seen: Approval[] = [];
  for (let after: string | undefined; ;) {
    const page = await opened.store.approvals.list("acme", { ...query, after });
    expect(page.approvals.length).toBeLessThanOrEqual(query.limit);
    seen.push(...page.approvals);
    if (page.next === undefined) return seen;
    after = page.next;
  }
}

describe.each(["newest", "soonest"] as const)("the list with the %s first", (order) => {
  test.each([1, 7, 50, 211, 500])("shows each approval once and in order, in pages of %i", async (limit) => {
    const seen = await walk({ order, limit });
    expect(new Set(seen.map(({ id }) => id))).toEqual(new Set(all.map(({ id }) => id)));
    expect(seen).toHaveLength(all.length);
    const times = seen.map((each) => (order === "newest" ? -each.createdAt.getTime() : each.expiresAt.getTime()));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  test("shows of a filter what it asks for and all of it, over pages", async () => {
    const seen = await walk({ order, limit: 20, state: "pending", agent: "bailiwick://acme/prod/helpdesk/one", rule: "rare" });
    const wanted = all.filter(({ id, agent, rules }) => !withdrawn.has(id) && agent.endsWith("/one") && rules[0]?.id === "rare");
    expect(new Set(seen.map(({ id }) => id))).toEqual(new Set(wanted.map(({ id }) => id)));
    expect(await walk({ order, limit: 20, state: "denied" })).toEqual([]);
  });

  test("goes on without a gap or a double while others arrive and are answered", async () => {
    const first = await opened.store.approvals.list("acme", { order, limit: 100 });
    const late = approvalOf({ agent: "bailiwick://acme/prod/helpdesk/late" });
    await opened.store.approvals.create(late);
    const last = first.approvals.at(-1);
    await opened.store.approvals.cancel("acme", last?.id ?? "");
    withdrawn.add(last?.id ?? "");
    const rest = await opened.store.approvals.list("acme", { order, limit: 500, after: first.next });
    const known = [...first.approvals, ...rest.approvals].filter(({ id }) => id !== late.id);
    expect(known.map(({ id }) => id).toSorted()).toEqual(all.map(({ id }) => id).toSorted());
    all.push(late);
  });
});

test("a place that nobody handed out is the beginning, not an error", async () => {
  for (const after of ["", "~", "yesterday~apr_1", "2026-13-01~x", "\0~\0", "x".repeat(256)]) {
    const page = await opened.store.approvals.list("acme", { order: "newest", limit: 5, after });
    expect(page.approvals, after).toHaveLength(5);
  }
});

test("how many wait is counted by tenant, without those whose time is over", async () => {
  const { approvals } = opened.store;
  const before = await approvals.countPending("globex");
  expect(before).toBe(20);
  const [open, over, denied] = [{}, { expiresAt: new Date(Date.now() - 1) }, {}].map((more) => approvalOf({ tenant: "globex", ...more }));
  for (const approval of [open, over, denied]) if (approval !== undefined) await approvals.create(approval);
  await approvals.answer("globex", denied?.id ?? "", decided("deny"));
  expect(await approvals.countPending("globex")).toBe(before + 1);
});

describe("what became of questions like this one", () => {
  const shaped = (overrides: Partial<Approval> = {}): Approval =>
    approvalOf({ agent: `bailiwick://acme/prod/helpdesk/${shape}`, createdAt: new Date(Date.now() - MINUTE), ...overrides });
  const shape = randomUUID();

  test("is counted over their shape, without the question itself, drills, other tenants and other shapes", async () => {
    const { approvals } = opened.store;
    const [yes, no, late, drill, foreign, unlike, asking] = [
      shaped(),
      shaped({ args: { id: 2 } }),
      shaped({ expiresAt: new Date(Date.now() - 1) }),
      shaped({ drill: true }),
      shaped({ tenant: "globex" }),
      shaped({ args: { id: 1, more: true } }),
      shaped(),
    ];
    for (const approval of [yes, no, late, drill, foreign, unlike, asking]) await approvals.create(approval);
    const at = (approval: Approval, seconds: number): Date => new Date(approval.createdAt.getTime() + seconds * 1_000);
    await approvals.answer("acme", yes.id, decided("approve", { at: at(yes, 10) }));
    await approvals.answer("acme", no.id, decided("deny", { at: at(no, 30), reason: "no" }));
    await approvals.answer("acme", drill.id, decided("deny", { at: at(drill, 1) }));
    await approvals.answer("globex", foreign.id, decided("approve", { at: at(foreign, 1) }));
    await approvals.answer("acme", unlike.id, decided("approve", { at: at(unlike, 1) }));
    const similar = await approvals.similar(asking, 5);
    expect({ ...similar, recent: similar.recent.map(({ id }) => id) }).toEqual({
      approved: 1,
      denied: 1,
      expired: 1,
      medianMs: 20_000,
      recent: [no.id, yes.id],
    });
    expect((await approvals.similar(asking, 1)).recent).toHaveLength(1);
    expect((await approvals.similar(yes, 5)).recent.map(({ id }) => id)).toEqual([no.id]);
  });
});

test("every function finds nothing under another tenant's name", async () => {
  const { approvals } = opened.store;
  const approval = approvalOf({ tenant: "globex" });
  const { id } = approval;
  await approvals.create(approval);
  expect(await approvals.find("acme", id)).toBeUndefined();
  await expect(approvals.answer("acme", id, { answer: answerOf("approve"), seen: 0, state: "approved" })).rejects.toMatchObject({
    code: "store_unavailable",
  });
  expect(await approvals.cancel("acme", id)).toBe(false);
  await expect(approvals.wait("acme", id, { timeoutMs: 20_000, signal: new AbortController().signal })).rejects.toMatchObject({
    code: "store_unavailable",
  });
  expect(await approvals.revokeBounded("acme", id, new Date())).toBe(false);
  expect((await approvals.find("globex", id))?.state).toBe("pending");
});
