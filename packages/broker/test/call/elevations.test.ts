import { cachedSessions } from "../../src/adapters/cache/session-cache.ts";
import { createAgentSurface } from "../../src/call/agent-surface.ts";
import type { CallAnswer } from "../../src/call/types.ts";
import type { Elevation } from "../../src/domain/elevation.ts";
import type { Session } from "../../src/domain/session.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { saidBy } from "../support/said.ts";
import { AGENT, testPolicy, world } from "./support.ts";

import {
  openBrokers,
  closeBrokers,
  db,
  other,
  now,
  moveClock,
  agentFile,
  ELIGIBLE,
  READER,
  CLEANING,
  policyWith,
  policy,
  line,
  revoke,
  codeOf,
  house,
  atOther,
  ask,
  give,
  heard,
  type House,
} from "./elevation-house.ts";

beforeAll(openBrokers);
afterAll(closeBrokers);

describe("a right for a time", () => {
  test("a refusal says that it can be asked for, and once people gave it the very next call has it, here and on another broker", async () => {
    const here = await house();
    const there = await atOther(here);
    const before = await here.call("delete_ticket", { id: "T-2" });
    expect(before).toMatchObject({ kind: "refused", code: "no_grant" });
    expect(before.kind === "refused" ? before.next : []).toContainEqual({ kind: "request_elevation", scope: "tickets:delete" });
    expect(codeOf(await there.call("delete_ticket", { id: "T-2" }))).toBe("no_grant");
    const elevation = await ask(here);
    await heard(() => give(elevation));
    expect(codeOf(await here.call("delete_ticket", { id: "T-2" }))).toBe("result");
    expect(codeOf(await there.call("delete_ticket", { id: "T-1" }))).toBe("result");
    expect(here.tool.effects.map(({ name }) => name)).toContain("delete_ticket");
  });

  test("its use is marked in the log, and calls without it are not", async () => {
    const here = await house();
    const elevation = await give(await ask(here));
    await here.call("get_ticket", { id: "T-1" });
    const used = await here.call("delete_ticket", { id: "T-2" });
    const marked = await db.store.log.calls("acme", { rule: elevation.id, limit: 10 });
    expect(marked.places.map(({ callId }) => callId)).toEqual([used.callId]);
    const records = await db.store.log.recordsOf("acme", [used.callId ?? ""]);
    expect(records.filter(({ kind }) => kind === "intent").map(saidBy)).toMatchObject([{ elevations: [elevation.id] }]);
  });

  test("is of the agent's task alone: its sessions for another task do not have it", async () => {
    const here = await house();
    await give(await ask(here));
    const elsewhere = await house();
    expect(elsewhere.session.agent).toBe(here.session.agent);
    expect(codeOf(await elsewhere.call("delete_ticket", { id: "T-2" }))).toBe("no_grant");
  });

  test("narrowed by whoever gave it, it covers no more than what was given", async () => {
    const here = await house();
    const elevation = await ask(here, { role: "cleaning", reason: "cleaning up" });
    await give(elevation, { scope: ["tickets:update"] });
    expect(codeOf(await here.call("update_ticket", { id: "T-2", status: "closed" }))).toBe("result");
    expect(codeOf(await here.call("delete_ticket", { id: "T-2" }))).toBe("no_grant");
    // Rows of the role bound it as well.
    expect(codeOf(await here.call("update_ticket", { id: "T-1", status: "closed" }))).toBe("row_not_permitted");
  });
});

describe("a right that ended", () => {
  test("revoked, the very next call does not have it, here and on another broker", async () => {
    const here = await house();
    const there = await atOther(here);
    const elevation = await ask(here);
    await heard(() => give(elevation));
    expect(codeOf(await there.call("delete_ticket", { id: "T-1" }))).toBe("result");
    await heard(() => revoke(elevation));
    expect(codeOf(await here.call("delete_ticket", { id: "T-2" }))).toBe("no_grant");
    expect(codeOf(await there.call("delete_ticket", { id: "T-2" }))).toBe("no_grant");
  });

  test.each(["intent", "lookup"])("revoked between decision and %s, the call does not begin, and the refusal is recorded", async (at) => {
    const revoking: Elevation[] = [];
    const made = await world(
      db.store,
      (ports) => ({
        ...ports,
        log: {
          ...ports.log,
          intend: async (tenant, entry, options) => {
            // After the record was loaded: that read had the right still.
            for (const elevation of entry.kind === at ? revoking : []) await revoke(elevation, other);
            return ports.log.intend(tenant, entry, options);
          },
        },
      }),
      policy,
    );
    const here: House = { ...made, surface: createAgentSurface(made.ports, () => () => undefined) };
    const elevation = await give(await ask(here));
    revoking.push(elevation);
    const answer = await here.call("delete_ticket", { id: "T-2" });
    expect(answer).toMatchObject({
      kind: "refused",
      code: "elevation_ended",
      next: [{ kind: "request_elevation", scope: "tickets:delete" }],
    });
    expect(here.tool.effects.map(({ name }) => name)).toEqual(at === "intent" ? ["get_ticket"] : []);
    const records = await db.store.log.recordsOf("acme", [answer.callId ?? ""]);
    expect(records.filter(({ kind }) => kind === "refusal").map(saidBy)).toMatchObject([{ code: "elevation_ended" }]);
  });

  test("a broker that missed the revocation does not let the call begin either", async () => {
    const here = await house();
    const elevation = await ask(here);
    await give(elevation);
    // A memory that is never told of anything, as if the line to the database were silent and nobody had noticed.
    const deaf = await world(
      other,
      (ports) => ({
        ...ports,
        now,
        sessions: cachedSessions(other.sessions, { onEnded: () => () => undefined, listenerFresh: () => true }),
      }),
      policy,
    );
    const call = (id: string): Promise<CallAnswer> =>
      createAgentSurface(deaf.ports, () => () => undefined).handle({
        ...line(here.session),
        kind: "tool",
        name: "delete_ticket",
        args: { id },
      });
    expect(codeOf(await call("T-1"))).toBe("result");
    await revoke(elevation);
    expect(codeOf(await call("T-2"))).toBe("elevation_ended");
    expect(deaf.tool.effects.filter(({ name, args }) => name === "delete_ticket" && args["id"] === "T-2")).toEqual([]);
  });

  test("over by time, the next call does not have it, without anybody saying so", async () => {
    const here = await house();
    await give(await ask(here), { forMs: 60_000 });
    expect(codeOf(await here.call("delete_ticket", { id: "T-1" }))).toBe("result");
    moveClock(61_000);
    expect(codeOf(await here.call("delete_ticket", { id: "T-2" }))).toBe("no_grant");
    moveClock(0);
  });

  test("without its eligibility in the policy it counts for nothing", async () => {
    const here = await house();
    await give(await ask(here));
    const changed = await world(db.store, (ports) => ({ ...ports, now }), policyWith("eligible: []"));
    const surface = createAgentSurface(changed.ports, () => () => undefined);
    const answer = await surface.handle({ ...line(here.session), kind: "tool", name: "delete_ticket", args: { id: "T-2" } });
    expect(codeOf(answer)).toBe("no_grant");
  });

  test("the answer to a yes given twice is one right: the second finds it answered", async () => {
    const here = await house();
    const elevation = await ask(here);
    await give(elevation);
    await expect(give(elevation)).rejects.toThrow("ended");
  });
});

describe("a delegate", () => {
  const HELPER = "bailiwick://acme/prod/helpdesk/helper";
  const both = testPolicy({
    "agents/support.yaml": agentFile(ELIGIBLE),
    "agents/helper.yaml":
      'agent: helper\nworkflow: helpdesk\nowner: dana\ntenants: [acme]\nenvironments: [prod]\nroles: [cleaning]\nceiling: { allow: ["tickets:*"] }\n',
    "roles/cleaning.yaml": CLEANING,
    "roles/reader.yaml": READER,
  });

  test("does with its delegator's right what it may itself, and no longer once that right is gone", async () => {
    const here = await house(db.store, both);
    const child: Session = {
      ...here.session,
      id: `${here.session.id}-child`,
      agent: HELPER,
      scope: ["tickets:*"],
      lineage: [here.session.id],
      actors: [AGENT],
    };
    await db.store.sessions.create(child);
    const call = (id: string): Promise<CallAnswer> =>
      here.surface.handle({ ...line(child), kind: "tool", name: "delete_ticket", args: { id } });
    expect(codeOf(await call("T-2"))).toBe("outside_delegation");
    const elevation = await give(await ask(here));
    const used = await call("T-2");
    expect(codeOf(used)).toBe("result");
    expect((await db.store.log.calls("acme", { rule: elevation.id, limit: 5 })).places.map(({ callId }) => callId)).toEqual([used.callId]);
    await revoke(elevation);
    expect(codeOf(await call("T-1"))).toBe("outside_delegation");
  });
});
