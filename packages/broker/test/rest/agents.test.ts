import { generateKeyPairSync } from "node:crypto";
import { calculateJwkThumbprint } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { liveSession, openRestHouse, SUPPORT_BOT, type Ask, type RestHouse } from "../people-support/rest.ts";

const DEV_BOT = "bailiwick://acme/dev/support/support-bot";
const registered = z.object({ agent: z.string(), thumbprint: z.string(), retiring: z.array(z.string()) });
const agents = z.object({
  agents: z.array(
    z.looseObject({
      name: z.string(),
      status: z.string(),
      keys: z.array(z.looseObject({ thumbprint: z.string(), status: z.string(), retiresAt: z.string().optional() })),
    }),
  ),
});

let house: RestHouse;
let olaf: Ask;
beforeAll(async () => {
  house = await openRestHouse();
  olaf = await house.as("olaf");
});
afterAll(() => house.close());

function newKey(): { kty: string; crv: string; x: string; y: string } {
  const { kty = "", crv = "", x = "", y = "" } = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" });
  return { kty, crv, x, y };
}

async function add(agent: string, publicJwk: object, more: object = {}): Promise<z.output<typeof registered>> {
  const answer = await olaf("POST", "/api/v1/agents/keys", { agent, publicJwk, ...more });
  expect(answer.status).toBe(200);
  return registered.parse(await answer.json());
}

async function keysOf(agent: string): Promise<z.output<typeof agents>["agents"][number]["keys"]> {
  const body = agents.parse(await (await olaf("GET", "/api/v1/agents")).json());
  return body.agents.find(({ name }) => name === agent)?.keys ?? [];
}

describe("an agent's keys", () => {
  test("rotate with an overlap: both work, then the older one ends by itself", async () => {
    const [old, fresh] = [newKey(), newKey()];
    const first = await add(SUPPORT_BOT, old);
    expect(first.retiring).toEqual([]);
    const second = await add(SUPPORT_BOT, fresh, { overlap: "1h" });
    expect(second.retiring).toEqual([first.thumbprint]);
    const working = async (at: Date): Promise<readonly string[]> =>
      (await house.store.agentKeys.keysOf("acme", SUPPORT_BOT, at)).map(({ thumbprint }) => thumbprint).toSorted();
    expect(await working(new Date())).toEqual([first.thumbprint, second.thumbprint].toSorted());
    expect(await working(new Date(Date.now() + 3_601_000))).toEqual([second.thumbprint]);
    expect((await keysOf(SUPPORT_BOT)).find(({ thumbprint }) => thumbprint === first.thumbprint)?.retiresAt).toBeDefined();
  });

  test("are retired at once when somebody says so, and stay retired", async () => {
    const { thumbprint } = await add(SUPPORT_BOT, newKey());
    expect((await olaf("POST", "/api/v1/agents/keys/retire", { agent: SUPPORT_BOT, thumbprint })).status).toBe(200);
    expect((await keysOf(SUPPORT_BOT)).find((key) => key.thumbprint === thumbprint)?.status).toBe("retired");
    expect((await olaf("POST", "/api/v1/agents/keys/retire", { agent: SUPPORT_BOT, thumbprint: "unknown" })).status).toBe(404);
  });

  test("that were retired cannot be added again, which would bring a stolen key back", async () => {
    const key = newKey();
    const { thumbprint } = await add(SUPPORT_BOT, key);
    await olaf("POST", "/api/v1/agents/keys/retire", { agent: SUPPORT_BOT, thumbprint });
    const again = await olaf("POST", "/api/v1/agents/keys", { agent: SUPPORT_BOT, publicJwk: key });
    expect([again.status, await again.json()]).toMatchObject([409, { code: "key_retired" }]);
    expect((await keysOf(SUPPORT_BOT)).find((each) => each.thumbprint === thumbprint)?.status).toBe("retired");
  });

  test("that another agent holds are refused, and each attempt is counted", async () => {
    const key = newKey();
    await add(SUPPORT_BOT, key);
    const before = await kpis();
    for (const _ of [1, 2]) expect((await olaf("POST", "/api/v1/agents/keys", { agent: DEV_BOT, publicJwk: key })).status).toBe(409);
    expect((await kpis()).sharedCredentialAttempts).toBe(before.sharedCredentialAttempts + 2);
    expect(await house.store.agentKeys.sharedAttempts("acme")).toMatchObject([
      { agent: DEV_BOT, thumbprint: await calculateJwkThumbprint(key) },
      {},
    ]);
  });

  test("that another agent holds are refused under another spelling of their coordinates", async () => {
    const key = newKey();
    await add(SUPPORT_BOT, key);
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const spareBits = `${key.x.slice(0, -1)}${alphabet[alphabet.indexOf(key.x.slice(-1)) + 1]}`;
    const leadingZero = Buffer.concat([Buffer.alloc(1), Buffer.from(key.x, "base64url")]).toString("base64url");
    for (const x of [spareBits, leadingZero])
      expect((await olaf("POST", "/api/v1/agents/keys", { agent: DEV_BOT, publicJwk: { ...key, x } })).status).toBe(400);
    expect(await keysOf(DEV_BOT)).toEqual([]);
  });

  test("of another tenant can neither be added nor retired", async () => {
    const greta = await house.as("greta");
    expect((await greta("POST", "/api/v1/agents/keys", { agent: SUPPORT_BOT, publicJwk: newKey() })).status).toBeGreaterThanOrEqual(403);
    const { thumbprint } = await add(SUPPORT_BOT, newKey());
    expect((await greta("POST", "/api/v1/agents/keys/retire", { agent: SUPPORT_BOT, thumbprint })).status).toBeGreaterThanOrEqual(403);
    expect((await keysOf(SUPPORT_BOT)).find((key) => key.thumbprint === thumbprint)?.status).toBe("active");
  });

  test.each([{ overlap: "soon" }, { overlap: "0h" }, { overlap: "1y" }, { overlap: 3 }])(
    "with a malformed overlap %o are refused",
    async (more) => {
      expect((await olaf("POST", "/api/v1/agents/keys", { agent: SUPPORT_BOT, publicJwk: newKey(), ...more })).status).toBe(400);
    },
  );
});

describe("an agent's status", () => {
  test("says what stops it", async () => {
    const status = async (): Promise<string | undefined> =>
      agents.parse(await (await olaf("GET", "/api/v1/agents")).json()).agents.find(({ name }) => name === SUPPORT_BOT)?.status;
    expect(await status()).toBe("active");
    await olaf("POST", "/api/v1/stops", { kind: "tenant", name: "acme", reason: "r" });
    expect(await status()).toBe("stopped");
    await olaf("POST", "/api/v1/stops/lift", { kind: "tenant", name: "acme", reason: "r" });
    await olaf("POST", "/api/v1/stops", { kind: "agent", name: SUPPORT_BOT, reason: "r", state: "retired" });
    expect(await status()).toBe("retired");
  });
});

const kpisAnswer = z.object({
  sharedCredentialAttempts: z.int(),
  agentsWithoutOwner: z.array(z.string()),
  tokensByLifetime: z.array(z.object({ upTo: z.string(), binding: z.string(), count: z.int() })),
});

async function kpis(): Promise<z.output<typeof kpisAnswer>> {
  return kpisAnswer.parse(await (await olaf("GET", "/api/v1/kpis/identity")).json());
}

describe("the identity figures", () => {
  test("count live tokens by their whole life and how they are bound", async () => {
    const issuedAt = new Date();
    const at = (ms: number): Date => new Date(issuedAt.getTime() + ms);
    await house.store.sessions.create(liveSession({ agent: DEV_BOT, environment: "dev", issuedAt, expiresAt: at(60_000) }));
    await house.store.sessions.create(liveSession({ agent: DEV_BOT, environment: "dev", issuedAt, expiresAt: at(300_000) }));
    await house.store.sessions.create(
      liveSession({ agent: DEV_BOT, environment: "dev", issuedAt, expiresAt: at(900_000), binding: { kind: "dpop", jkt: "j" } }),
    );
    await house.store.sessions.create(liveSession({ agent: DEV_BOT, environment: "dev", issuedAt: at(-300_000), expiresAt: at(-1) }));
    expect((await kpis()).tokensByLifetime).toEqual([
      { upTo: "15m", binding: "dpop", count: 1 },
      { upTo: "1m", binding: "bearer", count: 1 },
      { upTo: "5m", binding: "bearer", count: 1 },
    ]);
  });

  test("name an agent whose key is still there although the policy no longer knows it", async () => {
    const { kty, crv, x, y } = newKey();
    const gone = "bailiwick://acme/prod/support/gone";
    await house.store.agentKeys.add({
      agent: gone,
      tenant: "acme",
      thumbprint: "gone-1",
      publicJwk: { kty, crv, x, y },
      status: "active",
      addedAt: new Date(),
    });
    expect((await kpis()).agentsWithoutOwner).toContain(gone);
  });
});
