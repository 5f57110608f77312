import { describe, expect, it } from "vitest";
import { findAction } from "../src/index.ts";
import type { Caller, Policy } from "../src/index.ts";
import type { Place } from "../src/decide/place.ts";
import { placeOf, sessionOf } from "../src/decide/session.ts";
import { BILLING, loaded, SUPPORT } from "./support/helpdesk.ts";

const POLICY = loaded();

function place(policy: Policy, caller: Caller, tool: string, name: string): Place {
  const session = sessionOf(policy, caller);
  const action = findAction(policy, { tool, kind: "tool", name });
  if ("code" in session || action === undefined) throw new Error("the folder knows both");
  return placeOf(session, action);
}

/** The places of two sessions of one agent that differ in everything a session has of its own. */
function two(policy: Policy, caller: Caller, tool: string, name: string): readonly [Place, Place] {
  const other: Caller = { ...caller, user: "u-99", session: "s-99", task: "T-99", data: { ticket: "T-99" } };
  return [place(policy, caller, tool, name), place(policy, other, tool, name)];
}

describe("the place of an action", () => {
  it("is found once for a session", () => {
    expect(place(POLICY, SUPPORT, "tickets", "get_ticket")).toBe(place(POLICY, SUPPORT, "tickets", "get_ticket"));
  });

  it("is shared by all sessions of an agent when its rules read only the agent and the record", () => {
    const [one, another] = two(POLICY, SUPPORT, "tickets", "get_ticket");
    expect(another).toBe(one);
  });

  it("is shared when its rules read the arguments, which come with each call", () => {
    const [one, another] = two(POLICY, SUPPORT, "mail", "send");
    expect(another).toBe(one);
  });

  it("is each session's own when a rule reads the session", () => {
    const [one, another] = two(POLICY, BILLING, "billing", "get_invoice");
    expect(another).not.toBe(one);
    expect([one.grants[0]?.when?.constant, another.grants[0]?.when?.constant]).toEqual(["true", "true"]);
    expect(place(POLICY, { ...BILLING, task: "" }, "billing", "get_invoice").grants[0]?.when?.constant).toBe("false");
  });

  it.each([
    ["the user", 'context.user.id == "u-17"'],
    ["session data", 'context.session.data has ticket && context.session.data.ticket == "T-99"'],
    ["whether there is a user", "context has user && context.args has status"],
    ["the context as a whole", "context == context && context.args has status"],
  ])("is each session's own when a rule reads %s", (_, when) => {
    const role = `role: support\nreason: r\nallow:\n  - { do: tickets:read, when: '${when}' }\n`;
    const tools = { "roles/support.yaml": role };
    const [one, another] = two(loaded(tools), SUPPORT, "tickets", "list_tickets");
    expect(another).not.toBe(one);
  });
});
