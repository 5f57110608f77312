import { decodeJwt } from "jose";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MACHINE } from "./authorization-server.ts";
import { byMachine, openToolHouse, PLACE, type ToolHouse } from "./house.ts";

let all: ToolHouse;
beforeEach(async () => {
  all = await openToolHouse();
  all.say(byMachine(all.server.issuer));
});
afterEach(async () => all.close());

async function storeSecret(host = new URL(all.server.issuer).host): Promise<void> {
  await all.house.store.credentials.put("notes-client", { ...PLACE, hosts: [host] }, MACHINE.secret);
}

function later(ms: number): void {
  all.house.setNow(new Date(all.house.now().getTime() + ms));
}

const scopeOf = (token: string | undefined): readonly string[] =>
  String(decodeJwt(token ?? "")["scope"])
    .split(" ")
    .toSorted();

test("a tool without a person gets a token of the broker's own client, for its resource", async () => {
  await storeSecret();
  const opened = await all.opener.open("notes-token", PLACE);
  expect(decodeJwt(opened?.value ?? "")).toMatchObject({ aud: all.tool.url, client_id: MACHINE.id, scope: "notes:read" });
  expect(opened?.hosts).toEqual([new URL(all.tool.url).host]);
  expect(opened?.alsoSecret).toContain(MACHINE.secret);
});

test("one token serves all calls until it ends, and opens for calls that began with it", async () => {
  await storeSecret();
  const all16 = await Promise.all(Array.from({ length: 16 }, () => all.opener.open("notes-token", PLACE)));
  expect(new Set(all16.map((opened) => opened?.value)).size).toBe(1);
  later(290_000);
  const next = await all.opener.open("notes-token", PLACE);
  expect(next?.value).not.toBe(all16[0]?.value);
  expect((await all.opener.open("notes-token", PLACE, all16[0]?.version))?.value).toBe(all16[0]?.value);
  expect(all.server.forms).toHaveLength(2);
});

test("the client's secret goes to no server that it is not bound to", async () => {
  await storeSecret("elsewhere.example");
  await expect(all.opener.open("notes-token", PLACE)).rejects.toMatchObject({ code: "credential_unavailable" });
  expect(all.server.forms).toHaveLength(0);
});

test("a tenant, environment or workflow without the client's secret gets no token", async () => {
  await storeSecret();
  for (const other of [{ tenant: "globex" }, { environment: "prod" }, { workflow: "billing" }])
    await expect(all.opener.open("notes-token", { ...PLACE, ...other })).rejects.toMatchObject({
      message: expect.stringContaining("bailiwick secrets set notes-client"),
    });
  expect(all.server.forms).toHaveLength(0);
});

test("a token that its server takes no more is replaced once", async () => {
  await storeSecret();
  const first = await all.opener.open("notes-token", PLACE);
  all.opener.refused?.("notes-token", PLACE, { error: "invalid_token" });
  expect((await all.opener.open("notes-token", PLACE))?.value).toBe(first?.value);
  later(15_000);
  all.opener.refused?.("notes-token", PLACE, { error: "invalid_token" });
  await Promise.resolve();
  const second = await all.opener.open("notes-token", PLACE);
  expect(second?.value).not.toBe(first?.value);
  expect(all.server.forms).toHaveLength(2);
});

test("a call that takes more scope gets it as far as the tool's file allows", async () => {
  await storeSecret();
  expect(scopeOf((await all.opener.open("notes-token", PLACE))?.value)).toEqual(["notes:read"]);
  expect(all.opener.refused?.("notes-token", PLACE, { error: "insufficient_scope", scope: "notes:write" })).toContain("repeat the call");
  expect(scopeOf((await all.opener.open("notes-token", PLACE))?.value)).toEqual(["notes:read", "notes:write"]);
  expect(all.opener.refused?.("notes-token", PLACE, { error: "insufficient_scope", scope: "notes:admin" })).toContain("allows no more");
  expect(all.opener.refused?.("notes-token", PLACE, { error: "insufficient_scope", scope: "notes:write" })).toContain("allows no more");
});

test("a tool's file that allows less has a token for less asked for at once", async () => {
  await storeSecret();
  all.tool.challenge = undefined;
  expect(scopeOf((await all.opener.open("notes-token", PLACE))?.value)).toEqual(["notes:read", "notes:write"]);
  all.say(byMachine(all.server.issuer, '"notes:read"'));
  expect(scopeOf((await all.opener.open("notes-token", PLACE))?.value)).toEqual(["notes:read"]);
});

test("a wrong secret is refused with the server's code and without the secret", async () => {
  const wrong = "not-the-secret-of-this-client-000";
  await all.house.store.credentials.put("notes-client", { ...PLACE, hosts: [new URL(all.server.issuer).host] }, wrong);
  const failure: unknown = await all.opener.open("notes-token", PLACE).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: "credential_unavailable", message: expect.stringContaining("invalid_client") });
  expect(String(failure)).not.toContain(wrong);
});

test("each token is recorded before it is asked for, without secrets", async () => {
  await storeSecret();
  const opened = await all.opener.open("notes-token", PLACE);
  const records = (await all.records()).join("\n");
  expect(records).toContain('"tool.token"');
  expect(records).toContain("client_credentials");
  expect(records).not.toContain(MACHINE.secret);
  expect(records).not.toContain(opened?.value);
});
