import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { Happening } from "../../src/domain/happening.ts";
import { heldApproval, openRestHouse, type RestHouse } from "../people-support/rest.ts";

const MISSED = { kind: "missed" };

let house: RestHouse;
/** Hears what is told by hand. */
let listeners: Set<(happening: Happening | undefined) => void>;
let told: RestHouse;
beforeAll(async () => {
  house = await openRestHouse();
  listeners = new Set();
  told = await openRestHouse({
    people: house.store.people,
    happenings: {
      subscribe: (listener) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    },
    now: () => house.now(),
  });
});
afterAll(async () => {
  await told.close();
  await house.close();
});

const tell = (happening: Happening | undefined): void => {
  for (const listener of listeners) listener(happening);
};

/** A stream's happenings, in their order; `undefined` at its end. */
async function listen(of: RestHouse, person: string): Promise<{ next(): Promise<unknown>; leave(): Promise<void>; token: string }> {
  const token = await house.token(person);
  const answer = await of.anyone("GET", "/api/v1/events", undefined, { authorization: `Bearer ${token}` });
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
  expect(answer.headers.get("cache-control")).toMatch(/no-cache|no-store/u);
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (reader === undefined) throw new Error("the stream has no body");
  let text = "";
  const next = async (): Promise<unknown> => {
    for (;;) {
      const line = /^data: (.*)\n/mu.exec(text);
      if (line?.[1] !== undefined) {
        text = text.slice(line.index + line[0].length);
        return JSON.parse(line[1]);
      }
      const { done, value } = await reader.read();
      if (done) return undefined;
      text += value;
    }
  };
  return { next, leave: () => reader.cancel(), token };
}

describe("the stream of what happens", () => {
  test("begins by saying that something may have been missed, then tells of every change of an approval", async () => {
    const stream = await listen(house, "lena");
    expect(await stream.next()).toEqual(MISSED);
    const approval = heldApproval();
    await house.store.approvals.create(approval);
    expect(await stream.next()).toEqual({ tenant: "acme", kind: "approval", id: approval.id });
    await house.store.approvals.cancel("acme", approval.id);
    expect(await stream.next()).toEqual({ tenant: "acme", kind: "approval", id: approval.id });
    await stream.leave();
  });

  test("tells nobody of another tenant, and whoever is in both of both", async () => {
    const [lena, olaf] = [await listen(told, "lena"), await listen(told, "olaf")];
    for (const stream of [lena, olaf]) expect(await stream.next()).toEqual(MISSED);
    tell({ tenant: "globex", kind: "approval", id: "apr_secret" });
    tell({ tenant: "acme", kind: "call" });
    expect(await lena.next()).toEqual({ tenant: "acme", kind: "call" });
    expect([await olaf.next(), await olaf.next()]).toEqual([
      { tenant: "globex", kind: "approval", id: "apr_secret" },
      { tenant: "acme", kind: "call" },
    ]);
    await Promise.all([lena.leave(), olaf.leave()]);
  });

  test("says so when something may have gone unheard, and to a reader that is too slow", async () => {
    const stream = await listen(told, "lena");
    expect(await stream.next()).toEqual(MISSED);
    tell(undefined);
    expect(await stream.next()).toEqual(MISSED);
    for (let at = 0; at < 10_000; at += 1) tell({ tenant: "acme", kind: "call", id: String(at) });
    const heard = [await stream.next(), await stream.next()];
    for (let at = 0; at < 300 && !heard.some((each) => JSON.stringify(each) === JSON.stringify(MISSED)); at += 1)
      heard.push(await stream.next());
    expect(heard).toContainEqual(MISSED);
    await stream.leave();
  });

  test("ends for whoever signed out, also where so much happens that it is never idle", async () => {
    const stream = await listen(told, "lena");
    expect(await stream.next()).toEqual(MISSED);
    await told.anyone("POST", "/api/v1/people/sign-out", {}, { authorization: `Bearer ${stream.token}` });
    house.setNow(new Date(Date.now() + 15_001));
    tell({ tenant: "acme", kind: "approval", id: "apr_after" });
    expect(await stream.next()).toBeUndefined();
    expect(listeners.size).toBe(0);
    house.setNow(new Date());
  });

  test("stops listening when its reader goes, and a person has so many open and no more", async () => {
    const streams = await Promise.all(Array.from({ length: 20 }, () => listen(told, "ana")));
    for (const stream of streams) expect(await stream.next()).toEqual(MISSED);
    const token = await house.token("ana");
    const refused = await told.anyone("GET", "/api/v1/events", undefined, { authorization: `Bearer ${token}` });
    expect(z.looseObject({ code: z.string() }).parse(await refused.json()).code).toBe("too_many_attempts");
    const before = listeners.size;
    await Promise.all(streams.map(({ leave }) => leave()));
    await expect.poll(() => listeners.size).toBe(before - 20);
    const again = await listen(told, "ana");
    expect(await again.next()).toEqual(MISSED);
    await again.leave();
  });
});
