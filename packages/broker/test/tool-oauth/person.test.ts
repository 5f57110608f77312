import { decodeJwt } from "jose";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createGuardedFetch } from "../../src/adapters/outbound/guarded-fetch.ts";
import { openSigningKeys } from "../../src/adapters/oauth/signing-keys.ts";
import { openStore, type Store } from "../../src/adapters/store/index.ts";
import type { CredentialOpener } from "../../src/domain/credential.ts";
import { withTokens } from "../../src/adapters/tool-oauth/sealed-grant.ts";
import { openToolTokens } from "../../src/tool-tokens.ts";
import { TEST_ROOT_KEY } from "../support/store.ts";
import { browser, BY_PERSON, connectLink, openToolHouse, PLACE, policyWith, type ToolHouse } from "./house.ts";

const COMMAND = "bailiwick tools connect notes --tenant acme --environment dev --workflow support";
const MINUTE = 60_000;

let all: ToolHouse;
beforeEach(async () => {
  all = await openToolHouse();
});
afterEach(async () => all.close());

async function connect(body: object = {}): Promise<void> {
  const page = await browser().visit(await connectLink(all, body));
  expect({ status: page.status, faults: all.server.faults }).toEqual({ status: 200, faults: [] });
  expect(page.text).toContain("is connected");
}

function later(ms: number): void {
  all.house.setNow(new Date(all.house.now().getTime() + ms));
}

async function token(): Promise<string> {
  return (await all.opener.open("notes-token", PLACE))?.value ?? "";
}

/** What the tool's server says to a token. */
async function ping(bearer: string): Promise<number> {
  const answer = await fetch(all.tool.url, {
    method: "POST",
    headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json", accept: "application/json, text/event-stream" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" }),
  });
  await answer.body?.cancel();
  return answer.status;
}

/** Another broker, which remembers nothing of the tool's server. */
async function brokerOn(store: Store): Promise<CredentialOpener> {
  const { now, url } = all.house;
  const rootKey = Buffer.alloc(32, 1);
  const signingKeys = await openSigningKeys({ store: store.signingKeys, rootKey, now });
  const authority = { signingKeys, fetch: createGuardedFetch({ allowLoopback: true }) };
  const policy = policyWith(all.tool.url, BY_PERSON);
  const parts = { store, policy: () => policy, now, environment: () => undefined, rootKey, url, authority };
  return openToolTokens(parts, store.credentials).opener;
}

const grantsAsked = (): readonly (string | null)[] => all.server.forms.map((form) => form.get("grant_type"));

describe("a tool that a person connected", () => {
  test("is presented the token of its own server, for itself alone", async () => {
    await connect();
    const opened = await all.opener.open("notes-token", PLACE);
    expect(await ping(opened?.value ?? "")).not.toBe(401);
    expect(all.tool.taken.at(-1)).toMatchObject({ aud: all.tool.url, iss: all.server.issuer, scope: "notes:read" });
    expect(opened?.hosts).toEqual([new URL(all.tool.url).host]);
  });

  test("is asked for with PKCE, the resource and what the server's challenge names", async () => {
    const seen: string[] = [];
    await browser().visit(await connectLink(all), (url) => {
      seen.push(url);
      return url.startsWith(`${all.server.issuer}/auth`);
    });
    const asked = new URL(seen.at(-1) ?? "").searchParams;
    expect(Object.fromEntries(asked)).toMatchObject({
      code_challenge_method: "S256",
      resource: all.tool.url,
      scope: "notes:read offline_access",
    });
  });

  test("is renewed when the token ends, and again with the refresh token that came last", async () => {
    await connect();
    const first = await token();
    later(10 * MINUTE);
    const second = await token();
    later(10 * MINUTE);
    const third = await token();
    expect(new Set([first, second, third]).size).toBe(3);
    expect(await ping(third)).not.toBe(401);
    expect(grantsAsked()).toEqual(["authorization_code", "refresh_token", "refresh_token"]);
    const [, one, two] = all.server.forms;
    expect(two?.get("refresh_token")).not.toBe(one?.get("refresh_token"));
    expect(two?.get("resource")).toBe(all.tool.url);
  });

  test("is renewed once for all calls that need it at the same time", async () => {
    await connect();
    later(10 * MINUTE);
    const tokens = await Promise.all(Array.from({ length: 16 }, token));
    expect(new Set(tokens).size).toBe(1);
    expect(grantsAsked()).toEqual(["authorization_code", "refresh_token"]);
  });

  test("is renewed once by two brokers on one database", async () => {
    await connect();
    later(10 * MINUTE);
    const other = await openStore(
      { databaseUrl: all.house.databaseUrl, rootKey: TEST_ROOT_KEY },
      { brokerId: "broker-two", now: all.house.now },
    );
    const second = await brokerOn(other);
    try {
      const [a, b] = await Promise.all([token(), second.open("notes-token", PLACE)]);
      expect(b?.value).toBe(a);
      expect(grantsAsked()).toEqual(["authorization_code", "refresh_token"]);
    } finally {
      await other.close();
    }
  });

  test("opens in the version that a call's intent named, after another call renewed it", async () => {
    await connect();
    const before = await all.opener.open("notes-token", PLACE);
    later(4 * MINUTE + 50_000);
    await token();
    const again = await all.opener.open("notes-token", PLACE, before?.version);
    expect(again?.value).toBe(before?.value);
    expect(again?.alsoSecret.length).toBeGreaterThan(1);
  });

  test("whose grant was taken back is refused with the command that helps, and asked for no more", async () => {
    await connect();
    await all.server.revokeGrants();
    later(10 * MINUTE);
    await expect(token()).rejects.toMatchObject({ code: "credential_unavailable", message: expect.stringContaining(COMMAND) });
    const asked = grantsAsked().length;
    await expect(token()).rejects.toMatchObject({ code: "credential_unavailable", message: expect.stringContaining(COMMAND) });
    expect(grantsAsked()).toHaveLength(asked);
    const states = (await all.house.store.credentials.list("acme")).map(({ state }) => state);
    expect(states).toEqual(["revoked"]);
  });

  test("is not renewed at a server that the tool no longer names, and says how to connect to the new one", async () => {
    await connect();
    all.tool.metadata.body = { resource: all.tool.url, authorization_servers: ["https://login.example"] };
    later(10 * MINUTE);
    const second = await brokerOn(all.house.store);
    await expect(second.open("notes-token", PLACE)).rejects.toMatchObject({
      code: "credential_unavailable",
      message: expect.stringContaining(COMMAND),
    });
    expect(grantsAsked()).toEqual(["authorization_code"]);
  });

  test("is renewed once when its server takes the token no more", async () => {
    await connect();
    const first = await token();
    all.tool.ended.add(String(decodeJwt(first).jti));
    later(15_000);
    expect(await ping(first)).toBe(401);
    expect(all.opener.refused?.("notes-token", PLACE, { error: "invalid_token" })).toContain("repeat the call");
    const second = await token();
    expect(await ping(second)).not.toBe(401);
    expect(await token()).toBe(second);
  });

  test("whose fresh token is refused as well is not renewed over and over", async () => {
    await connect();
    const first = await token();
    for (let calls = 0; calls < 5; calls += 1) {
      all.opener.refused?.("notes-token", PLACE, { error: "invalid_token" });
      expect(await token()).toBe(first);
    }
    expect(grantsAsked()).toEqual(["authorization_code"]);
  });

  test("that wants more is connected again by a person, who keeps what they allowed before", async () => {
    await connect();
    const advice = all.opener.refused?.("notes-token", PLACE, { error: "insufficient_scope", scope: "notes:write" });
    expect(advice).toContain(`${COMMAND} --scope "notes:write"`);
    await connect({ scope: ["notes:write"] });
    expect(
      String(decodeJwt(await token())["scope"])
        .split(" ")
        .toSorted(),
    ).toEqual(["notes:read", "notes:write"]);
  });

  test("belongs to its tenant, environment and workflow", async () => {
    await connect();
    for (const other of [{ tenant: "globex" }, { environment: "prod" }, { workflow: "billing" }])
      await expect(all.opener.open("notes-token", { ...PLACE, ...other })).rejects.toMatchObject({ code: "credential_unavailable" });
  });

  test("is not used with a grant that its file no longer allows", async () => {
    await connect();
    all.say('{ scope: ["notes:write"] }');
    await expect(token()).rejects.toMatchObject({ code: "credential_unavailable", message: expect.stringContaining(COMMAND) });
  });
});

test("a token is not sent to another address that the tool's file names later, on the same host either", async () => {
  await connect();
  all.say(BY_PERSON, `${all.tool.url}-of-somebody-else`);
  await expect(token()).rejects.toMatchObject({ code: "credential_unavailable", message: expect.stringContaining(COMMAND) });
});

test("a tool that nobody connected is refused with the command that connects it", async () => {
  await expect(token()).rejects.toMatchObject({ code: "credential_unavailable", message: expect.stringContaining(COMMAND) });
});

test("a grant is not set by hand, and not tried at a tool, which would be shown the refresh token", async () => {
  await connect();
  const set = await all.house.operator("PUT", "/api/v1/credentials/notes-token", { ...PLACE, value: "a-value-by-hand" });
  expect(set.status).toBe(409);
  expect(await set.text()).toContain("bailiwick tools connect");
  const before = all.tool.headers.length;
  const tried = await all.house.operator("POST", "/api/v1/credentials/notes-token/verify", { ...PLACE, version: 1 });
  expect(await tried.json()).toMatchObject({ tried: { outcome: "impossible" } });
  expect(all.tool.headers).toHaveLength(before);
});

test("a refresh token stays in use when its server sends no other", () => {
  const times = { issuedAt: "2026-01-01T00:00:00.000Z", expiresAt: "2026-01-01T00:05:00.000Z" };
  const before = { toolGrant: 1, issuer: "https://login.example", client: { id: "c", method: "none" }, scope: ["a"] } as const;
  const grant = { ...before, scope: ["a"], ...times, accessToken: "access-1", refreshToken: "refresh-1" };
  const tokens = { accessToken: "access-2", issuedAt: new Date(), expiresAt: new Date() };
  expect(withTokens(grant, tokens)).toMatchObject({ accessToken: "access-2", refreshToken: "refresh-1", scope: ["a"] });
  expect(withTokens(grant, { ...tokens, refreshToken: "refresh-2" })).toMatchObject({ refreshToken: "refresh-2" });
});

test("connecting and renewing are recorded with who, where and which scope", async () => {
  await connect();
  later(10 * MINUTE);
  await token();
  const bodies = (await all.records()).map((body): unknown => JSON.parse(body));
  const { issuer } = all.server;
  expect(bodies).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ event: "tool.connect", outcome: "begun", by: "operator", issuer }),
      expect.objectContaining({ event: "tool.connect", outcome: "connected", tool: "notes", version: 1 }),
      expect.objectContaining({ event: "tool.token", outcome: "renewed", by: "broker", version: 2 }),
    ]),
  );
});
