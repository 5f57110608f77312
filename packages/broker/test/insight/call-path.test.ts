import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { callPath, type PathStep, STEPS } from "../../src/insight/call-path.ts";
import { type RecordView, viewRecord } from "../../src/insight/record-view.ts";

const rules = [{ kind: "grant", id: "support-1", file: "roles/support.yaml", line: 4, reason: "support works tickets" }];
const said = {
  agent: "bailiwick://acme/prod/support/support-bot",
  session: "ses_1",
  user: "sub_aaaaaaaaaaaaaaaaaaaaaa",
  binding: "dpop",
  tool: "tickets",
  operation: "update_ticket",
  action: "tickets:update",
  effect: "write",
  verdict: "allow",
  rules,
};

let index = 0;
function record(kind: RecordView["kind"], body: Readonly<Record<string, unknown>> = {}): RecordView {
  index += 1;
  const at = new Date(Date.UTC(2026, 10, 1) + index).toISOString();
  return viewRecord({
    tenant: "acme",
    index,
    kind,
    callId: "call_1",
    at,
    text: JSON.stringify({ at, kind, call: "call_1", ...said, ...body }),
    people: { sub_aaaaaaaaaaaaaaaaaaaaaa: "ana" },
  });
}

function pathOf(...records: readonly RecordView[]): readonly PathStep[] {
  const path = callPath(records);
  if (path === undefined) throw new Error("no path");
  return path;
}

const states = (path: readonly PathStep[]): Readonly<Record<string, string>> =>
  Object.fromEntries(path.map(({ step, state }) => [step, state]));
const says = (path: readonly PathStep[]): Readonly<Record<string, string | undefined>> =>
  Object.fromEntries(path.map((each) => [each.step, each.says]));

test("the steps are those of ARCHITECTURE.md, in its order and words", async () => {
  const text = await readFile(new URL("../../../../ARCHITECTURE.md", import.meta.url), "utf8");
  const rows = [...text.matchAll(/^\| (?<step>[a-z]+) \| `[^|]*` \| (?<does>[^|;]*(?:; (?!`)[^|;]*)*)(?:; `[^|]*)? \|/gmu)];
  expect(rows.map(({ groups }) => [groups?.["step"], groups?.["does"]])).toEqual(STEPS.map((step) => [...step]));
});

test("a call that ran passed every step, and each says what it came to", () => {
  const path = pathOf(
    record("lookup", { action: "tickets:read" }),
    record("intent", { limits: 2, credential: { name: "tickets-api", version: 3 } }),
    record("outcome", {
      status: "succeeded",
      durationMs: 41,
      upstreamMs: 12,
      records: 5,
      rowsRemoved: 2,
      hidden: ["salary"],
      masked: ["phone"],
      credential: { name: "tickets-api", version: 3 },
    }),
  );
  expect(states(path)).toEqual({ ...Object.fromEntries(STEPS.map(([step]) => [step, "passed"])), approve: "skipped" });
  expect(says(path)).toEqual({
    authenticate: "a token and a DPoP proof of its holder",
    session: "ses_1 of bailiwick://acme/prod/support/support-bot for ana",
    identify: "tickets:update (write), tickets.update_ticket",
    decide: "allow, after looking the record up",
    limit: "draws from 2 counters and budgets",
    approve: "nobody had to be asked",
    intend: `durable as record ${index - 1}`,
    inject: "`tickets-api`, version 3",
    execute: "sent once; the tool took 12 ms",
    filter: "5 records shown; 2 taken out; hidden: salary; masked: phone",
    record: "succeeded, 41 ms after it arrived",
  });
  expect(path.find(({ step }) => step === "decide")?.rules).toEqual([
    { kind: "grant", id: "support-1", at: { file: "roles/support.yaml", line: 4 }, reason: "support works tickets" },
  ]);
  expect(path.map((each) => each.record)).toEqual([
    index - 2,
    index - 2,
    index - 2,
    index - 1,
    index - 1,
    index - 1,
    index - 1,
    index,
    index,
    index,
    index,
  ]);
});

test.each([
  ["agent_stopped", "session"],
  ["tool_unknown", "identify"],
  ["no_grant", "decide"],
  ["records_exceeded", "limit"],
  ["approval_expired", "approve"],
  ["rate_limited", "intend"],
  ["permit_invalid", "decide"],
])("a refusal with %s stops at %s, and no later step was reached", (code, at) => {
  const path = pathOf(record("refusal", { verdict: "deny", code }));
  const place = STEPS.findIndex(([step]) => step === at);
  expect(path[place]?.state).toBe("stopped");
  expect(path[place]?.says).toContain(`\`${code}\``);
  expect(path.slice(place + 1).every(({ state, says: said }) => state === "not_reached" && said === undefined)).toBe(true);
  expect(path.slice(0, place).every(({ state }) => state === "passed" || state === "skipped")).toBe(true);
});

test("what stopped between intent and sending stops at the credential, and the intent before it stands", () => {
  const path = pathOf(record("intent"), record("outcome", { status: "not_sent", code: "credential_unavailable" }));
  expect(states(path)).toMatchObject({ intend: "passed", inject: "stopped", execute: "not_reached", record: "not_reached" });
});

test("a held call waits for those who may answer, until its end", () => {
  const path = pathOf(
    record("hold", { verdict: "ask", approval: "apr_1", approvers: ["support-lead"], expiresAt: "2026-11-01T10:00:00.000Z" }),
  );
  expect(states(path)).toMatchObject({ decide: "passed", approve: "waiting", intend: "not_reached" });
  expect(says(path)["approve"]).toBe("waits for support-lead until 2026-11-01T10:00:00.000Z (apr_1)");
});

test("a person's answer is told at the approval: a no stops it, a yes is for the agent's next call or for this one", () => {
  const hold = record("hold", { verdict: "ask", approval: "apr_1" });
  const no = record("admin", { event: "approval.deny", by: "lena" });
  expect(pathOf(hold, no)[5]).toMatchObject({ state: "stopped", says: "lena said no (apr_1)" });
  const yes = record("admin", { event: "approval.approve", by: "lena" });
  expect(pathOf(hold, yes)[5]).toMatchObject({
    state: "passed",
    says: "lena said yes (apr_1); the agent's next call like it stands on that",
  });
  const through = pathOf(hold, yes, record("intent", { approval: "apr_1", approvedBy: ["lena"] }));
  expect(through[5]).toMatchObject({ state: "passed", says: "lena said yes (apr_1)" });
  expect(states(through)).toMatchObject({ execute: "running", filter: "not_reached" });
});

test("a yes of which more are needed leaves the call waiting", () => {
  const hold = record("hold", { verdict: "ask", approval: "apr_1" });
  const path = pathOf(hold, record("admin", { event: "approval.approve", by: "lena", state: "pending" }));
  expect(path[5]).toMatchObject({ state: "waiting", says: "lena said yes (apr_1); more people are needed" });
});

test("a right for a time and a yes to several calls are told where they were used", () => {
  const path = pathOf(record("intent", { approval: "apr_1", bounded: true, elevations: ["elv_1"] }));
  expect(says(path)).toMatchObject({ decide: "allow, by a right for a time (elv_1)", approve: "a yes to several calls covers it (apr_1)" });
});

test("nobody is told that a call ran well whose outcome is unknown", () => {
  const path = pathOf(record("intent"), record("outcome", { status: "unknown" }));
  expect(states(path)).toMatchObject({ execute: "unknown", filter: "skipped", record: "passed" });
  expect(says(path)).toMatchObject({ execute: "sent, and nobody knows what came of it", record: "unknown" });
});

test("a person's act that belongs to no call has no path", () => {
  expect(callPath([record("admin", { event: "stop.put" })])).toBeUndefined();
  expect(callPath([])).toBeUndefined();
});
