import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { SignJWT } from "jose";
import { expect, test } from "vitest";
import { signAccessToken } from "../../src/adapters/oauth/access-token.ts";
import { asSigningKey } from "../../src/adapters/oauth/signing-key.ts";
import { createTokenVerifier } from "../../src/adapters/oauth/token-verifier.ts";
import type { Session } from "../../src/domain/session.ts";
import { PLAIN } from "../plain-session.ts";

const realm = { issuer: "https://broker.example", audience: "https://broker.example/mcp" };
const issuedAt = new Date("2026-11-23T09:00:00Z");
const inTime = new Date("2026-11-23T09:04:59Z");
const late = new Date("2026-11-23T09:05:00Z");
const key = await asSigningKey(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey);
const keyOf = async (kid: string) => (kid === key.kid ? key.publicKey : undefined);

function session(id: string): Session {
  return {
    ...PLAIN,
    id,
    tenant: "acme",
    environment: "prod",
    workflow: "support",
    agent: "bailiwick://acme/prod/support/support-bot",
    user: "ana",
    task: "T-17",
    data: {},
    scope: ["tickets:*"],
    issuedAt,
    expiresAt: late,
  };
}

async function forged(options: { key?: KeyObject; typ?: string; issuer?: string; audience?: string; alg?: string }): Promise<string> {
  return new SignJWT({ client_id: "a", sid: "ses_1", tenant: "acme" })
    .setProtectedHeader({ alg: "ES256", typ: options.typ ?? "at+jwt", kid: key.kid })
    .setIssuer(options.issuer ?? realm.issuer)
    .setAudience(options.audience ?? realm.audience)
    .setSubject("ana")
    .setIssuedAt(issuedAt)
    .setExpirationTime(late)
    .sign(options.key ?? key.privateKey);
}

test("a remembered token is refused from the second it expires", async () => {
  const verify = createTokenVerifier({ ...realm, key: keyOf });
  const token = await signAccessToken(key, realm, session("ses_1"), "tok_1");
  expect(await verify(token, inTime)).toMatchObject({ tenant: "acme", session: "ses_1", binding: { kind: "bearer" } });
  await expect(verify(token, late)).rejects.toMatchObject({ code: "token_expired" });
});

test("a token that was never seen is refused when it has expired", async () => {
  const verify = createTokenVerifier({ ...realm, key: keyOf });
  await expect(verify(await signAccessToken(key, realm, session("ses_1"), "tok_1"), late)).rejects.toMatchObject({
    code: "token_expired",
  });
});

test.each([
  ["signed by another key", { key: generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey }],
  ["of another type", { typ: "JWT" }],
  ["of another issuer", { issuer: "https://other.example" }],
  ["for another audience", { audience: "https://other.example/mcp" }],
])("a token %s is refused", async (_, options) => {
  const verify = createTokenVerifier({ ...realm, key: keyOf });
  await expect(verify(await forged(options), inTime)).rejects.toMatchObject({ code: "unauthenticated" });
});

test.each(["", "x", "a.b.c", "bwps_notajwt", "x".repeat(10_000)])("text that is no token is refused (%#)", async (text) => {
  const verify = createTokenVerifier({ ...realm, key: keyOf });
  await expect(verify(text, inTime)).rejects.toMatchObject({ code: "unauthenticated", next: [{ kind: "reauthenticate" }] });
});

test("a changed character makes a remembered token unknown again", async () => {
  const verify = createTokenVerifier({ ...realm, key: keyOf });
  const token = await signAccessToken(key, realm, session("ses_1"), "tok_1");
  await verify(token, inTime);
  const [head = "", , signature = ""] = token.split(".");
  const other = Buffer.from(JSON.stringify({ sid: "ses_2", tenant: "globex" })).toString("base64url");
  await expect(verify(`${head}.${other}.${signature}`, inTime)).rejects.toMatchObject({ code: "unauthenticated" });
});

test("more tokens than the cache holds are all still verified rightly", async () => {
  const verify = createTokenVerifier({ ...realm, key: keyOf, maxCached: 2 });
  const tokens = await Promise.all(["ses_1", "ses_2", "ses_3"].map(async (id) => signAccessToken(key, realm, session(id), `tok_${id}`)));
  for (const round of [1, 2]) {
    for (const [index, token] of tokens.entries()) {
      expect(await verify(token, inTime), `round ${round}`).toMatchObject({ tenant: "acme", session: `ses_${index + 1}` });
    }
  }
});
