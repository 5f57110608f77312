import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { LogEntry } from "../../src/domain/audit.ts";
import { type CallCounts, FIGURE_DAYS, type LogFigures } from "../../src/domain/log-figures.ts";
import { Kysely, PostgresDialect } from "kysely";
import { openPool } from "../../src/adapters/store/connections.ts";
import { figuresReader } from "../../src/adapters/store/log/figures.ts";
import type { Tables } from "../../src/adapters/store/tables.ts";
import { openStore } from "../../src/adapters/store/index.ts";
import { type TestStore, testStore } from "../support/store.ts";

let opened: TestStore;
let tenants = 0;
beforeAll(async () => {
  opened = await testStore();
});
afterAll(() => opened.close());

const NOW = new Date("2026-11-20T15:30:00.000Z");
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const record = fc.record({
  kind: fc.constantFrom("lookup" as const, "intent" as const, "outcome" as const, "refusal" as const, "hold" as const, "admin" as const),
  call: fc.integer({ min: 0, max: 6 }),
  agent: fc.constantFrom("a1", "a2"),
  action: fc.option(fc.constantFrom("tickets:read", "mail:send"), { nil: undefined }),
  rules: fc.constantFrom([], ["r1"], ["r1", "r2"], ["r2"]),
  status: fc.constantFrom("succeeded", "failed", "unknown"),
  code: fc.constantFrom("no_grant", "rate_limited"),
  approved: fc.boolean(),
  /** Minutes since the record before. */
  later: fc.integer({ min: 0, max: 3_000 }),
});
type Made = typeof record extends fc.Arbitrary<infer T> ? T : never;
type Model = Made & { readonly at: Date };

async function written(tenant: string, made: readonly Made[], start: Date): Promise<readonly Model[]> {
  const model: Model[] = [];
  let at = start.getTime();
  for (const each of made) {
    at += each.later * 60_000;
    const held = model.some(({ call, kind }) => call === each.call && kind === "hold");
    // As the call path does it: an intent that follows a hold of its call stands on an approval.
    const whole = { ...each, approved: each.kind === "intent" && (each.approved || held), at: new Date(at) };
    // A call has one of these: an intent is not followed by another beginning.
    if (["intent", "hold", "refusal"].includes(each.kind) && !mayBegin(model, whole)) continue;
    model.push(whole);
    await opened.store.log.append(tenant, entryOf(whole));
  }
  return model;
}

function mayBegin(model: readonly Model[], { call }: Model): boolean {
  return !model.some((other) => other.call === call && (other.kind === "intent" || other.kind === "refusal"));
}

function entryOf({ kind, call, agent, action, rules, status, code, approved, at }: Model): LogEntry {
  return {
    kind,
    callId: `call_${call}`,
    body: {
      at: at.toISOString(),
      agent,
      ...(action === undefined ? {} : { action }),
      rules: rules.map((id) => ({ kind: "grant", id, file: "f", line: 1 })),
      ...(kind === "outcome" ? { status } : {}),
      ...(kind === "refusal" ? { code } : {}),
      ...(kind === "admin" ? { event: "approval.approve" } : {}),
    },
    people: { user: "ana", ...(approved ? { approvedBy: ["lena"] } : {}), ...(kind === "admin" ? { by: "lena" } : {}) },
  };
}

/** The port's words, applied to every record. */
function naive(all: readonly Model[], holds: (record: Model) => boolean): CallCounts {
  const first = (each: Model, place: number): boolean =>
    begins(each) && !all.slice(0, place).some((other) => other.call === each.call && begins(other));
  const of = (condition: (record: Model, place: number) => boolean): number =>
    all.filter((each, place) => holds(each) && condition(each, place)).length;
  return {
    calls: of(first),
    ran: of(({ kind }) => kind === "intent"),
    refused: of(({ kind }) => kind === "refusal"),
    held: of(({ kind }) => kind === "hold"),
    unknown: of(({ kind, status }) => kind === "outcome" && status === "unknown"),
  };
}

function begins({ kind }: Model): boolean {
  return kind === "intent" || kind === "refusal" || kind === "hold";
}

const NONE: CallCounts = { calls: 0, ran: 0, refused: 0, held: 0, unknown: 0 };

function expectSame(figures: LogFigures, model: readonly Model[]): void {
  const oldest = new Date(Math.floor(NOW.getTime() / DAY) * DAY - (FIGURE_DAYS - 1) * DAY);
  const days = new Set(model.filter(({ at }) => at >= oldest).map(({ at }) => at.toISOString().slice(0, 10)));
  for (const day of days) {
    const found = figures.days.find((each) => each.day === day);
    const onDay = ({ at }: Model): boolean => at.toISOString().startsWith(day);
    for (let hour = 0; hour < 24; hour += 1)
      expect(found?.hours.get(hour) ?? NONE, `${day} ${hour}`).toEqual(
        naive(model, (each) => onDay(each) && each.at.getUTCHours() === hour),
      );
    for (const agent of ["a1", "a2"]) {
      for (const action of ["tickets:read", "mail:send", undefined]) {
        const { approved = 0, ...counts } = strip(found?.actions.find((each) => each.agent === agent && each.action === action));
        const own = (each: Model): boolean => onDay(each) && each.agent === agent && each.action === action;
        expect(counts, `${day} ${agent} ${action}`).toEqual(naive(model, own));
        expect(approved).toBe(model.filter((each) => own(each) && each.kind === "intent" && each.approved).length);
      }
    }
    for (const rules of [["r1"], ["r1", "r2"], ["r2"]]) {
      const counts = strip(found?.rules.find((each) => each.rules.join() === rules.join()));
      expect(counts, `${day} ${rules.join()}`).toEqual(naive(model, (each) => onDay(each) && each.rules.join() === rules.join()));
    }
    for (const code of ["no_grant", "rate_limited"])
      expect(found?.codes.get(code) ?? 0).toBe(model.filter((each) => onDay(each) && each.kind === "refusal" && each.code === code).length);
  }
  const delays = (kind: Model["kind"], begun: Model["kind"], holds: (record: Model) => boolean): readonly number[] =>
    model.flatMap((each, place) => {
      if (each.kind !== kind || !holds(each) || each.at < oldest) return [];
      const before = model.slice(0, place).findLast((other) => other.call === each.call && other.kind === begun);
      return before === undefined ? [] : [each.at.getTime() - before.at.getTime()];
    });
  expect(figures.answers.map(({ ms }) => ms)).toEqual(delays("admin", "hold", () => true));
  expect(figures.unknowns.map(({ ms }) => ms)).toEqual(delays("outcome", "intent", ({ status }) => status === "unknown"));
}

function strip(counts: object | undefined): CallCounts & { readonly approved?: number } {
  const { calls, ran, refused, held, unknown, approved } = { ...NONE, approved: undefined, ...counts };
  return { calls, ran, refused, held, unknown, ...(approved === undefined ? {} : { approved }) };
}

test("a log in figures says what counting every record says, however often it was looked at while it grew", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(record, { maxLength: 40 }), fc.array(record, { maxLength: 20 }), async (before, after) => {
      const tenant = `n${(tenants += 1)}`;
      // From before the days that are counted up to the present.
      const first = await written(tenant, before, new Date(NOW.getTime() - 35 * DAY));
      const early = await opened.store.log.figures(tenant, NOW);
      expect(early.complete).toBe(true);
      expectSame(early, first);
      const second = after.map((each) => ({ ...each, call: each.call + 100, later: each.later % 7 }));
      const model = [...first, ...(await written(tenant, second, first.at(-1)?.at ?? NOW))];
      expectSame(await opened.store.log.figures(tenant, NOW), model);
    }),
    { numRuns: 20, endOnFailure: true },
  );
});

test("a day that has become too old is no longer in the figures", async () => {
  await opened.store.log.append("old", entryOf(one({ at: NOW })));
  const before = await opened.store.log.figures("old", NOW);
  expect(before.days.map(({ day }) => day)).toEqual(["2026-11-20"]);
  expect(before.begins).toEqual(NOW);
  expect((await opened.store.log.figures("old", new Date(NOW.getTime() + (FIGURE_DAYS - 1) * DAY))).days).toHaveLength(1);
  expect((await opened.store.log.figures("old", new Date(NOW.getTime() + FIGURE_DAYS * DAY))).days).toEqual([]);
});

test("a log that is too long for one look is counted over several, from its newest records back, each record once", async () => {
  for (let call = 0; call < 20; call += 1)
    await opened.store.log.append("long", entryOf(one({ call, at: new Date(NOW.getTime() - (20 - call) * HOUR) })));
  const pool = openPool(opened.databaseUrl);
  const logDb = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  const { figures } = figuresReader({ logDb }, { aCount: 3, aLook: 7 });
  const looks: (readonly [number, boolean, number])[] = [];
  for (let place = 0; place < 4; place += 1) {
    const { records, complete, days } = await figures("long", NOW);
    looks.push([records, complete, days.flatMap(({ hours }) => [...hours.keys()]).length]);
    if (place === 1) await opened.store.log.append("long", entryOf(one({ call: 20, at: NOW })));
  }
  await logDb.destroy();
  expect(looks).toEqual([
    [9, false, 9],
    [18, false, 18],
    [21, true, 21],
    [21, true, 21],
  ]);
});

test("an empty log has no figures and no beginning", async () => {
  expect(await opened.store.log.figures("nobody", NOW)).toEqual({
    days: [],
    answers: [],
    unknowns: [],
    records: 0,
    complete: true,
    begins: undefined,
  });
});

test("looks at the same time count each record once", async () => {
  for (let call = 0; call < 5; call += 1) await opened.store.log.append("same", entryOf(one({ at: NOW, call })));
  const looks = await Promise.all(Array.from({ length: 4 }, () => opened.store.log.figures("same", NOW)));
  for (const { days, records } of looks) {
    expect(records).toBe(5);
    expect(days[0]?.hours.get(15)).toEqual({ ...NONE, calls: 5, ran: 5 });
  }
});

test("what another broker appends is counted, and another tenant's log is not", async () => {
  const { databaseUrl, rootKey } = opened;
  const other = await openStore({ databaseUrl, rootKey }, { brokerId: "other" });
  try {
    await opened.store.log.append("both", entryOf(one({ at: NOW, call: 1 })));
    expect((await opened.store.log.figures("both", NOW)).records).toBe(1);
    await other.log.append("both", entryOf(one({ at: NOW, call: 2 })));
    await other.log.append("neighbour", entryOf(one({ at: NOW, call: 3 })));
    expect((await opened.store.log.figures("both", NOW)).days[0]?.hours.get(15)?.ran).toBe(2);
  } finally {
    await other.close();
  }
});

function one(more: Partial<Model>): Model {
  return {
    kind: "intent",
    call: 0,
    agent: "a1",
    action: "tickets:read",
    rules: ["r1"],
    status: "succeeded",
    code: "no_grant",
    approved: false,
    later: 0,
    at: NOW,
    ...more,
  };
}
