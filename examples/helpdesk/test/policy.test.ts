import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { formatDiagnostic, load, type Policy, type PolicyFile, runTests } from "@bailiwick/policy";
import { beforeAll, expect, test } from "vitest";

const FOLDER = fileURLToPath(new URL("../policy/", import.meta.url));
let files: readonly PolicyFile[];
let policy: Policy;

beforeAll(async () => {
  const entries = await readdir(FOLDER, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  files = await Promise.all(paths.map(async (path) => ({ path: path.slice(FOLDER.length), text: await readFile(path, "utf8") })));
  const loaded = load(files);
  if (!loaded.ok) throw new Error(loaded.diagnostics.map((finding) => formatDiagnostic(finding)).join("\n"));
  policy = loaded.policy;
});

test("the policy folder loads without a warning", () => {
  expect(policy.warnings).toEqual([]);
});

test("every test of the folder passes and every rule is exercised", () => {
  const report = runTests(policy, files, new Date("2026-11-23T10:00:00Z"));
  expect(report.failed).toEqual([]);
  expect(report.passed).toBeGreaterThanOrEqual(40);
  expect(report.unexercised.map((rule) => rule.id)).toEqual([]);
});

test("each agent exists once for each tenant and environment", () => {
  expect(policy.agents).toHaveLength(12);
});

test("the tests notice a loosened rule", () => {
  const loosened = files.map((file) =>
    file.path === "roles/support.yaml" ? { ...file, text: file.text.replaceAll(" && resource.tier <= 2", "") } : file,
  );
  const loaded = load(loosened);
  if (!loaded.ok) throw new Error("the loosened policy does not load");
  expect(runTests(loaded.policy, loosened, new Date("2026-11-23T10:00:00Z")).failed.map((test) => test.name)).toEqual([
    "a ticket of tier 3 is refused even in the own region",
  ]);
});
