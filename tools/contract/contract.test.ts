import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CONTRACT_FILE, contractText } from "./contract-text.ts";

test("the console's types are those of the broker's OpenAPI document; `npm run contract` makes them so", async () => {
  const made = await contractText();
  expect(made).toContain('"/api/v1/approvals/{id}/approve"');
  expect(readFileSync(CONTRACT_FILE, "utf8") === made).toBe(true);
});
