import { Client } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { cachedSessions } from "../../src/adapters/cache/session-cache.ts";
import { openStore, type Store } from "../../src/adapters/store/index.ts";
import type { Session } from "../../src/domain/session.ts";
import type { Stop, StopKind } from "../../src/domain/stop.ts";
import { EVERY_TENANT } from "../../src/domain/stop.ts";
import { type TestStore, testStore } from "../support/store.ts";
import { intentOf, outcomeOf, refusalOf, sessionOf } from "./samples.ts";

let opened: TestStore;
/** Another broker on the same database, with sessions in memory. */
let other: Store;
let remembered: Pick<Store["sessions"], "find">;
let ids = 0;

beforeAll(async () => {
  opened = await testStore();
  other = await openStore({ databaseUrl: opened.databaseUrl, rootKey: opened.rootKey }, { brokerId: "other" });
  remembered = cachedSessions(other.sessions, other);
});
afterAll(async () => {
  await other.close();
  await opened.close();
});

let tenant: string;
let root: Session;
beforeEach(async () => {
  tenant = `t${(ids += 1)}`;
  root = sessionOf({ tenant, id: "root" });
  await opened.store.sessions.create(root);
});

const child = (id: string, delegator: Session, more: Partial<Session> = {}): Session =>
  sessionOf({ tenant, id, lineage: [...delegator.lineage, delegator.id], actors: [delegator.agent], grant: "token_exchange", ...more });

/** Whether the database itself lets the session begin a call. */
async function mayIntend(session: string, store: Store = other): Promise<boolean> {
  const outcome = await store.log.intend(tenant, intentOf(`call_${(ids += 1)}`, "b"), { session, reservations: [], instead: refusalOf });
  return outcome.ok;
}

function stopOf(kind: StopKind, name: string, more: Partial<Stop> = {}): Stop {
  return { tenant, kind, name, state: "suspended", by: "ada", reason: "it sends nonsense", at: new Date(), ...more };
}

describe("a revoked session", () => {
  test("ends with everything delegated from it, and with nothing beside it", async () => {
    const [a, b] = [child("a", root), child("b", root)];
    const below = child("below", a);
    for (const session of [a, b, below]) await opened.store.sessions.create(session);
    for (const id of ["root", "a", "b", "below"]) expect(await remembered.find(tenant, id)).toMatchObject({ id });
    expect(await opened.store.sessions.revoke(tenant, "a", "ada")).toEqual({ session: "a", ended: ["a", "below"] });
    await expect.poll(async () => (await remembered.find(tenant, "below"))?.revokedAt).toBeInstanceOf(Date);
    expect(await Promise.all(["root", "a", "b", "below"].map((id) => mayIntend(id)))).toEqual([true, false, true, false]);
    expect((await opened.store.sessions.list(tenant, { live: false, limit: 10, delegatedFrom: "a" })).map(({ id }) => id)).toEqual([
      "below",
    ]);
  });

  test("is found with those it was delegated from, the nearest first", async () => {
    const a = child("a", root);
    await opened.store.sessions.create(a);
    await opened.store.sessions.create(child("below", a));
    const found = await other.sessions.find(tenant, "below");
    expect([found?.delegator?.id, found?.delegator?.delegator?.id, found?.delegator?.delegator?.delegator]).toEqual([
      "a",
      "root",
      undefined,
    ]);
  });

  test("cannot be delegated from any more, also when the exchange was under way", async () => {
    await opened.store.sessions.revoke(tenant, "root", "ada");
    await expect(opened.store.sessions.create(child("late", root))).rejects.toMatchObject({ code: "session_ended" });
    expect(await opened.store.sessions.find(tenant, "late")).toBeUndefined();
  });

  test("of many exchanges and one revocation at once, no child outlives", async () => {
    const made = await Promise.allSettled([
      ...Array.from({ length: 10 }, (_, index) => opened.store.sessions.create(child(`c${index}`, root))),
      other.sessions.revoke(tenant, "root", "ada"),
      ...Array.from({ length: 10 }, (_, index) => other.sessions.create(child(`d${index}`, root))),
    ]);
    expect(made.some(({ status }) => status === "fulfilled")).toBe(true);
    const children = await opened.store.sessions.list(tenant, { live: true, limit: 100, delegatedFrom: "root" });
    expect(children).toEqual([]);
    for (let index = 0; index < 10; index += 1) expect(await mayIntend(`c${index}`)).toBe(false);
  });

  test("is not kept by a memory that was reading it while it ended", async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const slow = cachedSessions(
      {
        find: async (...asked): Promise<Session | undefined> => {
          const found = await opened.store.sessions.find(...asked);
          await held;
          return found;
        },
      },
      opened.store,
    );
    const reading = slow.find(tenant, "root");
    await opened.store.sessions.revoke(tenant, "root", "ada");
    release();
    await reading;
    expect((await slow.find(tenant, "root"))?.revokedAt).toBeInstanceOf(Date);
  });
});

describe("a task that is over", () => {
  test("ends its sessions and what was delegated from them, of one user when named, and no other", async () => {
    const task = { task: "T-9", user: "ada" };
    const [own, others, elsewhere] = [
      sessionOf({ tenant, id: "own", ...task }),
      sessionOf({ tenant, id: "others", ...task, user: "bob" }),
      sessionOf({ tenant, id: "else", task: "T-8" }),
    ];
    for (const session of [own, others, elsewhere, child("below", own, { task: "T-9.1" })]) await opened.store.sessions.create(session);
    expect((await opened.store.sessions.endTask(tenant, task, "ana")).toSorted()).toEqual(["below", "own"]);
    expect(await Promise.all(["own", "below", "others", "else"].map((id) => mayIntend(id)))).toEqual([false, false, true, true]);
    expect(await opened.store.sessions.endTask(tenant, { task: "T-9" }, "ana")).toEqual(["others"]);
    expect(await opened.store.sessions.endTask(tenant, { task: "T-9" }, "ana")).toEqual([]);
  });
});

describe("a stop", () => {
  test.each(["agent", "workflow", "tenant"] as const)(
    "of the %s reaches its sessions on every broker, and lifting it lets them go on",
    async (kind) => {
      const name = { agent: root.agent, workflow: "prod/helpdesk", tenant }[kind];
      expect(await remembered.find(tenant, "root")).not.toHaveProperty("stop");
      await opened.store.stops.put(stopOf(kind, name));
      await expect.poll(async () => (await remembered.find(tenant, "root"))?.stop?.kind).toBe(kind);
      expect(await mayIntend("root")).toBe(false);
      expect(await opened.store.stops.over({ ...root, name: root.agent })).toMatchObject({ kind, by: "ada", reason: "it sends nonsense" });
      await expect(opened.store.sessions.create(sessionOf({ tenant, id: "new" }))).rejects.toMatchObject({
        code: "session_ended",
        message: expect.stringContaining("it sends nonsense"),
      });
      expect(await other.stops.lift(tenant, kind, name)).toBe(true);
      await expect.poll(async () => (await remembered.find(tenant, "root"))?.stop).toBeUndefined();
      expect(await mayIntend("root")).toBe(true);
    },
  );

  test("of everything reaches every tenant, and stands in each tenant's list", async () => {
    await opened.store.stops.put(stopOf("everything", "*", { tenant: EVERY_TENANT }));
    try {
      await expect.poll(async () => (await remembered.find(tenant, "root"))?.stop?.kind).toBe("everything");
      expect(await mayIntend("root")).toBe(false);
      expect(await other.stops.list(tenant)).toMatchObject([{ kind: "everything" }]);
    } finally {
      await opened.store.stops.lift(EVERY_TENANT, "everything", "*");
    }
    expect(await mayIntend("root")).toBe(true);
  });

  test("of another agent, workflow or tenant does not reach", async () => {
    for (const stop of [
      stopOf("agent", "bailiwick://x/prod/helpdesk/other"),
      stopOf("workflow", "dev/helpdesk"),
      stopOf("tenant", "other", { tenant: "other" }),
    ])
      await opened.store.stops.put(stop);
    expect(await other.sessions.find(tenant, "root")).not.toHaveProperty("stop");
    expect(await mayIntend("root")).toBe(true);
  });

  test("of the delegating agent reaches what it delegated", async () => {
    await opened.store.sessions.create(child("a", root, { agent: `bailiwick://${tenant}/prod/helpdesk/helper` }));
    await opened.store.stops.put(stopOf("agent", root.agent));
    expect((await other.sessions.find(tenant, "a"))?.stop?.name).toBe(root.agent);
    expect(await mayIntend("a")).toBe(false);
  });

  test("that retires an agent can neither be lifted nor softened", async () => {
    await opened.store.stops.put(stopOf("agent", root.agent, { state: "retired" }));
    await opened.store.stops.put(stopOf("agent", root.agent, { state: "suspended", reason: "later" }));
    expect(await opened.store.stops.lift(tenant, "agent", root.agent)).toBe(false);
    expect(await other.stops.list(tenant)).toMatchObject([{ state: "retired", reason: "it sends nonsense" }]);
  });
});

describe("a broker that cannot hear", () => {
  test("asks the database for each call, and refuses when that fails", async () => {
    let asked = 0;
    let broken = false;
    const deaf = cachedSessions(
      {
        find: (...args) => {
          asked += 1;
          return broken ? Promise.reject(new Error("the database is gone")) : opened.store.sessions.find(...args);
        },
      },
      { onEnded: () => () => undefined, listenerFresh: () => false },
    );
    await deaf.find(tenant, "root");
    await opened.store.sessions.revoke(tenant, "root", "ada");
    expect((await deaf.find(tenant, "root"))?.revokedAt).toBeInstanceOf(Date);
    expect(asked).toBe(2);
    broken = true;
    await expect(deaf.find(tenant, "root")).rejects.toThrow("gone");
  });

  test("forgets everything it remembered when its line comes back", async () => {
    expect(await remembered.find(tenant, "root")).toBeDefined();
    const owner = new Client({ connectionString: opened.databaseUrl });
    await owner.connect();
    await owner.query("update bailiwick.sessions set revoked_at = now() where id = 'root'");
    expect((await remembered.find(tenant, "root"))?.revokedAt).toBeUndefined();
    await owner.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'bailiwick listener'",
    );
    await owner.end();
    await expect.poll(async () => (await remembered.find(tenant, "root"))?.revokedAt, { timeout: 10_000 }).toBeInstanceOf(Date);
  });
});

describe("a proof of possession", () => {
  test("pays for one intent over all brokers", async () => {
    const proof = { id: "p-1", untilMs: Date.now() + 60_000 };
    const intend = (store: Store): ReturnType<Store["log"]["intend"]> =>
      store.log.intend(tenant, intentOf(`call_${(ids += 1)}`, "b"), { session: "root", reservations: [], proof, instead: refusalOf });
    const outcomes = await Promise.all([intend(opened.store), intend(other), intend(opened.store), intend(other)]);
    expect(outcomes.filter((outcome) => outcome.ok)).toHaveLength(1);
    expect(outcomes.filter((outcome) => !outcome.ok)).toEqual([1, 2, 3].map(() => ({ ok: false, why: "proof_replayed" })));
  });
});

describe("calls in flight", () => {
  test("are those with an intent and no outcome, of this tenant only", async () => {
    const entry = intentOf("open", "b");
    const body = { ...entry.body, environment: root.environment, workflow: root.workflow, session: root.id };
    await other.log.intend(tenant, { ...entry, body }, { session: "root", reservations: [], instead: refusalOf });
    expect((await opened.store.log.inFlight(tenant)).map(({ callId }) => callId)).toEqual(["open"]);
    await other.log.append(tenant, outcomeOf("open", "b"));
    expect(await opened.store.log.inFlight(tenant)).toEqual([]);
    expect(await opened.store.log.inFlight("globex")).toEqual([]);
  });
});

describe("what has expired and decides nothing any more", () => {
  test("is deleted, and nothing else is", async () => {
    const owner = new Client({ connectionString: opened.databaseUrl });
    await owner.connect();
    const long = new Date(Date.now() - 40 * 86_400_000);
    const old = sessionOf({ tenant, id: "old", issuedAt: long, expiresAt: new Date(long.getTime() + 60_000) });
    await opened.store.sessions.create(old);
    for (const [id, untilMs] of [
      ["gone", Date.now() - 1_000],
      ["kept", Date.now() + 60_000],
    ] as const)
      await opened.store.log.intend(tenant, intentOf(`call_${id}`, "b"), {
        session: "root",
        reservations: [{ key: "session-budget|root|calls", max: 5, windowMs: 2 ** 52, amount: 1 }],
        proof: { id, untilMs },
        instead: refusalOf,
      });
    expect(await opened.store.tidy(tenant)).toBeGreaterThanOrEqual(1);
    const left = await owner.query("select id from bailiwick.used_proofs where tenant_id = $1", [tenant]);
    const sessions = await owner.query("select id from bailiwick.sessions where tenant_id = $1", [tenant]);
    const counters = await owner.query("select key from bailiwick.limit_counters where tenant_id = $1", [tenant]);
    await owner.end();
    expect([left.rows, sessions.rows, counters.rows]).toEqual([[{ id: "kept" }], [{ id: "root" }], [{ key: "session-budget|root|calls" }]]);
  });

  test("is deleted as fast as a busy agent makes it: however many used proofs and sessions there are", async () => {
    const owner = new Client({ connectionString: opened.databaseUrl });
    await owner.connect();
    await owner.query(
      "insert into bailiwick.used_proofs (tenant_id, id, until) select $1, n::text, now() - interval '1 minute' from generate_series(1, 12000) n",
      [tenant],
    );
    await owner.query(
      `insert into bailiwick.sessions (tenant_id, id, run, environment, workflow, agent, subject, task, sealed, issued_at, expires_at)
       select $1, 's' || n, run, environment, workflow, agent, subject, task, sealed, now() - interval '40 days', now() - interval '40 days' + interval '1 minute'
         from bailiwick.sessions, generate_series(1, 6000) n where tenant_id = $1 and id = 'root'`,
      [tenant],
    );
    expect(await opened.store.tidy(tenant)).toBeGreaterThanOrEqual(18_000);
    const { rows } = await owner.query(
      "select (select count(*)::int from bailiwick.used_proofs where tenant_id = $1) as proofs, (select count(*)::int from bailiwick.sessions where tenant_id = $1) as sessions",
      [tenant],
    );
    await owner.end();
    expect(rows).toEqual([{ proofs: 0, sessions: 1 }]);
  });
});
