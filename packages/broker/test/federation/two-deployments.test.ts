import { afterAll, beforeAll, expect, test } from "vitest";
import type { Agent } from "../../../../stories/agent.ts";
import { COPILOT, DESK, diskAtA, LISTER, NOTES_SECRET, partnerA, startTwoDeployments, type TwoDeployments } from "./two-deployments.ts";

let two: TwoDeployments;
let copilot: Agent;

beforeAll(async () => {
  two = await startTwoDeployments();
  copilot = await two.a.agent(COPILOT, "user-ana");
}, 120_000);

afterAll(async () => {
  await two.close();
});

test("an agent of A calls a tool of B as a federated session, and B's record names partner, chain and user", async () => {
  const answer = await copilot.call("read_note", { id: "n-9" });
  expect(answer.isError).toBe(false);
  expect(JSON.stringify(answer.raw)).toContain("the merger is secret");
  const intent = (await two.b.records()).find(({ kind }) => kind === "intent");
  expect(intent).toMatchObject({
    agent: DESK,
    user: "a:user-ana",
    userProof: "partner",
    partner: "a",
    client: two.a.url,
    actors: [`a:${COPILOT}`, two.a.url],
    action: "notes:read",
  });
});

test("A's record names the partner's token by number, and no agent of A sees it", async () => {
  await copilot.call("read_note", { id: "n-9" });
  const records = await two.a.records();
  expect(records).toContainEqual(expect.objectContaining({ event: "federation.out", partner: "b", user: "user-ana", agent: COPILOT }));
  const intent = records.find(({ kind }) => kind === "intent");
  expect(intent).toMatchObject({ credential: { name: "b-token", version: expect.any(Number) } });
  expect(JSON.stringify(records)).not.toContain("eyJ");
});

test("the rows of B's ceiling hold whatever A's agent asks", async () => {
  const answer = await copilot.call("read_note", { id: "n-10" });
  expect(JSON.stringify(answer.raw)).not.toContain("not for partners");
  const refusal = (await two.b.records()).find(({ kind }) => kind === "refusal");
  expect(refusal).toMatchObject({ partner: "a", code: "outside_session_scope", resource: { type: "Note" } });
});

test("the broker of A lists B's tools in its own name, and sees only what the ceiling holds", async () => {
  expect(await copilot.tools()).toContain("read_note");
  const sessions = await two.b.broker.store.sessions.list("globex", { live: true, limit: 50 });
  const own = sessions.filter(({ user }) => user === `a:${two.a.url}`);
  expect(own.length).toBeGreaterThan(0);
  expect(sessions.every(({ scope }) => scope.every((each) => each === "notes:read"))).toBe(true);
});

test("two users of A are two sessions at B", async () => {
  const other = await two.a.agent(COPILOT, "user-bo");
  await other.call("read_note", { id: "n-9" });
  const users = (await two.b.records()).filter(({ kind }) => kind === "intent").map(({ user }) => user);
  expect(users).toEqual(expect.arrayContaining(["a:user-ana", "a:user-bo"]));
});

test("the other way: an agent of B reaches a tool of A, under A's ceiling for B", async () => {
  const lister = await two.b.agent(LISTER, "user-gus");
  const answer = await lister.call("format_disk");
  const intent = (await two.a.records()).find(({ kind, action }) => kind === "intent" && action === "disk:check");
  expect(intent).toMatchObject({ partner: "b", user: "b:user-gus", actors: [`b:${LISTER}`, two.b.url], tenant: "acme" });
  // The tool answers with an error of its own: it was reached.
  expect(answer.isError).toBe(true);
  expect((await two.b.records()).find(({ kind }) => kind === "outcome")).toMatchObject({ agent: LISTER });
});

test("attack: A's own access token is taken to B", async () => {
  const answer = await fetch(`${two.b.url}/mcp`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${copilot.token}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list", params: {} }),
  });
  expect(answer.status).toBe(401);
});

test("attack: a user of A outside of the subjects that B lets A speak of", async () => {
  const stranger = await two.a.agent(COPILOT, "root");
  const answer = await stranger.call("read_note", { id: "n-9" });
  expect(answer.refusal).toBe("credential_unavailable");
  expect(answer.text).toContain("invalid_grant");
});

test("the secret of B's tool stays at B", async () => {
  const all = JSON.stringify([await two.a.records(), await two.b.records(), (await copilot.call("read_note", { id: "n-9" })).raw]);
  expect(all).not.toContain(NOTES_SECRET);
});

test("a changed entry of the partner at B ends its sessions at the next call, and new ones are opened for the one after", async () => {
  expect((await copilot.call("read_note", { id: "n-9" })).isError).toBe(false);
  await two.b.write("partners.yaml", partnerA(two.a.url).replace("contact:", "maxTtl: 4m\n    contact:"));
  const after = await copilot.call("read_note", { id: "n-9" });
  expect([after.isError, after.refusal]).toEqual([true, "tool_unavailable"]);
  expect((await copilot.call("read_note", { id: "n-9" })).isError).toBe(false);
});

test("removing the partner at B ends its sessions, whose rows still live, and opens no more", async () => {
  expect((await copilot.call("read_note", { id: "n-9" })).isError).toBe(false);
  await two.b.write("tools/a-disk.yaml", diskAtA(two.a.url, new Map()).replace(/^credential.*\n/mu, ""));
  await two.b.write("partners.yaml", "partners: {}\n");
  for (let tries = 0; tries < 3; tries += 1) {
    const answer = await copilot.call("read_note", { id: "n-9" });
    expect(answer.isError).toBe(true);
    expect(JSON.stringify(answer.raw)).not.toContain("merger");
  }
  const live = await two.b.broker.store.sessions.list("globex", { live: true, limit: 50 });
  expect(live.some(({ user }) => user === "a:user-ana")).toBe(true);
  expect(await copilot.call("read_note", { id: "n-9" })).toMatchObject({
    refusal: expect.stringMatching(/^(credential|tool)_unavailable$/u),
  });
});
