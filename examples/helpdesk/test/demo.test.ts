import { afterAll, beforeAll, expect, test } from "vitest";
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
  expect(text).toMatch(/rule +update-own-region, roles\/support\.yaml:\d+/);
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
