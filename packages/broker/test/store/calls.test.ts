import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CallPlace, CallQuery, LogEntry } from "../../src/domain/audit.ts";
import { type TestStore, testStore } from "../support/store.ts";
import { type ModelRecord, naiveCalls, naiveEnded } from "./naive-calls.ts";

let opened: TestStore;
let tenants = 0;
beforeAll(async () => {
  opened = await testStore();
});
afterAll(() => opened.close());

const FIRST = Date.UTC(2026, 10, 1);
const MINUTE = 60_000;
const some = <T>(...values: readonly T[]): fc.Arbitrary<T | undefined> =>
  fc.option(fc.constantFrom(...values), { nil: undefined, freq: 3 });

const said = {
  agent: some("a1", "a2"),
  user: some("ada", "bob"),
  session: some("s1", "s2"),
  run: some("s1"),
  task: some("t1", "t2"),
  tool: some("tickets", "mail"),
  action: some("tickets:read", "mail:send"),
  resource: some({ type: "Ticket", id: "1" }, { type: "Mail", id: "1" }),
  verdict: some("allow", "deny"),
  approver: some("lena", "max"),
};
const modelRecord = fc.record({
  kind: fc.constantFrom("lookup", "intent", "outcome", "refusal", "hold", "admin"),
  call: fc.integer({ min: 0, max: 9 }),
  /** Clocks of several brokers: records are out of order by a few minutes. */
  early: fc.integer({ min: 0, max: 4 }),
  ...said,
  rules: some(["r1"], ["r1", "r2"], ["r2"], ["r3"]),
  status: some("succeeded", "succeeded", "failed", "unknown"),
  code: some("no_grant", "tool_unavailable"),
});
const rarely = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 1 }).map((value) => value);
const filter = fc
  .record({
    ...Object.fromEntries(Object.entries(said).map(([name, values]) => [name, values])),
    rule: some("r1", "r2", "r3", "none"),
    status: some("succeeded", "failed", "unknown", "refused", "held", "running"),
    code: some("no_grant", "tool_unavailable"),
    from: rarely(fc.integer({ min: -5, max: 130 }).map((minute) => new Date(FIRST + minute * MINUTE))),
    to: rarely(fc.integer({ min: -5, max: 130 }).map((minute) => new Date(FIRST + minute * MINUTE))),
  })
  .chain((all) => fc.subarray(Object.entries(all), { maxLength: 3 }))
  .map((chosen): Omit<CallQuery, "limit" | "before"> => Object.fromEntries(chosen));

type Generated = typeof modelRecord extends fc.Arbitrary<infer T> ? T : never;

async function written(tenant: string, generated: readonly Generated[]): Promise<readonly ModelRecord[]> {
  const model: ModelRecord[] = [];
  for (const [place, each] of generated.entries()) {
    const { call, early, approver, ...record } = each;
    // Only outcomes and refusals have an end, and only these records name who answered.
    const status = each.kind === "outcome" ? (each.status ?? "succeeded") : undefined;
    const code = each.kind === "outcome" || each.kind === "refusal" ? each.code : undefined;
    const known = { ...record, status, code, approver: each.kind === "intent" || each.kind === "admin" ? approver : undefined };
    const at = new Date(FIRST + (place * 3 - early) * MINUTE);
    const { index } = await opened.store.log.append(tenant, entryOf(known, `call_${call}`, at));
    model.push({ ...known, index, at, callId: `call_${call}` });
  }
  return model;
}

function entryOf(record: Omit<ModelRecord, "index" | "at" | "callId">, callId: string, at: Date): LogEntry {
  const { kind, user, approver, resource, task, rules, ...body } = record;
  const plain = Object.entries({ ...body, rules: rules?.map((id) => ({ id, kind: "grant", file: "f", line: 1 })) });
  return {
    kind,
    callId,
    body: { ...Object.fromEntries(plain.filter(([, value]) => value !== undefined)), at: at.toISOString() },
    people: { ...(user === undefined ? {} : { user }), ...(approver === undefined ? {} : { approvedBy: approver }) },
    resource,
    task,
  };
}

async function allPages(tenant: string, query: Omit<CallQuery, "limit" | "before">, limit: number): Promise<readonly CallPlace[]> {
  const found: CallPlace[] = [];
  let before: number | undefined;
  for (;;) {
    const { places, next } = await opened.store.log.calls(tenant, { ...query, before, limit });
    expect(places.length).toBeLessThanOrEqual(limit);
    found.push(...places);
    if (next === undefined) return found;
    if (before !== undefined) expect(next).toBeLessThan(before);
    before = next;
  }
}

test("whatever is asked for, the pages together hold exactly the calls that a look at every record finds, in the same order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(modelRecord, { minLength: 5, maxLength: 40 }),
      fc.array(fc.tuple(filter, fc.integer({ min: 1, max: 5 })), { minLength: 12, maxLength: 12 }),
      async (generated, asked) => {
        const tenant = `p${(tenants += 1)}`;
        const model = await written(tenant, generated);
        for (const [query, limit] of asked)
          expect(await allPages(tenant, query, limit), JSON.stringify(query)).toEqual(naiveCalls(model, query));
      },
    ),
    { numRuns: 25, endOnFailure: true },
  );
});

test("who follows the log is told of every end, hold and refusal that the filter chooses, once and in order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(modelRecord, { maxLength: 25 }),
      fc.array(filter, { minLength: 6, maxLength: 6 }),
      async (generated, asked) => {
        const tenant = `f${(tenants += 1)}`;
        const start = await opened.store.log.ended(tenant, { limit: 2 }, undefined);
        const model = await written(tenant, generated);
        for (const query of asked) {
          const told: CallPlace[] = [];
          for (let from = start.next; from < model.length;) {
            const { places, next } = await opened.store.log.ended(tenant, { ...query, limit: 2 }, from);
            told.push(...places);
            from = next;
          }
          expect(told, JSON.stringify(query)).toEqual(naiveEnded(model, query));
        }
      },
    ),
    { numRuns: 10, endOnFailure: true },
  );
});

test("a look that goes through many records to find few says where to look on, and none is missed", async () => {
  const { log } = opened.store;
  const at = new Date(FIRST).toISOString();
  // One rule of a single old call, then more calls of the same agent than one look goes through.
  const old = await log.append("deep", {
    kind: "intent",
    callId: "call_old",
    body: { at, agent: "a", verdict: "allow", rules: [{ id: "old" }] },
  });
  await Promise.all(
    Array.from({ length: 1_700 }, (_, place) =>
      log.append("deep", {
        kind: "outcome",
        callId: `call_${place}`,
        body: { at, agent: "a", status: "failed", verdict: "allow", rules: [{ id: "new" }] },
      }),
    ),
  );
  await log.append("deep", { kind: "outcome", callId: "call_old", body: { at, agent: "a", status: "failed" } });
  expect(await log.calls("deep", { agent: "a", rule: "old", limit: 10 })).toEqual({
    places: [{ callId: "call_old", index: old.index }],
    next: undefined,
  });
  const failed = await log.calls("deep", { status: "failed", verdict: "ask", limit: 10 });
  expect(failed.places).toEqual([]);
  expect(failed.next).toBeGreaterThan(0);
  expect(await allPages("deep", { status: "failed", verdict: "ask" }, 10)).toEqual([]);
  expect(await allPages("deep", { status: "failed", rule: "old" }, 10)).toEqual([{ callId: "call_old", index: 1_701 }]);
});

test("a time is found by its place in the log, however far back", async () => {
  const { log } = opened.store;
  for (let hour = 0; hour < 40; hour += 1) {
    await log.append("hours", {
      kind: "intent",
      callId: `call_${hour}`,
      body: { at: new Date(FIRST + hour * 60 * MINUTE).toISOString(), agent: "a" },
    });
  }
  const of = async (from: number, to: number): Promise<readonly string[]> => {
    const time = { from: new Date(FIRST + from * 60 * MINUTE), to: new Date(FIRST + to * 60 * MINUTE) };
    return (await log.calls("hours", { ...time, limit: 50 })).places.map(({ callId }) => callId);
  };
  expect(await of(3, 5)).toEqual(["call_4", "call_3"]);
  expect(await of(-10, 1)).toEqual(["call_0"]);
  expect(await of(39, 90)).toEqual(["call_39"]);
  expect(await of(50, 90)).toEqual([]);
});

test("records whose clocks disagree by a few minutes are all found in their own time", async () => {
  const { log } = opened.store;
  const minutes = Array.from({ length: 60 }, (_, place) => place + ((place * 7) % 9));
  for (const [place, minute] of minutes.entries())
    await log.append("clocks", {
      kind: "intent",
      callId: `call_${place}`,
      body: { at: new Date(FIRST + minute * MINUTE).toISOString(), agent: "a" },
    });
  for (let from = 0; from < 66; from += 3) {
    const time = { from: new Date(FIRST + from * MINUTE), to: new Date(FIRST + (from + 2) * MINUTE) };
    const found = (await log.calls("clocks", { ...time, limit: 60 })).places.map(({ index }) => index);
    const inTime = minutes.flatMap((minute, place) => (minute >= from && minute < from + 2 ? [place] : []));
    expect(found).toEqual(inTime.toReversed());
  }
});
