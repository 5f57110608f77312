import { expect, test } from "vitest";
import { createLegacySessions } from "../../src/adapters/mcp/legacy-session.ts";
import { MAX_LEGACY_SESSIONS_EACH, MAX_LISTENERS_EACH, MAX_SUSPENDED_EACH, resolveSettings } from "../../src/adapters/mcp/settings.ts";
import { createShares } from "../../src/adapters/mcp/shares.ts";
import { createSuspendedCalls } from "../../src/adapters/mcp/suspended-calls.ts";
import { errorOf, modern, startEndpoint } from "./support/endpoint.ts";

test("one agent cannot take another's share, and what is given back can be taken again", () => {
  const shares = createShares(3, 2);
  expect([shares.take("a"), shares.take("a"), shares.take("a"), shares.take("b"), shares.take("b")]).toEqual([
    true,
    true,
    false,
    true,
    false,
  ]);
  shares.give("a");
  shares.give("nobody");
  expect([shares.take("b"), shares.take("a")]).toEqual([true, false]);
});

test("suspended calls of one agent are bounded and leave room for others", () => {
  const calls = createSuspendedCalls<string>();
  const keep = (agent: string): string | undefined => calls.keep(agent, agent, 60_000, () => {});
  const first = keep("a") ?? "";
  for (let more = 1; more < MAX_SUSPENDED_EACH; more += 1) expect(keep("a")).toBeDefined();
  expect(keep("a")).toBeUndefined();
  expect(keep("b")).toBeDefined();
  expect(calls.take(first)).toBe("a");
  expect(calls.take(first)).toBeUndefined();
  expect(keep("a")).toBeDefined();
  calls.close();
});

test("an agent that opens too many sessions loses its own least recently used one", () => {
  const sessions = createLegacySessions(resolveSettings({ publicUrl: () => "http://127.0.0.1" }));
  const other = sessions.create("b", "p", "2025-11-25", {});
  const [first, second] = [sessions.create("a", "p", "2025-11-25", {}), sessions.create("a", "p", "2025-11-25", {})];
  expect(sessions.find("p", first.id)).toBe(first);
  for (let more = 2; more <= MAX_LEGACY_SESSIONS_EACH; more += 1) sessions.create("a", "p", "2025-11-25", {});
  expect(sessions.find("p", second.id)).toBeUndefined();
  expect(sessions.find("p", first.id)).toBe(first);
  expect(sessions.find("p", other.id)).toBe(other);
  sessions.close();
});

test("idle sessions are forgotten", async () => {
  let now = Date.now();
  const sessions = createLegacySessions(
    resolveSettings({ publicUrl: () => "http://127.0.0.1", now: () => new Date(now), durations: { sessionIdleMs: 10 } }),
  );
  const session = sessions.create("a", "p", "2025-11-25", {});
  now += 11;
  await expect.poll(() => [...sessions.all()].length, { interval: 5 }).toBe(0);
  expect(sessions.find("p", session.id)).toBeUndefined();
  sessions.close();
});

test("listen streams of one agent are bounded, and a malformed filter takes no share", async () => {
  const { url } = await startEndpoint([]);
  for (let bad = 0; bad < MAX_LISTENERS_EACH + 1; bad += 1)
    expect(errorOf(await modern(url, "subscriptions/listen", {}))["code"]).toBe(-32602);
  const controller = new AbortController();
  const opened: Promise<void>[] = [];
  for (let stream = 0; stream < MAX_LISTENERS_EACH; stream += 1) {
    const acknowledged = Promise.withResolvers<void>();
    opened.push(acknowledged.promise);
    modern(
      url,
      "subscriptions/listen",
      { notifications: { toolsListChanged: true } },
      { signal: controller.signal, onMessage: () => acknowledged.resolve() },
    ).catch(() => {});
  }
  await Promise.all(opened);
  const refused = await modern(url, "subscriptions/listen", { notifications: { toolsListChanged: true } });
  expect(errorOf(refused)["message"]).toContain("too many subscription streams");
  controller.abort();
});

test("a stream that honours nothing ends at once and gives its share back", async () => {
  const { url } = await startEndpoint([]);
  for (let stream = 0; stream < MAX_LISTENERS_EACH + 1; stream += 1) {
    const got = await modern(url, "subscriptions/listen", { notifications: { resourceSubscriptions: ["memo://none"] } });
    expect(got.messages.map((message) => message["method"])).toEqual(["notifications/subscriptions/acknowledged", undefined]);
  }
});
