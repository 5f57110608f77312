import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { opensInMs, withinHours } from "../src/decide/hours.ts";
import { decide, matrix, reach } from "../src/index.ts";
import type { Hours } from "../src/rules/rule.ts";
import { call, files, loaded, SUPPORT, ticket } from "./support/helpdesk.ts";
import { load } from "../src/index.ts";

const ALL_DAYS = new Set([0, 1, 2, 3, 4, 5, 6]);
const minute = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
const hoursOf = (from: string, to: string, zone: string, days: ReadonlySet<number> = ALL_DAYS): Hours => ({
  days,
  fromMinute: minute(from),
  toMinute: minute(to),
  zone,
});
const open = (hours: Hours, at: string): boolean => withinHours(hours, new Date(at));

describe("hours over midnight", () => {
  const nights = hoursOf("22:00", "06:00", "Europe/Berlin", new Set([5]));

  it("belong to the day on which they begin", () => {
    expect(open(nights, "2026-11-27T21:00:00Z")).toBe(true); // Friday 22:00
    expect(open(nights, "2026-11-28T04:59:59Z")).toBe(true); // Saturday 05:59
    expect(open(nights, "2026-11-28T05:00:00Z")).toBe(false); // Saturday 06:00
    expect(open(nights, "2026-11-27T04:00:00Z")).toBe(false); // Friday 05:00 is Thursday's night
    expect(open(nights, "2026-11-28T21:30:00Z")).toBe(false); // Saturday 22:30
  });

  it("say when they open, to the millisecond", () => {
    expect(opensInMs(nights, new Date("2026-11-27T20:59:59.999Z"))).toBe(1);
    expect(opensInMs(nights, new Date("2026-11-28T05:00:00Z"))).toBe(
      Date.parse("2026-12-04T21:00:00Z") - Date.parse("2026-11-28T05:00:00Z"),
    );
  });
});

describe("where the clock is changed", () => {
  it.each([
    ["opens an hour earlier by UTC in summer", "08:00", "18:00", "2026-03-29T05:00:00Z", "2026-03-29T06:00:00Z"],
    ["opens an hour later by UTC in winter", "08:00", "18:00", "2026-10-25T06:00:00Z", "2026-10-25T07:00:00Z"],
    ["opens at three where half past two does not exist", "02:30", "04:00", "2026-03-29T00:10:00Z", "2026-03-29T01:00:00Z"],
    ["opens at the first half past two where there are two", "02:30", "04:00", "2026-10-24T23:00:00Z", "2026-10-25T00:30:00Z"],
  ])("%s", (_, from, to, at, opens) => {
    const hours = hoursOf(from, to, "Europe/Berlin");
    expect(open(hours, at)).toBe(false);
    expect(opensInMs(hours, new Date(at))).toBe(Date.parse(opens) - Date.parse(at));
  });

  it("say the same moment whenever they are asked, and the next one once they were open", () => {
    const short = hoursOf("09:00", "09:20", "Europe/Berlin", new Set([1]));
    const waits = (at: string): number => Date.parse(at) + (opensInMs(short, new Date(at)) ?? 0);
    const first = Date.parse("2026-03-09T08:00:00Z");
    expect([waits("2026-03-03T10:00:00Z"), waits("2026-03-09T07:59:59.999Z"), waits("2026-03-03T09:00:00Z")]).toEqual([
      first,
      first,
      first,
    ]);
    expect(waits("2026-03-09T08:20:00Z")).toBe(Date.parse("2026-03-16T08:00:00Z"));
    expect(waits("2026-03-02T07:00:00Z")).toBe(Date.parse("2026-03-02T08:00:00Z"));
  });

  it("skips the day whose hours are lost", () => {
    const lost = hoursOf("02:10", "02:50", "Europe/Berlin");
    expect(opensInMs(lost, new Date("2026-03-29T00:55:00Z"))).toBe(Date.parse("2026-03-30T00:10:00Z") - Date.parse("2026-03-29T00:55:00Z"));
  });

  it("shifts by half an hour at Lord Howe, and by a whole day where Samoa crossed the date line", () => {
    const howe = hoursOf("02:15", "03:00", "Australia/Lord_Howe");
    expect(opensInMs(howe, new Date("2026-10-03T15:29:00Z"))).toBe(60_000);
    const samoa = hoursOf("09:00", "10:00", "Pacific/Apia", new Set([5]));
    expect(opensInMs(samoa, new Date("2011-12-29T20:00:00Z"))).toBe(
      Date.parse("2012-01-05T19:00:00Z") - Date.parse("2011-12-29T20:00:00Z"),
    );
  });
});

it("what opens is open then and not a minute before, in any zone, and nothing opens earlier", () => {
  const zone = fc.constantFrom("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia");
  const time = fc.integer({ min: 0, max: 1_439 });
  const day = fc.subarray([0, 1, 2, 3, 4, 5, 6], { minLength: 1 });
  const moment = fc.date({ min: new Date("2011-01-01"), max: new Date("2030-01-01"), noInvalidDate: true });
  fc.assert(
    fc.property(zone, time, time, day, moment, (name, fromMinute, toMinute, days, now) => {
      fc.pre(fromMinute !== toMinute);
      const hours: Hours = { days: new Set(days), fromMinute, toMinute, zone: name };
      fc.pre(!withinHours(hours, now));
      const wait = opensInMs(hours, now);
      if (wait === undefined) return;
      const opens = now.getTime() + wait;
      expect(withinHours(hours, new Date(opens))).toBe(true);
      expect(withinHours(hours, new Date(opens - 60_000))).toBe(false);
      for (let at = now.getTime(); at < opens; at += 601_000) expect(withinHours(hours, new Date(at))).toBe(false);
    }),
    { numRuns: 40 },
  );
});

const NIGHT = '{ days: [mon, tue, wed, thu, fri], from: "22:00", to: "06:00", zone: Europe/Berlin }';
const roles = (more: string): Readonly<Record<string, string>> => ({
  "roles/support.yaml": `role: support\nreason: r\nallow:\n  - do: tickets:read\n${more}`,
});

describe("hours of a grant", () => {
  const policy = loaded(roles(`    hours: ${NIGHT}\n`));
  const read = (now: string) => decide(policy, call("get_ticket", { id: "T-1" }, { resource: ticket({}), now: new Date(now) }));

  it("let it permit then, and tell whoever comes too early when to come", () => {
    expect(read("2026-11-23T23:00:00Z")).toMatchObject({ verdict: "allow" });
    expect(read("2026-11-23T10:00:00Z")).toMatchObject({
      verdict: "deny",
      refusal: { code: "outside_hours", next: [{ kind: "retry_after", ms: 11 * 3_600_000 }] },
    });
  });

  it("are said in the table, and the call is never certain", () => {
    const cell = matrix(policy, { agents: [SUPPORT.agent] }).rows[0]?.cells.find(({ action }) => action === "tickets.get_ticket");
    expect(cell).toMatchObject({ when: "sometimes", ways: [{ hours: ["mon-fri 22:00-06:00 next day Europe/Berlin"] }] });
    expect(reach(policy, SUPPORT, { tool: "tickets", kind: "tool", name: "get_ticket" })).toBe("depends");
  });

  it("of which another one has none do not refuse, and of two the next to open counts", () => {
    const plain = loaded(roles(`    hours: ${NIGHT}\n  - do: tickets:read\n    approve: { by: [support-lead] }\n`));
    const asked = call("get_ticket", { id: "T-1" }, { resource: ticket({}), now: new Date("2026-11-23T10:00:00Z") });
    expect(decide(plain, asked)).toMatchObject({ verdict: "ask" });
    const two = loaded(
      roles(`    hours: ${NIGHT}\n  - do: tickets:read\n    hours: { days: [mon], from: "12:00", to: "13:00", zone: Europe/Berlin }\n`),
    );
    expect(decide(two, asked).refusal?.next).toEqual([{ kind: "retry_after", ms: 3_600_000 }]);
  });

  it("keep it from making another grant's approval meaningless", () => {
    const warned = (hours: string) =>
      loaded(roles(`${hours}  - do: tickets:read\n    approve: { by: [support-lead] }\n`)).warnings.map(({ code }) => code);
    expect(warned(`    hours: ${NIGHT}\n`)).not.toContain("shadowed-approval");
    expect(warned("")).toContain("shadowed-approval");
  });

  it("that could not be told are errors", () => {
    for (const hours of [
      '{ days: [mon], from: "08:00", to: "08:00", zone: UTC }',
      '{ days: [mon], from: "24:00", to: "08:00", zone: UTC }',
      '{ days: [mon], from: "08:00", to: "09:00", zone: Europe/Atlantis }',
    ])
      expect(load(files(roles(`    hours: ${hours}\n`)))).toMatchObject({ ok: false, diagnostics: [{ code: "invalid-value" }] });
  });
});

it("hours of a ceiling hold whatever the grants say", () => {
  const ceiling = `version: 1
tenants: [acme, globex]
environments:
  dev: {}
  prod: { ceiling: { hours: ${NIGHT} } }
people:
  dana: { name: Dana Reyes, email: dana@acme.example, tenants: [acme], roles: [support-lead, operator] }
  omar: { name: Omar Haddad, email: omar@globex.example, tenants: [globex], roles: [finance] }
  lena: { name: Lena Fox, email: lena@platform.example, tenants: [acme, globex], roles: [support-lead, operator] }
session:
  data: { "ticket?": string }
`;
  const policy = loaded({ ...roles(""), "bailiwick.yaml": ceiling });
  const asked = (now: string) => decide(policy, call("get_ticket", { id: "T-1" }, { resource: ticket({}), now: new Date(now) }));
  expect(asked("2026-11-23T23:00:00Z")).toMatchObject({ verdict: "allow" });
  expect(asked("2026-11-23T10:00:00Z")).toMatchObject({
    verdict: "deny",
    refusal: { code: "outside_hours", next: [{ kind: "retry_after", ms: 11 * 3_600_000 }] },
    rules: [{ kind: "ceiling" }],
  });
});
