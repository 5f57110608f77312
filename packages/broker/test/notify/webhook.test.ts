import { load } from "@bailiwick/policy";
import { Webhook } from "standardwebhooks";
import { afterEach, describe, expect, test } from "vitest";
import { companyFiles } from "../people-support/company.ts";
import { PUBLIC_URL, SUPPORT_BOT } from "../people-support/rest.ts";
import { onServer } from "../support/server-statement.ts";
import { elevationOf, yesOf } from "../store/elevation-sample.ts";
import { cleanups, closeAll, open, payload, saidTo, typesTo } from "./hooked.ts";
import { openNotifyHouse, WEBHOOK_SECRET } from "./house.ts";

afterEach(closeAll);

describe("a held call", () => {
  test("is told once, signed as Standard Webhooks has it, with a link and a fingerprint and nothing of its arguments or people", async () => {
    const { house, hook } = await open();
    const approval = await house.hold();
    await house.pass();
    await house.pass();
    expect(typesTo(hook)).toEqual(["approval.pending"]);
    const [{ headers, body } = { headers: {}, body: "" }] = hook.taken;
    const verified = new Webhook(WEBHOOK_SECRET).verify(body, {
      "webhook-id": String(headers["webhook-id"]),
      "webhook-timestamp": String(headers["webhook-timestamp"]),
      "webhook-signature": String(headers["webhook-signature"]),
    });
    const { data } = payload.parse(verified);
    expect(data.entries).toMatchObject([
      {
        id: approval.id,
        url: `${PUBLIC_URL}/approvals/${approval.id}`,
        sentence: "agent `support-bot` of acme/prod wants to change `tickets:update`",
        heldBy: ["grant `support-2` (roles/support.yaml:5)"],
        fingerprint: expect.stringMatching(/^[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}$/u),
      },
    ]);
    for (const secret of ["T-17", "closed", "ana", "the customer is happy"]) expect(body).not.toContain(secret);
    expect(await house.store.notifications.list("acme", { limit: 10 })).toMatchObject([{ state: "sent", attempts: 1 }]);
  });

  test("is told with its arguments and the agent's words, defanged, where a route asks for details", async () => {
    const { house, hook } = await open({ details: "full" });
    await house.hold({ statedReason: "see https://evil.example \u202Egnihsihp" });
    await house.pass();
    const [{ body } = { body: "" }] = hook.taken;
    expect(body).toContain("T-17");
    expect(body).toContain("https[:]//evil.example \\\\u{202e}gnihsihp");
    expect(body).not.toContain("https://evil.example");
  });

  test("hides what the catalog labels as personal even then", async () => {
    const files = companyFiles.map(({ path, text }) => ({
      path,
      text: text.replace("returns: { type", "labels: { status: [pii] }\n    returns: { type"),
    }));
    const loaded = load(files);
    if (!loaded.ok) throw new Error("the policy does not load");
    const { house, hook } = await open({ details: "full" }, {}, loaded.policy);
    await house.hold({ args: { id: "T-17", status: "ada@customer.example" } });
    await house.pass();
    expect(hook.taken[0]?.body).toContain("T-17");
    expect(hook.taken[0]?.body).not.toContain("ada@customer.example");
  });

  test("is not told when it was answered before anybody looked, and its clocks are stopped", async () => {
    const { house, hook } = await open({ on: { what: ["pending", "expired", "escalated"] } });
    const approval = await house.hold({ terms: { count: 1, also: [], stepUp: false, escalate: { afterMs: 60_000, to: ["operator"] } } });
    await house.answer(approval, "approve");
    await house.pass();
    house.later(31 * 60_000);
    await house.pass();
    expect(hook.all).toEqual([]);
    expect(await house.store.notifications.list("acme", { limit: 10 })).toEqual([]);
  });

  test("is told of the ways it can end when a route names them", async () => {
    const { house, hook } = await open({ on: { what: ["approved", "denied", "cancelled"] } });
    await house.answer(await house.hold(), "approve");
    await house.answer(await house.hold({ callId: "call_2", args: { id: "T-18" } }), "deny");
    await house.store.approvals.cancel("acme", (await house.hold({ callId: "call_3", args: { id: "T-19" } })).id);
    await house.pass();
    expect(typesTo(hook).toSorted()).toEqual(["approval.approved", "approval.cancelled", "approval.denied"]);
  });

  test("that was denied is not told to have expired, though its clock was set after its end was told", async () => {
    const { house, hook } = await open({ on: { what: ["expired"] } });
    const approval = await house.hold();
    await house.answer(approval, "deny");
    await house.pass();
    await onServer(
      house.databaseUrl(),
      `insert into bailiwick.outbox_timers (tenant_id, kind, id, what, at) values ('acme', 'approval', '${approval.id}', 'expired', now())`,
    );
    house.later(31 * 60_000);
    await house.pass();
    await house.pass();
    expect(typesTo(hook)).toEqual([]);
    expect(await house.store.notifications.list("acme", { limit: 10 })).toEqual([]);
  });

  test("escalates and expires when its time comes, and not before", async () => {
    const { house, hook } = await open({ on: { what: ["escalated", "expired"] } });
    await house.hold({ terms: { count: 1, also: [], stepUp: false, escalate: { afterMs: 10 * 60_000, to: ["operator"] } } });
    await house.pass();
    house.later(9 * 60_000);
    await house.pass();
    expect(typesTo(hook)).toEqual([]);
    house.later(2 * 60_000);
    await house.pass();
    expect(typesTo(hook)).toEqual(["approval.escalated"]);
    house.later(20 * 60_000);
    await house.pass();
    await house.pass();
    expect(typesTo(hook)).toEqual(["approval.escalated", "approval.expired"]);
  });

  test("is told again after a while, unless somebody has answered", async () => {
    const { house, hook } = await open({ remind: "5m" });
    await house.hold();
    const answered = await house.hold({ callId: "call_2", args: { id: "T-18" } });
    await house.pass();
    expect(hook.taken).toHaveLength(2);
    await house.answer(answered, "deny");
    await house.pass();
    house.later(6 * 60_000);
    await house.pass();
    await house.pass();
    expect(hook.taken).toHaveLength(3);
    const states = (await house.store.notifications.list("acme", { limit: 10 }))
      .filter(({ purpose }) => purpose === "reminder")
      .map(({ state }) => state);
    expect(states.toSorted()).toEqual(["cancelled", "sent"]);
  });

  test.each([
    [{ effect: ["pay"] }, 0],
    [{ effect: ["write", "pay"] }, 1],
    [{ scope: ["tickets:*"] }, 1],
    [{ scope: ["tickets:read"] }, 0],
    [{ environments: ["dev"] }, 0],
    [{ kind: ["elevation"] }, 0],
    [{ tenants: ["globex"] }, 0],
    [{ tenants: ["acme"], environments: ["prod"] }, 1],
  ])("matches a route's filter %j: %i messages", async (on, messages) => {
    const { house, hook } = await open({ on });
    await house.hold();
    await house.pass();
    expect(hook.taken).toHaveLength(messages);
  });

  test("without a route nobody is told, and what happened does not pile up", async () => {
    const house = await openNotifyHouse({});
    cleanups.push(() => house.close());
    await house.hold();
    await house.pass();
    expect(await house.store.notifications.route("acme", 10, async () => ({ deliveries: [], timers: [], closed: [] }))).toBe(0);
    expect(await house.store.notifications.list("acme", { limit: 10 })).toEqual([]);
  });
});

describe("an elevation", () => {
  test("is told when it is asked for, given and over, in the broker's words", async () => {
    const { house, hook } = await open({ on: { kind: ["elevation"], what: ["pending", "approved", "expired"] } });
    const asked = await house.store.elevations.ask(elevationOf({ createdAt: house.now(), scope: ["billing:refund"], agent: SUPPORT_BOT }));
    if (!asked.ok) throw new Error("the elevation was not asked for");
    const { id } = asked.elevation;
    await house.pass();
    expect(saidTo(hook)).toMatchObject([
      {
        type: "elevation.pending",
        data: {
          entries: [
            {
              id,
              sentence: "agent `support-bot` of acme/prod asks for `billing:refund` of role `refunds` for 1 h",
              url: `${PUBLIC_URL}/elevations/${id}`,
            },
          ],
        },
      },
    ]);
    expect(hook.taken[0]?.body).not.toMatch(/billing is down|ada/u);
    const at = house.now();
    const until = new Date(at.getTime() + 3_600_000);
    await house.store.elevations.answer("acme", id, {
      answer: yesOf({ at }),
      seen: 0,
      state: "active",
      given: { scope: [], from: at, until },
    });
    await house.pass();
    house.later(1_860_000);
    await house.pass();
    expect(typesTo(hook)).toEqual(["elevation.pending", "elevation.approved"]);
    house.later(1_860_000);
    await house.pass();
    expect(typesTo(hook)).toEqual(["elevation.pending", "elevation.approved", "elevation.expired"]);
  });

  test("that nobody answered expires when it can no longer be answered", async () => {
    const { house, hook } = await open({ on: { what: ["expired"] } });
    await house.store.elevations.ask(elevationOf({ createdAt: house.now(), agent: SUPPORT_BOT }));
    await house.pass();
    house.later(1_860_000);
    await house.pass();
    expect(typesTo(hook)).toEqual(["elevation.expired"]);
  });
});

describe("quiet hours", () => {
  // 23:30 in Berlin, in winter.
  const night = new Date("2027-01-15T22:30:00Z");
  const quiet = { from: "22:00", to: "07:00", zone: "Europe/Berlin", except: ["pay"] };

  test("keep a message until they end, and let named effects through", async () => {
    const { house, hook } = await open({ quiet });
    house.setNow(night);
    const expiresAt = new Date("2027-01-16T12:00:00Z");
    await house.hold({ expiresAt });
    await house.hold({ callId: "call_2", effect: "pay", args: { id: "T-18" }, expiresAt });
    await house.pass();
    expect(saidTo(hook).flatMap(({ data }) => data.entries)).toMatchObject([{ effect: "pay" }]);
    house.setNow(new Date("2027-01-16T05:59:50Z"));
    await house.pass();
    expect(hook.taken).toHaveLength(1);
    house.setNow(new Date("2027-01-16T06:00:01Z"));
    await house.pass();
    expect(hook.taken).toHaveLength(2);
  });

  test("gather what still waits into one message, and leave out what was answered meanwhile", async () => {
    const { house, hook } = await open({ quiet: { ...quiet, afterwards: "digest" } });
    house.setNow(night);
    const expiresAt = new Date("2027-01-16T12:00:00Z");
    const held = await Promise.all([1, 2, 3].map(async (n) => house.hold({ callId: `call_${n}`, args: { id: `T-${n}` }, expiresAt })));
    await house.pass();
    const [first] = held;
    if (first !== undefined) await house.answer(first, "deny");
    house.later(60_000);
    await house.hold({ callId: "call_4", args: { id: "T-4" }, expiresAt });
    await house.pass();
    expect(hook.taken).toHaveLength(0);
    house.setNow(new Date("2027-01-16T06:00:01Z"));
    await house.pass();
    expect(typesTo(hook)).toEqual(["digest"]);
    expect(saidTo(hook)[0]?.data.entries).toHaveLength(3);
  });
});
