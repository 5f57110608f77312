import { test } from "vitest";
import { testStore } from "../support/store.ts";
test("x", { timeout: 100_000 }, async () => {
  const opened = await testStore();
  const entry = (i: number) => ({ kind: "refusal" as const, callId: `c${i}`, body: { at: new Date().toISOString(), agent: "a", code: "x" }, people: { user: `u${i % 50}` }, facts: { args: { n: i } } });
  for (let round = 0; round < 6; round += 1) {
    const t = performance.now();
    await Promise.all(Array.from({ length: 8000 }, (_, i) => opened.store.log.append("acme", entry(i))));
    const batch = performance.now() - t;
    const t1 = performance.now();
    for (let i = 0; i < 200; i += 1) await opened.store.log.append("acme", entry(i));
    if (round > 2) console.log(`8000 at once ${batch.toFixed(0)} ms; one by one ${((performance.now() - t1) / 200).toFixed(2)} ms each`);
  }
  await opened.close();
});
