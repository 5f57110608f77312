import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const FOLDER = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(`${FOLDER}README.md`, "utf8");
const examples = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code ?? "");

/** Runs an example as a program of its own, as a reader would. */
function output(code: string): string {
  return execFileSync(process.execPath, ["--input-type=module-typescript", "--eval", code], { cwd: FOLDER, encoding: "utf8" }).trim();
}

test("the README has two examples", () => {
  expect(examples).toHaveLength(2);
});

test("the README's example of a policy folder prints what the README says", () => {
  const [verdict, where] = output(examples[0] ?? "").split("\n");
  expect(verdict).toBe("allow");
  expect(readme).toContain(`\`${where ?? "?"}\``);
});

test("the README's example of Cedar alone prints what the README says", () => {
  expect(readme).toContain(`\`${output(examples[1] ?? "")}\``);
});
