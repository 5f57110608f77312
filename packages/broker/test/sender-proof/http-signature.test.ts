import { describe, expect, test } from "vitest";
import { bodyMatches } from "../../src/adapters/sender-proof/http-signature.ts";
import { NOW, presented, signedRequest, verifierFor } from "./support.ts";

const bound = { kind: "hmac" } as const;
const invalid = { code: "proof_invalid" };

describe("a request signed with its session's key", () => {
  test("is of its session, and its signature has an identity", async () => {
    expect(await verifierFor(bound).verify(signedRequest(), NOW)).toMatchObject({
      tenant: "acme",
      session: "ses_1",
      proof: { untilMs: NOW.getTime() + 65_000 },
    });
  });

  test("may name its parameters in any order", async () => {
    const parameters = `;keyid="session";nonce="in another order";created=${NOW.getTime() / 1000};alg="hmac-sha256"`;
    await expect(verifierFor(bound).verify(signedRequest({ parameters }), NOW)).resolves.toMatchObject({ session: "ses_1" });
  });

  test("covers its body by the digest", () => {
    const request = signedRequest({ body: '{"a":1}' });
    expect(bodyMatches(request, Buffer.from('{"a":1}'))).toBe(true);
    expect(bodyMatches(request, Buffer.from('{"a":2}'))).toBe(false);
    expect(bodyMatches(presented(), Buffer.from(""))).toBe(false);
  });
});

describe("attacks on signed requests", () => {
  test("a replayed signature is refused", async () => {
    const verifier = verifierFor(bound);
    const { signature } = signedRequest();
    await verifier.verify(presented({ scheme: "Bearer", signature }), NOW);
    await expect(verifier.verify(presented({ scheme: "Bearer", signature }), NOW)).rejects.toMatchObject({ code: "proof_replayed" });
  });

  test("a nonce used twice is refused, whatever else is signed", async () => {
    const verifier = verifierFor(bound);
    await verifier.verify(signedRequest({ nonce: "same-nonce", body: "1" }), NOW);
    await expect(verifier.verify(signedRequest({ nonce: "same-nonce", body: "2" }), NOW)).rejects.toMatchObject({ code: "proof_replayed" });
  });

  test("a stolen token without a signature is refused", async () => {
    await expect(verifierFor(bound).verify(presented({ scheme: "Bearer" }), NOW)).rejects.toMatchObject(invalid);
  });

  test("the key of another session is refused", async () => {
    await expect(verifierFor(bound).verify(signedRequest({ session: "ses_2" }), NOW)).rejects.toMatchObject(invalid);
  });

  test.each([
    ["leaves the body out", { components: '"@method" "@target-uri" "authorization"' }],
    ["leaves the token out", { components: '"@method" "@target-uri" "content-digest"' }],
    ["covers nothing", { components: "" }],
    ["covers one thing twice", { components: '"@method" "@method" "@target-uri" "authorization" "content-digest"' }],
    ["names another algorithm", { parameters: `;created=${NOW.getTime() / 1000};nonce="12345678";alg="none";keyid="session"` }],
    [
      "names another key (kid injection)",
      { parameters: `;created=${NOW.getTime() / 1000};nonce="12345678";alg="hmac-sha256";keyid="../root"` },
    ],
    ["has no nonce", { parameters: `;created=${NOW.getTime() / 1000};alg="hmac-sha256";keyid="session"` }],
    ["has no time", { parameters: ';nonce="12345678";alg="hmac-sha256";keyid="session"' }],
    ["is too old", { created: NOW.getTime() / 1000 - 61 }],
    ["is from the future", { created: NOW.getTime() / 1000 + 6 }],
  ])("a signature that %s is refused", async (_, options) => {
    await expect(verifierFor(bound).verify(signedRequest(options), NOW)).rejects.toMatchObject(invalid);
  });

  test.each([
    ["the method", { method: "DELETE" }],
    ["the address", { url: "https://broker.example/other" }],
    ["the token", { token: "other.token.here" }],
  ])("changing %s after signing is refused", async (_, change) => {
    await expect(verifierFor(bound).verify({ ...signedRequest(), ...change }, NOW)).rejects.toMatchObject(invalid);
  });

  test("changing the digest after signing is refused", async () => {
    const request = signedRequest();
    const signature = request.signature === undefined ? undefined : { ...request.signature, contentDigest: "sha-256=:AAAA:" };
    await expect(verifierFor(bound).verify({ ...request, signature }, NOW)).rejects.toMatchObject(invalid);
  });

  test.each(["sig=()", "sig", 'sig=("@method")', `sig=("@method");created=${"9".repeat(3_000)}`, 'a=("@method"), b=("@method")', "SIG=()"])(
    "input that is no signature input is refused (%#)",
    async (input) => {
      await expect(
        verifierFor(bound).verify(
          presented({ scheme: "Bearer", signature: { input, value: "sig=:AAAA:", contentDigest: undefined } }),
          NOW,
        ),
      ).rejects.toMatchObject(invalid);
    },
  );
});
