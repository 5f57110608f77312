import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Makes this Node say that it is an older one. */
const PRETEND =
  'data:text/javascript,for (const [name, value] of [["version", "v20.20.2"], ["versions", { ...process.versions, node: "20.20.2" }]]) Object.defineProperty(process, name, { value })';

test.each(["tools/run.js", "packages/broker/bin/bailiwick.js"])("on an old Node %s says in one line how to get the right one", (entry) => {
  const ended = spawnSync(process.execPath, ["--import", PRETEND, entry], { cwd: ROOT, encoding: "utf8" });
  expect(ended.status).toBe(2);
  expect(ended.stdout).toBe("");
  expect(ended.stderr.trim().split("\n")).toHaveLength(1);
  expect(ended.stderr).toMatch(/needs Node 24 or newer and this is v20\.20\.2: .*`npm rebuild node`/);
});
