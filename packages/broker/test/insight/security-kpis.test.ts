import { matrix } from "@bailiwick/policy";
import { expect, test } from "vitest";
import type { ActionCounts, CallCounts, DayFigures, LogFigures } from "../../src/domain/log-figures.ts";
import { callFigures, delayFigures } from "../../src/insight/overview.ts";
import { type SecurityKpi, securityKpis } from "../../src/insight/security-kpis.ts";
import { company } from "../people-support/company.ts";

const NOW = new Date("2026-11-20T15:30:00.000Z");
const BOT = "bailiwick://acme/prod/support/support-bot";
const NONE: CallCounts = { calls: 0, ran: 0, refused: 0, held: 0, unknown: 0 };
const table = matrix(company, { agents: [BOT] });

function day(more: Partial<DayFigures> = {}): DayFigures {
  return { day: "2026-11-20", hours: new Map(), actions: [], rules: [], codes: new Map(), ...more };
}

function log(more: Partial<LogFigures> = {}): LogFigures {
  const begins = new Date("2026-10-01T00:00:00.000Z");
  return { days: [], answers: [], unknowns: [], records: 0, complete: true, begins, ...more };
}

function action(scope: string, more: Partial<ActionCounts>): ActionCounts {
  return { ...NONE, approved: 0, agent: BOT, action: scope, ...more };
}

function kpi(id: SecurityKpi["id"], ...logs: readonly LogFigures[]): SecurityKpi | undefined {
  return securityKpis({ policy: company, matrix: table, logs, sharedAttempts: 2, now: NOW }).find((each) => each.id === id);
}

test("coverage is the share of rights that ran a call; a refused or held one uses none", () => {
  const actions = [action("tickets:read", { calls: 3, ran: 3 }), action("tickets:update", { calls: 2, held: 1, refused: 1 })];
  expect(kpi("least_privilege_coverage", log({ days: [day({ actions })] }))).toMatchObject({ value: 50, part: 1, whole: 2 });
  const elsewhere = [action("tickets:read", { ran: 1, agent: "bailiwick://acme/dev/support/support-bot" })];
  expect(kpi("least_privilege_coverage", log({ days: [day({ actions: elsewhere })] }))).toMatchObject({ value: 0, part: 0, whole: 2 });
});

test("stale are grants that let nothing run; that is not said of a log that reaches back less than thirty days", () => {
  const grant = table.rows[0]?.cells[0]?.ways[0]?.grant.id ?? "";
  const days = [
    day({
      rules: [
        { ...NONE, ran: 1, rules: [grant] },
        { ...NONE, refused: 4, rules: ["support-2"] },
      ],
    }),
  ];
  expect(kpi("stale_permissions", log({ days }))).toMatchObject({ value: 50, part: 1, whole: 2 });
  const young = kpi("stale_permissions", log({ days, begins: new Date("2026-11-18T00:00:00.000Z") }));
  expect(young?.value).toBeUndefined();
  expect(young?.notMeasured).toBe("the log reaches back 2 days, and stale means unused for 30");
});

test("a share of nothing is not a figure: it says what is missing", () => {
  expect(kpi("high_risk_approval", log())).toMatchObject({ value: undefined, notMeasured: "no call with such an effect ran in 30 days" });
  expect(kpi("policy_violation_rate", log())).toMatchObject({ value: undefined, notMeasured: "no call was made in 30 days" });
  expect(kpi("time_to_detect", log())).toMatchObject({ value: undefined, notMeasured: "no outcome was unknown in 30 days" });
});

test("while a log is still being counted no share of it is told", () => {
  const days = [day({ actions: [action("tickets:read", { ran: 1 })], hours: new Map([[1, { ...NONE, calls: 1 }]]) })];
  for (const id of [
    "least_privilege_coverage",
    "high_risk_approval",
    "policy_violation_rate",
    "time_to_detect",
    "stale_permissions",
  ] as const)
    expect(kpi(id, log({ days }), log({ complete: false })), id).toMatchObject({
      value: undefined,
      notMeasured: expect.stringContaining("counted"),
    });
});

test("a violation is what the agent may not; faults and a person's no are none", () => {
  const codes = new Map([
    ["no_grant", 2],
    ["rate_limited", 1],
    ["tool_unavailable", 5],
    ["approval_denied", 3],
  ]);
  const days = [day({ codes, hours: new Map([[3, { ...NONE, calls: 40, refused: 11 }]]) })];
  expect(kpi("policy_violation_rate", log({ days }))).toMatchObject({ value: 7.5, part: 3, whole: 40 });
});

test("keys are held by one agent each, and attempts to share one are counted", () => {
  expect(kpi("shared_credentials", log())).toMatchObject({ value: 0, means: expect.stringContaining("2 attempts") });
});

test("time to detect is the median over what surfaced as unknown", () => {
  const unknowns = [30, 10, 20].map((ms) => ({ at: NOW, ms: ms * 1_000 }));
  expect(kpi("time_to_detect", log({ unknowns }))).toMatchObject({ unit: "ms", value: 20_000, whole: 3 });
});

test("the median and the ninetieth percentile are values that occurred, by nearest rank", () => {
  expect(delayFigures([])).toEqual({ count: 0, medianMs: undefined, p90Ms: undefined });
  expect(delayFigures([{ at: NOW, ms: 7 }])).toEqual({ count: 1, medianMs: 7, p90Ms: 7 });
  const ten = [10, 1, 9, 2, 8, 3, 7, 4, 6, 5].map((ms) => ({ at: NOW, ms }));
  expect(delayFigures(ten)).toEqual({ count: 10, medianMs: 5, p90Ms: 9 });
});

test("a week is seven days with today, each hour has its place, and older days stand beside it only", () => {
  const hours = (calls: number): DayFigures["hours"] => new Map([[15, { ...NONE, calls }]]);
  const days = [
    day({ day: "2026-11-13", hours: hours(100) }),
    day({ day: "2026-11-14", hours: hours(10) }),
    day({ day: "2026-11-20", hours: hours(1) }),
  ];
  const figures = callFigures([log({ days })], NOW, () => undefined);
  expect([figures.today.calls, figures.week.calls]).toEqual([1, 11]);
  expect(figures.hours).toHaveLength(168);
  expect(figures.hours.at(-1)).toMatchObject({ at: "2026-11-20T15:00:00.000Z", calls: 1 });
  expect(figures.hours.filter(({ calls }) => calls > 0).map(({ at }) => at)).toEqual([
    "2026-11-14T15:00:00.000Z",
    "2026-11-20T15:00:00.000Z",
  ]);
});

test("the lists hold what occurred most, and never what did not", () => {
  const days = [
    day({
      actions: [
        action("tickets:read", { calls: 9, refused: 1 }),
        action("tickets:update", { calls: 2, refused: 2 }),
        action("mail:send", { calls: 1 }),
      ],
      rules: [
        { ...NONE, refused: 2, rules: ["a", "b"] },
        { ...NONE, refused: 1, rules: ["b"] },
        { ...NONE, ran: 5, rules: ["c"] },
      ],
      codes: new Map([["no_grant", 3]]),
    }),
  ];
  const figures = callFigures([log({ days })], NOW, (id) =>
    id === "b" ? { kind: "deny", id, at: { file: "denies.yaml", line: 3 }, reason: "" } : undefined,
  );
  expect(figures.refusedActions).toEqual([
    { action: "tickets:update", refused: 2, calls: 2 },
    { action: "tickets:read", refused: 1, calls: 9 },
  ]);
  expect(figures.refusedRules).toEqual([
    { rule: "b", kind: "deny", at: { file: "denies.yaml", line: 3 }, refused: 3 },
    { rule: "a", refused: 2 },
  ]);
  expect(figures.agents).toMatchObject([{ agent: BOT, calls: 12 }]);
});
