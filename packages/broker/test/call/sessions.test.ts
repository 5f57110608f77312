import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CallPorts } from "../../src/call/ports.ts";
import type { Claims } from "../../src/call/presented.ts";
import type { Session } from "../../src/domain/session.ts";
import { Fault } from "../../src/domain/fault.ts";
import { restricted } from "../../src/call/restrict.ts";
import { bearer, PLAIN } from "../plain-session.ts";
import { testStore, type TestStore } from "../support/store.ts";
import { AGENT, structured, testPolicy, world, type World } from "./support.ts";
import { saidBy } from "../support/said.ts";

let db: TestStore;
beforeAll(async () => {
  db = await testStore();
});
afterAll(() => db.close());

const refused = (code: string) => ({ kind: "refused", code });

/** A session delegated from the world's own, and calls made with it. */
async function delegateOf({ session }: World, more: Partial<Session> = {}): Promise<Session> {
  const child: Session = {
    ...session,
    id: `${session.id}_child`,
    lineage: [session.id],
    actors: [session.agent],
    grant: "token_exchange",
    ...more,
  };
  await db.store.sessions.create(child);
  return child;
}

/** Requests of the world show these claims, whatever token they carry. */
const showing =
  (claims: (session: string) => Partial<Claims>) =>
  (ports: CallPorts): CallPorts => ({
    ...ports,
    senders: { verify: async ({ token = "" }) => ({ tenant: "acme", session: token, ...claims(token) }) },
  });

describe("a stopped agent", () => {
  test("is refused from the next call on, in words that name who stands behind it, and acts again when the stop is lifted", async () => {
    const { call } = await world(db.store);
    expect((await call("ping")).kind).toBe("result");
    const stop = {
      tenant: "acme",
      kind: "agent",
      name: AGENT,
      state: "suspended",
      by: "dana",
      reason: "odd mails",
      at: new Date(),
    } as const;
    await db.store.stops.put(stop);
    expect(await call("ping")).toMatchObject({
      ...refused("agent_stopped"),
      message: `the agent \`${AGENT}\` is suspended (odd mails), and nothing runs until a person lifts it`,
      next: [{ kind: "ask_owner", owner: "dana" }],
    });
    await db.store.stops.lift("acme", "agent", AGENT);
    expect((await call("ping")).kind).toBe("result");
  });
});

describe("a delegated session", () => {
  test("ends with the session it came from", async () => {
    const each = await world(db.store);
    const child = await delegateOf(each);
    expect((await each.call("ping", {}, { presented: bearer(child.id) })).kind).toBe("result");
    await db.store.sessions.revoke("acme", each.session.id, "dana");
    expect(await each.call("ping", {}, { presented: bearer(child.id) })).toMatchObject(refused("session_revoked"));
  });

  test("cannot do what its delegator's session was not opened for", async () => {
    const each = await world(db.store);
    const narrow = await delegateOf(each, { scope: ["tickets:read"] });
    const below = await delegateOf(
      { ...each, session: narrow },
      { lineage: [each.session.id, narrow.id], scope: ["tickets:*", "health:*"] },
    );
    expect(await each.call("ping", {}, { presented: bearer(below.id) })).toMatchObject(refused("outside_delegation"));
    expect(each.tool.effects).toEqual([]);
  });

  test("leaves a record that names the chain: session, lineage and who acted before", async () => {
    const each = await world(db.store);
    const child = await delegateOf(each);
    const answer = await each.call("ping", {}, { presented: bearer(child.id) });
    const [record] = await db.store.log.query("acme", { callId: answer.callId ?? "", kind: "intent", limit: 1 });
    expect(saidBy(record)).toMatchObject({
      session: child.id,
      lineage: [each.session.id],
      actors: [AGENT],
      user: "u-17",
      userProof: "asserted",
      binding: "bearer",
    });
  });

  test("of an agent that left the policy ends what it delegated", async () => {
    const each = await world(db.store);
    const child = await delegateOf(each);
    const other = testPolicy({
      "agents/support.yaml":
        'agent: other\nworkflow: helpdesk\nowner: dana\ntenants: [acme]\nenvironments: [prod]\nroles: [support]\nceiling: { allow: ["health:*"] }\n',
    });
    const gone: Session = { ...child, id: `${child.id}_2`, agent: "bailiwick://acme/prod/helpdesk/other" };
    await db.store.sessions.create(gone);
    const later = await world(db.store, undefined, other);
    expect(await later.call("ping", {}, { presented: bearer(gone.id) })).toMatchObject(refused("session_revoked"));
  });
});

describe("a session's budget", () => {
  test("is drawn from by it and by its delegates together, exactly", async () => {
    const each = await world(db.store);
    const root: Session = { ...each.session, id: `${each.session.id}_budget`, limits: { calls: 5 } };
    await db.store.sessions.create(root);
    const child = await delegateOf({ ...each, session: root }, { limits: { calls: 4 } });
    const calls = Array.from({ length: 12 }, (_, index) =>
      each.call("ping", {}, { presented: bearer(index % 2 === 0 ? root.id : child.id) }),
    );
    const answers = await Promise.all(calls);
    expect(answers.filter(({ kind }) => kind === "result")).toHaveLength(5);
    expect(answers.filter((answer) => answer.kind === "refused" && answer.code === "budget_spent")).toHaveLength(7);
    expect(each.tool.effects).toHaveLength(5);
  });

  test("that no call fits is refused before anything is drawn", async () => {
    const each = await world(db.store);
    const root: Session = { ...each.session, id: `${each.session.id}_none`, limits: { calls: 0 } };
    await db.store.sessions.create(root);
    expect(await each.call("ping", {}, { presented: bearer(root.id) })).toMatchObject({
      ...refused("budget_spent"),
      message: expect.stringContaining("was opened for 0 calls in all"),
    });
  });
});

describe("a session for one record", () => {
  test("reaches that record and no other, in calls and in lists", async () => {
    const each = await world(db.store);
    const one: Session = { ...each.session, id: `${each.session.id}_one`, rows: [{ Ticket: { id: ["T-1"] } }] };
    await db.store.sessions.create(one);
    const presented = bearer(one.id);
    expect((await each.call("update_ticket", { id: "T-1", status: "closed" }, { presented })).kind).toBe("result");
    expect(await each.call("delete_ticket", { id: "T-2" }, { presented })).toMatchObject(refused("outside_session_scope"));
    const listed = await each.call("list_tickets", {}, { presented });
    expect(JSON.stringify(listed)).toContain("T-1");
    expect(JSON.stringify(listed)).not.toContain("T-3");
  });
});

describe("a proof that restricts its request", () => {
  test("narrows it, and cannot widen it", async () => {
    const narrowed = await world(
      db.store,
      showing(() => ({ restrict: { scope: ["tickets:read"] } })),
    );
    expect(await narrowed.call("ping")).toMatchObject(refused("outside_session_scope"));
    expect((await narrowed.call("get_ticket", { id: "T-1" })).kind).toBe("result");
    const widened = await world(
      db.store,
      showing(() => ({ restrict: { scope: ["mail:*", "health:*", "tickets:*"] } })),
    );
    const small: Session = { ...widened.session, id: `${widened.session.id}_small`, scope: ["tickets:read"] };
    await db.store.sessions.create(small);
    expect(await widened.call("ping", {}, { presented: bearer(small.id) })).toMatchObject(refused("outside_delegation"));
  });
});

test("narrowing a session in ever new ways does not fill the memory; the same way is judged once", () => {
  const session: Session = {
    ...PLAIN,
    id: "ses_narrowed",
    tenant: "acme",
    environment: "prod",
    workflow: "helpdesk",
    agent: AGENT,
    user: "u",
    task: "t",
    data: {},
    scope: ["tickets:*"],
    issuedAt: new Date(),
    expiresAt: new Date(),
  };
  const narrow = (id: string) => restricted(session, { rows: { Ticket: { id: [id] } } });
  const first = narrow("first");
  expect(narrow("first")).toBe(first);
  for (let at = 0; at < 2_000; at += 1) narrow(`T-${at}`);
  expect(narrow("first")).not.toBe(first);
});

describe("a request's proof", () => {
  test("pays for one effect, even when a second request shows it on another broker", async () => {
    const id = createHash("sha256").update("proof").digest("base64url");
    const each = await world(
      db.store,
      showing(() => ({ proof: { id, untilMs: Date.now() + 60_000 } })),
    );
    expect((await each.call("ping")).kind).toBe("result");
    const again = await each.call("ping");
    expect(again).toMatchObject(refused("proof_replayed"));
    expect(each.tool.effects).toHaveLength(1);
    const kinds = (await db.store.log.query("acme", { callId: again.callId ?? "", limit: 5 })).map(({ kind }) => kind);
    expect(kinds).toEqual(["refusal"]);
  });
});

describe("a call under way when its session ends", () => {
  test.each([
    ["session is revoked", (each: World) => db.store.sessions.revoke("acme", each.session.id, "dana").then(() => undefined)],
    [
      "agent is stopped",
      () => db.store.stops.put({ tenant: "acme", kind: "agent", name: AGENT, state: "suspended", by: "dana", reason: "r", at: new Date() }),
    ],
  ])("is cancelled at the tool when the %s, and its record says that nobody knows how it ended", async (_, end) => {
    const each = await world(db.store);
    let cancelled = false;
    let begun = (): void => undefined;
    const running = new Promise<void>((resolve) => (begun = resolve));
    const connect = each.ports.tools.connect;
    const ports: CallPorts = {
      ...each.ports,
      tools: {
        ...each.ports.tools,
        connect: async (...asked) => ({
          ...(await connect(...asked)),
          invoke: (_operation, _args, { io }) =>
            new Promise((_resolve, reject) => {
              io.signal.addEventListener("abort", () => {
                cancelled = true;
                reject(new Fault("tool_lost", "cancelled under way"));
              });
              begun();
            }),
        }),
      },
    };
    const { handleCall } = await import("../../src/call/handle-call.ts");
    const { incoming } = await import("./support.ts");
    const answer = handleCall(ports, incoming(each.session.id, "ping", {}));
    await running;
    expect((await db.store.log.inFlight("acme")).map(({ session }) => session)).toContain(each.session.id);
    await end(each);
    expect((await answer).kind).toBe("unknown");
    expect(cancelled).toBe(true);
    await db.store.stops.lift("acme", "agent", AGENT);
    const [outcome] = await db.store.log.query("acme", { session: each.session.id, kind: "outcome", limit: 1 });
    expect(saidBy(outcome)).toMatchObject({ status: "unknown" });
  });

  test("of another session goes on", async () => {
    const [each, other] = [await world(db.store), await world(db.store)];
    each.tool.answer = async () => {
      await db.store.sessions.revoke("acme", other.session.id, "dana");
      return structured({ pong: true });
    };
    expect((await each.call("ping")).kind).toBe("result");
  });
});
