import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CredentialStore } from "../../src/domain/credential.ts";
import { testStore, type TestStore } from "../support/store.ts";

let opened: TestStore;
let credentials: CredentialStore;
let names = 0;
const at = { tenant: "acme", environment: "prod", workflow: "helpdesk" };
const bound = { ...at, hosts: ["api.example"] };

beforeAll(async () => {
  opened = await testStore();
  credentials = opened.store.credentials;
});
afterAll(async () => opened.close());

type Step = { readonly do: "put" | "stage" } | { readonly do: "activate" | "revoke"; readonly version: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constantFrom<Step>({ do: "put" }, { do: "stage" }),
  fc.record({ do: fc.constantFrom("activate" as const, "revoke" as const), version: fc.integer({ min: 1, max: 6 }) }),
);

async function take(name: string, one: Step, count: number): Promise<void> {
  const value = `value-number-${count}`;
  switch (one.do) {
    case "put":
      return void (await credentials.put(name, bound, value));
    case "stage":
      return void (await credentials.stage(name, bound, value));
    case "activate":
      return void (await credentials.activate({ ...at, name, version: one.version }, { verification: "skipped", graceMs: 60_000 }));
    case "revoke":
      return void (await credentials.revoke({ ...at, name, version: one.version }));
  }
}

test("whatever is done to a credential: one version is active at most and one waits, versions go forward, and what is revoked stays so", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 10 }), async (steps) => {
      const name = `life-${(names += 1)}`;
      let highest = 0;
      const dead = new Set<number>();
      for (const [count, one] of steps.entries()) {
        await take(name, one, count);
        const versions = (await credentials.list("acme")).filter((each) => each.name === name);
        const active = versions.filter(({ state }) => state === "active");
        expect(active.length).toBeLessThanOrEqual(1);
        expect(versions.filter(({ state }) => state === "pending").length).toBeLessThanOrEqual(1);
        for (const { version } of active) {
          expect(version).toBeGreaterThanOrEqual(highest);
          highest = version;
          expect(await credentials.open(name, at)).toMatchObject({ version });
        }
        for (const { version, state } of versions) {
          if (dead.has(version)) expect(state).toBe("revoked");
          if (state === "revoked") dead.add(version);
        }
      }
    }),
    { numRuns: 25 },
  );
});
