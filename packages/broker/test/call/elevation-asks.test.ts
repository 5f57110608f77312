import type { Session } from "../../src/domain/session.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bearer } from "../plain-session.ts";
import { saidBy } from "../support/said.ts";
import { yesOf } from "../store/elevation-sample.ts";
import { AGENT } from "./support.ts";

import { openBrokers, closeBrokers, db, other, now, policyWith, line, revoke, codeOf, house, ask, give } from "./elevation-house.ts";

beforeAll(openBrokers);
afterAll(closeBrokers);

describe("an agent asks", () => {
  test("it is recorded with the agent's words sealed, and shown as asked by the agent for its user and task", async () => {
    const here = await house();
    const elevation = await ask(here, { scope: "tickets:delete", reason: "words of the agent", minutes: 20 });
    expect(elevation).toMatchObject({
      task: here.session.task,
      forMs: 1_200_000,
      askedBy: { agent: AGENT, user: here.session.user, session: here.session.id },
    });
    const records = await db.store.log.recordsOf("acme", [elevation.id]);
    expect(records.map(saidBy)).toMatchObject([{ event: "elevation.ask", by: AGENT, scope: ["tickets:delete"], minutes: 20 }]);
    expect(records[0]?.text).not.toContain("words of the agent");
    expect(await db.store.log.facts("acme", elevation.id)).toMatchObject({ reason: "words of the agent" });
  });

  test.each([
    ["a role that is not eligible", { role: "support", reason: "x" }, "elevation_not_eligible"],
    ["a scope that no eligible role has", { scope: "health:ping", reason: "x" }, "elevation_not_eligible"],
    ["more time than the policy gives", { role: "cleaning", minutes: 121, reason: "x" }, "elevation_not_eligible"],
    ["a wildcard over tools", { scope: "*:*", reason: "x" }, "malformed_request"],
    ["no reason", { role: "cleaning" }, "malformed_request"],
    ["nothing", { reason: "x" }, "malformed_request"],
    ["an unknown member", { role: "cleaning", reason: "x", approvedBy: "dana" }, "malformed_request"],
    ["half a minute", { role: "cleaning", reason: "x", minutes: 0.5 }, "malformed_request"],
    ["a list", [], "malformed_request"],
  ])("%s is refused, and the refusal is recorded", async (_, args, code) => {
    const here = await house();
    const answer = await here.surface.requestElevation(args, line(here.session));
    expect(answer).toMatchObject({ kind: "refused", code });
    const records = await db.store.log.recordsOf("acme", [answer.callId ?? ""]);
    expect(records.map(saidBy)).toMatchObject([{ method: "request_elevation", verdict: "deny", code }]);
  });

  test("its wait ends with the answer: the right with what to do next, or the reason of the no", async () => {
    const here = await house();
    const elevation = await ask(here);
    const waiting = here.surface.resume(elevation.id, line(here.session, 20_000));
    await give(elevation, {}, other);
    expect(await waiting).toMatchObject({
      kind: "result",
      body: { isError: false, structuredContent: { status: "active", elevation: elevation.id, next: [] } },
    });
    const second = await house();
    const denied = await ask(second);
    await db.store.elevations.answer("acme", denied.id, {
      answer: yesOf({ verdict: "deny", at: now(), by: "lena", reason: "not today" }),
      seen: 0,
      state: "denied",
    });
    expect(await second.surface.resume(denied.id, line(second.session))).toMatchObject({
      kind: "refused",
      code: "elevation_denied",
      message: "`lena` said no: not today",
    });
  });

  test("asking again while it waits, or while it is in force, makes no second question", async () => {
    const here = await house();
    const elevation = await ask(here);
    expect((await ask(here)).id).toBe(elevation.id);
    await give(elevation);
    const answer = await here.surface.requestElevation({ scope: "tickets:delete", reason: "once more" }, line(here.session));
    expect(answer).toMatchObject({ kind: "result", body: { structuredContent: { elevation: elevation.id } } });
  });

  test("a session that does not cover the right is told which token it needs", async () => {
    const here = await house();
    const narrow: Session = { ...here.session, id: `${here.session.id}-narrow`, scope: ["tickets:read"] };
    await db.store.sessions.create(narrow);
    await give(await ask(here));
    const answer = await here.surface.requestElevation({ scope: "tickets:delete", reason: "again" }, line(narrow));
    expect(answer).toMatchObject({
      kind: "result",
      body: { structuredContent: { next: [{ kind: "reauthenticate", scope: "tickets:read tickets:delete" }] } },
    });
    const call = await here.surface.handle({ ...line(narrow), kind: "tool", name: "delete_ticket", args: { id: "T-2" } });
    expect(codeOf(call)).toBe("outside_session_scope");
  });

  test("a ticket opens nothing to another agent, user or task", async () => {
    const here = await house();
    const elevation = await ask(here);
    const strangers: Partial<Session>[] = [
      { user: "somebody-else" },
      { task: "another task" },
      { agent: "bailiwick://acme/prod/helpdesk/other" },
    ];
    for (const [index, change] of strangers.entries()) {
      const stranger: Session = { ...here.session, ...change, id: `${here.session.id}-${index}` };
      await db.store.sessions.create(stranger);
      const answer = await here.surface.resume(elevation.id, line(stranger));
      expect(["approval_unknown", "session_revoked"], JSON.stringify(change)).toContain(codeOf(answer));
    }
    expect(codeOf(await here.surface.resume("elv_that_is_none", line(here.session)))).toBe("approval_unknown");
  });

  test("only an agent that may ask for something is told of it", async () => {
    const here = await house();
    expect((await here.surface.list(bearer(here.session.id))).eligible).toMatchObject([
      { role: "cleaning", mostMinutes: 120, scopes: ["tickets:update", "tickets:delete"] },
    ]);
    const without = await house(db.store, policyWith("eligible: []"));
    expect((await without.surface.list(bearer(without.session.id))).eligible).toBeUndefined();
  });

  test("tools that only the right reaches are listed while it is in force", async () => {
    const here = await house();
    const names = async (): Promise<unknown[]> => (await here.surface.list(bearer(here.session.id))).tools.map((tool) => tool["name"]);
    expect(await names()).not.toContain("delete_ticket");
    const elevation = await give(await ask(here));
    expect(await names()).toContain("delete_ticket");
    await revoke(elevation);
    expect(await names()).not.toContain("delete_ticket");
  });
});
