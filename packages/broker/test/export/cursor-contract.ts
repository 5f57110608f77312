import { expect, test } from "vitest";
import { eventually } from "./delivery-support.ts";
import type { CursorStore } from "../../src/domain/export.ts";

/** Two brokers on one store. */
export interface TwoBrokers {
  readonly first: CursorStore;
  readonly second: CursorStore;
  /** Breaks whatever holds the first broker's lease of this name, as a lost connection does. */
  breakLease(name: string): Promise<void>;
}

/** What every store of cursors promises; each one runs these tests. */
export function keepsThePromisesOfCursors(open: () => Promise<TwoBrokers>): void {
  test("a name never saved begins at 0, and what one broker saves the other one loads", async () => {
    const { first, second } = await open();
    expect(await first.load("acme/new")).toBe(0);
    await first.save("acme/shared", 7);
    expect(await second.load("acme/shared")).toBe(7);
    expect(await second.load("globex/shared")).toBe(0);
  });

  test("a cursor never goes back, whoever saves late", async () => {
    const { first, second } = await open();
    await first.save("acme/late", 900);
    await second.save("acme/late", 400);
    expect(await first.load("acme/late")).toBe(900);
  });

  test("of two brokers one has the lease, until it gives it back", async () => {
    const { first, second } = await open();
    const lease = await first.lease("acme/one");
    expect(lease?.lost.aborted).toBe(false);
    expect(await second.lease("acme/one")).toBeUndefined();
    const other = await second.lease("acme/two");
    expect(other).toBeDefined();
    await lease?.release();
    const next = await second.lease("acme/one");
    expect(next).toBeDefined();
    await Promise.all([other?.release(), next?.release()]);
  });

  test("a broker is told that it lost its lease, and another one may have it", async () => {
    const { first, second, breakLease } = await open();
    const lease = await first.lease("acme/broken");
    await breakLease("acme/broken");
    await eventually(() => expect(lease?.lost.aborted).toBe(true));
    const next = await eventually(async () => {
      const got = await second.lease("acme/broken");
      expect(got).toBeDefined();
      return got;
    });
    // Giving back what is lost must not take it from whoever has it now.
    await lease?.release().catch(() => undefined);
    expect(await first.lease("acme/broken")).toBeUndefined();
    await next?.release();
  });
}
