import { afterAll, beforeAll, expect, test } from "vitest";
import { restApprovers } from "../approvers.ts";
import { runDemo } from "../demo.ts";
import { checkEffects } from "../expected-effects.ts";
import { type House, startHouse } from "./house.ts";

let house: House;

beforeAll(async () => {
  house = await startHouse();
});

afterAll(() => house.close());

function demo(options: { readonly once: boolean; readonly json: boolean }) {
  return runDemo({ ...house, brokerUrl: house.broker.url, print: () => {}, ...options });
}

test("before any agent worked, the company's records are not as after it", async () => {
  expect((await checkEffects(house.company)).filter((check) => !check.ok).map((check) => check.what)).toContain("tickets that changed");
});

test("the first screen shows an allowed, a masked, a refused and a waiting call, with the command that approves it", async () => {
  const { ok, lines } = await demo({ once: false, json: false });
  const text = lines.join("\n");
  expect(ok, text).toBe(true);
  expect(text).toMatch(/✓ allowed .*◐ masked .*✗ refused .*… waiting /s);
  expect(text).toMatch(/rule +roles\/support\.yaml:\d+, update-own-region/);
  expect(text).toContain("status: solved -> closed");
  expect(text).toMatch(/npx bailiwick approvals approve apr_\S{22} --as dana/);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(115);
});

test("the whole scenario comes out as it says, and changes exactly what it says", async () => {
  const { ok, lines } = await demo({ once: true, json: true });
  const wrong = lines.filter((line) => !line.includes('"ok":true'));
  expect(wrong).toEqual([]);
  expect(ok).toBe(true);
  expect(lines.length).toBeGreaterThanOrEqual(16);
});

test("an agent that waits is told when the person has answered", async () => {
  const leave = new AbortController();
  const told = Promise.withResolvers<void>();
  const lines: string[] = [];
  const print = (line: string): void => {
    lines.push(line);
    if (line.includes('"answered"')) told.resolve();
  };
  const { ok } = await runDemo({ ...house, brokerUrl: house.broker.url, once: false, json: true, signal: leave.signal, print });
  expect(ok, lines.join("\n")).toBe(true);
  const ticket = /"ticket":"(apr_[^"]+)"/.exec(lines.join("\n"))?.[1] ?? "";
  await restApprovers(house.broker.url, house.tokenOf).answer("dana", ticket, "deny", "keep it open");
  await told.promise;
  leave.abort();
  expect(lines.at(-1)).toContain("approval_denied");
});
