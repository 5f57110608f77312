import { expect, test } from "vitest";
import { ADMIN_EVENTS, adminRecord } from "../../src/domain/admin-record.ts";

const at = new Date("2026-11-26T12:00:00.000Z");
const act = { at, event: "session.revoke", callId: "ses_1", by: { named: "operator" } } as const;

test("people stand among the people, first the one the work is for; the body holds none of them", () => {
  const { body, people } = adminRecord({ ...act, by: { person: "olaf" }, user: "ana", approver: "lena", body: { session: "ses_1" } });
  expect(Object.entries(people ?? {})).toEqual([
    ["user", "ana"],
    ["by", "olaf"],
    ["approver", "lena"],
  ]);
  expect(body).toEqual({ at: at.toISOString(), event: "session.revoke", session: "ses_1" });
});

test("whoever is no person is named in the body", () => {
  expect(adminRecord({ ...act, via: "operator-key" })).toEqual({
    kind: "admin",
    callId: "ses_1",
    body: { at: at.toISOString(), event: "session.revoke", by: "operator", via: "operator-key" },
    people: {},
  });
});

test("a person is told from an agent by the type and not by the text", () => {
  const named = "bailiwick://acme/prod/support/support-bot";
  expect(adminRecord({ ...act, by: { person: named } })).toMatchObject({ people: { by: named } });
  expect(adminRecord({ ...act, by: { named } })).toMatchObject({ body: { by: named }, people: {} });
});

test("a task is tagged, and stands in plain among the facts only", () => {
  const { body, task, facts } = adminRecord({ ...act, task: "call Ms Doe", facts: { reason: "done" } });
  expect({ task, facts }).toEqual({ task: "call Ms Doe", facts: { reason: "done", task: "call Ms Doe" } });
  expect(JSON.stringify(body)).not.toContain("Doe");
});

test.each(["user", "person", "task", "reason", "clientName", "by", "at"])("a body with `%s` makes no record", (member) => {
  // As a spread hides it from the compiler.
  const body: Record<string, string> = { [member]: "ana" };
  expect(() => adminRecord({ ...act, body })).toThrow(TypeError);
});

test("each event is listed once, in order", () => {
  expect(ADMIN_EVENTS).toEqual([...new Set(ADMIN_EVENTS)].toSorted());
});
