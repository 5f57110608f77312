import { createRequire } from "node:module";
import type { TestContext } from "vitest";
import { needsProgram, skippedBecause } from "../../../../tools/needs.ts";

/** SoftHSM2: PKCS #11 in software. */
export const SOFTHSM_MODULE = "/usr/lib/softhsm/libsofthsm2.so";
export const PIN = "4711-pin";

/** Skips the running test where there is no software token, or npm could not build the optional package that speaks to one. */
export function needsSoftToken(test: Pick<TestContext, "skip">): void {
  needsProgram(test, "softhsm2-util", "softhsm2");
  try {
    createRequire(import.meta.url).resolve("pkcs11js");
  } catch {
    skippedBecause(test, "the optional package `pkcs11js` is not here: npm builds it where python3, make and a C++ compiler are");
  }
}
