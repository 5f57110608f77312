import { readFile, readdir } from "node:fs/promises";
import { beforeAll, expect, test } from "vitest";
import { currentFingerprints, withReviews } from "../review.ts";

const TOOLS = new URL("../policy/tools/", import.meta.url);
let current: ReadonlyMap<string, ReadonlyMap<string, string>>;

beforeAll(async () => {
  current = await currentFingerprints();
});

test("every fingerprint in the policy folder is what the real servers offer now", async () => {
  for (const file of await readdir(TOOLS)) {
    const text = await readFile(new URL(file, TOOLS), "utf8");
    const fingerprints = current.get(file.replace(".yaml", ""));
    if (fingerprints !== undefined) expect(withReviews(text, fingerprints), file).toBe(text);
  }
});

test("the servers offer more than the catalog lists, so that quarantine has something to hold", async () => {
  const customers = await readFile(new URL("customers.yaml", TOOLS), "utf8");
  expect([...(current.get("customers")?.keys() ?? [])]).toContain("export_all_customers");
  expect(customers).not.toMatch(/^ {2}export_all_customers:/m);
  expect(current.get("files")?.size).toBe(14);
  expect(current.get("memory")?.size).toBe(9);
});

test("a changed fingerprint replaces the old one and leaves comments and order alone", () => {
  const text =
    "actions:\n  one: # first\n  two:\n    reviewed: sha256:old\n    is: a:b # kept\nresources:\n  two:\n    reviewed: sha256:same\n";
  expect(withReviews(text, new Map([["two", "sha256:new"]]))).toBe(text.replace("sha256:old", "sha256:new"));
});
