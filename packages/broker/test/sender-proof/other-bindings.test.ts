import { expect, test } from "vitest";
import { createReplaySet } from "../../src/adapters/sender-proof/replay-set.ts";
import { dpop, newSender, NOW, presented, verifierFor } from "./support.ts";

test("a token bound to a client certificate is taken with that certificate only", async () => {
  const verifier = verifierFor({ kind: "mtls", x5t: "print-1" });
  await expect(verifier.verify(presented({ scheme: "Bearer", certificate: "print-1" }), NOW)).resolves.toEqual({
    tenant: "acme",
    session: "ses_1",
  });
  for (const certificate of ["print-2", undefined])
    await expect(verifier.verify(presented({ scheme: "Bearer", certificate }), NOW)).rejects.toMatchObject({ code: "proof_invalid" });
});

test("a bearer token needs no proof and is not taken as a DPoP token", async () => {
  const verifier = verifierFor({ kind: "bearer" });
  await expect(verifier.verify(presented({ scheme: "Bearer" }), NOW)).resolves.toEqual({ tenant: "acme", session: "ses_1" });
  await expect(verifier.verify(presented({ dpop: dpop(newSender()) }), NOW)).rejects.toMatchObject({ code: "proof_invalid" });
});

test("a replay set remembers for at least its window, and forgets after two", () => {
  const seen = createReplaySet(1_000);
  expect(seen.first("a", 0)).toBe(true);
  expect(seen.first("a", 999)).toBe(false);
  expect(seen.first("a", 1_500)).toBe(false);
  expect(seen.first("b", 1_500)).toBe(true);
  expect(seen.first("a", 4_000)).toBe(true);
});

test("a replay set that one sender floods refuses that sender, and goes on for the others until it is truly full", () => {
  const seen = createReplaySet(1_000, 10);
  for (let at = 0; at < 10; at += 1) expect(seen.first(`flood ${at}`, 0, "flooder")).toBe(true);
  expect(seen.first("quiet 1", 0, "quiet")).toBe(true);
  expect(seen.first("flood 10", 0, "flooder")).toBe(false);
  for (const id of ["quiet 2", "quiet 3"]) expect(seen.first(id, 0, "quiet")).toBe(true);
  expect(seen.first("quiet 2", 0, "quiet")).toBe(false);
  for (let at = 0; at < 20; at += 1) seen.first(`other ${at}`, 0, `other ${at}`);
  expect(seen.first("quiet 4", 0, "quiet")).toBe(false);
  expect(seen.first("late 1", 0, "late")).toBe(false);
});

test("a replay set that is full refuses what it could not remember", () => {
  const seen = createReplaySet(1_000, 2);
  expect([seen.first("a", 0), seen.first("b", 0), seen.first("c", 0)]).toEqual([true, true, false]);
  expect(seen.first("c", 1_000)).toBe(true);
});
