import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { dpop, newSender, NOW, presented, sha256, TOKEN, URL_OF_MCP, verifierFor } from "./support.ts";

const sender = newSender();
const bound = { kind: "dpop", jkt: sender.jkt } as const;
const later = (ms: number): Date => new Date(NOW.getTime() + ms);
const refused = (code: string, words: RegExp) => ({ code, message: expect.stringMatching(words) });

/** 32 bytes leave two bits of the last of 43 characters unused: decoders ignore them, a thumbprint over the text does not. */
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const otherSpelling = (coordinate: string): string => `${coordinate.slice(0, -1)}${ALPHABET[ALPHABET.indexOf(coordinate.slice(-1)) + 1]}`;

describe("a request with a DPoP proof", () => {
  test("is of its session, and its proof has an identity and an end", async () => {
    const claims = await verifierFor(bound).verify(presented({ dpop: dpop(sender) }), NOW);
    expect(claims).toMatchObject({ tenant: "acme", session: "ses_1", proof: { untilMs: NOW.getTime() + 65_000 } });
  });

  test("spends its proof once, however often the same request asks", async () => {
    const verifier = verifierFor(bound);
    const request = presented({ dpop: dpop(sender) });
    const first = await verifier.verify(request, NOW);
    expect(await verifier.verify(request, NOW)).toEqual(first);
  });

  test("may have been signed for the address with a query, or with its default port written out", async () => {
    const verifier = verifierFor(bound);
    for (const htu of [`${URL_OF_MCP}?x=1#y`, "https://broker.example:443/mcp", "HTTPS://Broker.Example/mcp"])
      await expect(verifier.verify(presented({ dpop: dpop(sender, { htu }) }), NOW)).resolves.toMatchObject({ session: "ses_1" });
  });

  test("carries what its sender narrows it to", async () => {
    const restrict = { scope: ["tickets:read"], rows: { Ticket: { id: ["T-17"] } } };
    const claims = await verifierFor(bound).verify(presented({ dpop: dpop(sender, { restrict }) }), NOW);
    expect(claims.restrict).toEqual(restrict);
  });
});

describe("attacks on DPoP", () => {
  test("a replayed proof is refused", async () => {
    const verifier = verifierFor(bound);
    const proof = dpop(sender);
    await verifier.verify(presented({ dpop: proof }), NOW);
    await expect(verifier.verify(presented({ dpop: proof }), later(1_000))).rejects.toMatchObject({ code: "proof_replayed" });
  });

  test("a proof replayed after the memory has turned over is refused as too old", async () => {
    const verifier = verifierFor(bound);
    const proof = dpop(sender);
    await verifier.verify(presented({ dpop: proof }), NOW);
    for (const ms of [30_000, 59_000])
      await expect(verifier.verify(presented({ dpop: proof }), later(ms))).rejects.toMatchObject({ code: "proof_replayed" });
    await expect(verifier.verify(presented({ dpop: proof }), later(61_000))).rejects.toMatchObject(refused("proof_invalid", /just now/));
  });

  test("a stolen token without its key is refused, also as a bearer token", async () => {
    const verifier = verifierFor(bound);
    await expect(verifier.verify(presented(), NOW)).rejects.toMatchObject(refused("proof_invalid", /bound to a key/));
    await expect(verifier.verify(presented({ scheme: "Bearer", dpop: dpop(sender) }), NOW)).rejects.toMatchObject({
      code: "proof_invalid",
    });
  });

  test("a stolen token with the thief's own key is refused", async () => {
    await expect(verifierFor(bound).verify(presented({ dpop: dpop(newSender()) }), NOW)).rejects.toMatchObject(
      refused("proof_invalid", /another key/),
    );
  });

  test("the thief's signature under the owner's key is refused", async () => {
    const thief = newSender();
    const forged = dpop({ ...thief, jwk: sender.jwk });
    await expect(verifierFor(bound).verify(presented({ dpop: forged }), NOW)).rejects.toMatchObject(refused("proof_invalid", /not signed/));
  });

  test.each([
    ["another method", { htm: "GET" }],
    ["another path", { htu: "https://broker.example/oauth/token" }],
    ["another host", { htu: "https://evil.example/mcp" }],
    ["a host that only begins alike", { htu: "https://broker.example.evil.example/mcp" }],
    ["a text that is no address", { htu: "broker" }],
    ["another token", { ath: sha256("other") }],
    ["no token", { ath: undefined }],
    ["a time that is no number", { iat: "now" }],
    ["no identity", { jti: undefined }],
    ["an empty identity", { jti: "" }],
    ["an identity of any length", { jti: "x".repeat(129) }],
  ])("a proof for %s is refused", async (_, claims) => {
    await expect(verifierFor(bound).verify(presented({ dpop: dpop(sender, claims) }), NOW)).rejects.toMatchObject({
      code: "proof_invalid",
    });
  });

  test("clock skew: a proof from the future or long past is refused, one a little ahead is not", async () => {
    const verifier = verifierFor(bound);
    const at = (ms: number): string => dpop(sender, { iat: (NOW.getTime() + ms) / 1000 });
    await expect(verifier.verify(presented({ dpop: at(4_000) }), NOW)).resolves.toBeDefined();
    for (const ms of [6_000, -61_000, 1e15])
      await expect(verifier.verify(presented({ dpop: at(ms) }), NOW)).rejects.toMatchObject({ code: "proof_invalid" });
  });

  test("algorithm none is refused", async () => {
    const proof = dpop(sender, {}, { alg: "none" }, () => "");
    await expect(verifierFor(bound).verify(presented({ dpop: proof }), NOW)).rejects.toMatchObject({ code: "proof_invalid" });
  });

  test("HS256 keyed with the public key is refused", async () => {
    const mac = (input: string): string => createHmac("sha256", JSON.stringify(sender.jwk)).update(input).digest("base64url");
    for (const alg of ["HS256", "ES256"])
      await expect(verifierFor(bound).verify(presented({ dpop: dpop(sender, {}, { alg }, mac) }), NOW)).rejects.toMatchObject({
        code: "proof_invalid",
      });
  });

  test.each([
    ["another type", { typ: "JWT" }],
    ["no key", { jwk: undefined }],
    ["a private key", { jwk: { ...sender.jwk, d: sender.jwk.x } }],
    ["a symmetric key", { jwk: { kty: "oct", k: "c2VjcmV0" } }],
    ["a point that is not on the curve", { jwk: { ...sender.jwk, y: sender.jwk.x } }],
    ["a coordinate of another length", { jwk: { ...sender.jwk, x: "AA" } }],
    ["an extension it must understand (`crit`)", { crit: ["exp"], exp: 0 }],
    ["more text than a key needs", { padding: "x".repeat(2_000) }],
    ["a key by reference (kid injection)", { jwk: undefined, kid: "../../keys/signing", jku: "https://evil.example/jwks" }],
  ])("a header with %s is refused", async (_, header) => {
    await expect(verifierFor(bound).verify(presented({ dpop: dpop(sender, {}, header) }), NOW)).rejects.toMatchObject({
      code: "proof_invalid",
    });
  });

  test("one key under a second thumbprint, by another spelling of a coordinate, is refused", async () => {
    const { crv, kty, y } = sender.jwk;
    const x = otherSpelling(sender.jwk.x);
    const second = { ...sender, jwk: { ...sender.jwk, x } };
    const verifier = verifierFor({ kind: "dpop", jkt: sha256(JSON.stringify({ crv, kty, x, y })) });
    await expect(verifier.verify(presented({ dpop: dpop(second) }), NOW)).rejects.toMatchObject({ code: "proof_invalid" });
  });

  test.each(["", ".", "..", "a.b.c", "a.b.c.d", `${"x".repeat(9_000)}.y.z`, "\u0000.\u0000.\u0000"])(
    "text that is no proof is refused (%#)",
    async (text) => {
      await expect(verifierFor(bound).verify(presented({ dpop: text }), NOW)).rejects.toMatchObject({ code: "proof_invalid" });
    },
  );

  test("an extra member of `restrict` is refused rather than ignored", async () => {
    const proof = dpop(sender, { restrict: { scopes: ["tickets:read"] } });
    await expect(verifierFor(bound).verify(presented({ dpop: proof }), NOW)).rejects.toMatchObject(refused("proof_invalid", /restrict/));
  });

  test("a proof for one token does not serve another of the same key", async () => {
    const proof = dpop(sender);
    await expect(verifierFor(bound).verify({ ...presented({ dpop: proof }), token: `${TOKEN}2` }, NOW)).rejects.toMatchObject({
      code: "proof_invalid",
    });
  });
});
