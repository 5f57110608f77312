import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CALENDAR_MONTH_MS } from "@bailiwick/policy";
import { openStore, type Store } from "../../src/adapters/store/index.ts";
import { asOwner } from "../support/as-owner.ts";
import { type TestStore, testStore } from "../support/store.ts";
import { intentOf, refusalOf, sessionOf } from "../store/samples.ts";

let opened: TestStore;
beforeAll(async () => {
  opened = await testStore();
  await opened.store.sessions.create(sessionOf({ tenant: "acme", id: "ses" }));
});
afterAll(() => opened.close());

async function windowOf(ms: number, windowMs: number): Promise<readonly [number, number]> {
  const { rows } = await asOwner(
    opened.databaseUrl,
    "select bailiwick.window_start($1, $2)::float8 as first, bailiwick.window_end($1, $2)::float8 as next",
    [ms, windowMs],
  );
  const [row] = rows;
  return [Number(row?.["first"]), Number(row?.["next"])];
}

test("a month is the calendar's, in UTC, whatever the clock of the database says", async () => {
  await fc.assert(
    fc.asyncProperty(fc.date({ min: new Date("1999-12-01"), max: new Date("2110-01-01"), noInvalidDate: true }), async (at) => {
      const [year, month] = [at.getUTCFullYear(), at.getUTCMonth()];
      expect(await windowOf(at.getTime(), CALENDAR_MONTH_MS)).toEqual([Date.UTC(year, month, 1), Date.UTC(year, month + 1, 1)]);
    }),
    { numRuns: 60 },
  );
});

test.each([
  ["the last millisecond of a leap year's February", "2028-02-29T23:59:59.999Z", "2028-02-01", "2028-03-01"],
  ["the first one of March", "2028-03-01T00:00:00.000Z", "2028-03-01", "2028-04-01"],
  ["the last one of a year", "2026-12-31T23:59:59.999Z", "2026-12-01", "2027-01-01"],
])("%s is in its own month", async (_, at, first, next) => {
  expect(await windowOf(Date.parse(at), CALENDAR_MONTH_MS)).toEqual([Date.parse(first), Date.parse(next)]);
});

test("other windows stand side by side from 1970 on", async () => {
  expect(await windowOf(Date.parse("2026-03-05T13:45:10Z"), 86_400_000)).toEqual([Date.parse("2026-03-05"), Date.parse("2026-03-06")]);
  expect(await windowOf(Date.parse("2026-03-05T13:45:10Z"), 60_000)).toEqual([
    Date.parse("2026-03-05T13:45:00Z"),
    Date.parse("2026-03-05T13:46:00Z"),
  ]);
});

const monthly = { key: "monthly", max: 10, windowMs: CALENDAR_MONTH_MS, amount: 6 };
const intend = (callId: string) =>
  opened.store.log.intend("acme", intentOf(callId, "b"), { session: "ses", reservations: [monthly], instead: refusalOf });

test("what does not fit the month waits until it is over, and what is given back fits again", async () => {
  const before = new Date();
  expect(await intend("call_1")).toMatchObject({ ok: true });
  const over = await intend("call_2");
  const [, next] = await windowOf(Date.now(), CALENDAR_MONTH_MS);
  expect(over).toMatchObject({ ok: false, used: 6, max: 10 });
  const waits = over.ok || over.why !== "over_limit" ? 0 : over.retryAfterMs;
  expect(waits).toBeGreaterThan(next - Date.now() - 60_000);
  expect(waits).toBeLessThanOrEqual(next - before.getTime());
  await opened.store.log.release("acme", [monthly], new Date());
  expect(await intend("call_3")).toMatchObject({ ok: true });
});

describe("a broker whose clock is a whole window ahead of the database's", () => {
  const windowMs = 400 * 86_400_000;
  const long = { max: 2, windowMs, amount: 2 };
  const ahead = (): Date => new Date(Date.now() + windowMs);
  const draw = (key: string, callId: string) =>
    opened.store.log.intend("acme", intentOf(callId, "b"), { session: "ses", reservations: [{ ...long, key }], instead: refusalOf });
  let fast: Store;
  beforeAll(async () => {
    fast = await openStore({ databaseUrl: opened.databaseUrl, rootKey: opened.rootKey }, { brokerId: "fast", now: ahead });
  });
  afterAll(() => fast.close());

  test("gives back what it drew", async () => {
    expect(await draw("given back", "call_a")).toMatchObject({ ok: true });
    await fast.log.release("acme", [{ ...long, key: "given back" }], ahead());
    expect(await draw("given back", "call_b")).toMatchObject({ ok: true });
  });

  test("gives back nothing of what others draw in the window after", async () => {
    expect(await draw("others", "call_c")).toMatchObject({ ok: true });
    // As if others had drawn since the next window began: their counter is not the one that the call drew from.
    await asOwner(
      opened.databaseUrl,
      "update bailiwick.limit_counters set window_start = window_start + $1 where window_ms = $1 and used = 2",
      [windowMs],
    );
    await fast.log.release("acme", [{ ...long, key: "others" }], ahead());
    const { rows } = await asOwner(
      opened.databaseUrl,
      "select used::float8 as used from bailiwick.limit_counters where window_start > $1",
      [Date.now()],
    );
    expect(rows.map((row) => row["used"])).toContain(2);
    expect(rows.map((row) => row["used"])).not.toContain(0);
  });
});

test("counters of windows that are over are tidied away, those that still count are not", async () => {
  await asOwner(
    opened.databaseUrl,
    `insert into bailiwick.limit_counters (tenant_id, key, window_ms, window_start, used, made_at) values
       ('acme', 'old minute', 60000, 0, 1, now()),
       ('acme', 'old session', 4503599627370496, 0, 1, now() - interval '31 days'),
       ('acme', 'session', 4503599627370496, 0, 1, now()),
       ('acme', 'minute', 60000, $1, 1, now())`,
    [Math.floor(Date.now() / 60_000) * 60_000],
  );
  await opened.store.tidy("acme");
  const { rows } = await asOwner(opened.databaseUrl, "select key from bailiwick.limit_counters where key ~ 'minute|session' order by key");
  expect(rows.map((row) => row["key"])).toEqual(["minute", "session"]);
});
