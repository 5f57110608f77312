import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestContext } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Where the CI run is told that the shared test data lies; a checkout beside it finds it by itself. */
export const SHARED_DATA_VARIABLE = "BAILIWICK_SHARED_DATA";
export const SHARED_DATA_FOLDER = process.env[SHARED_DATA_VARIABLE] ?? join(ROOT, "../shared/data");

/** Skips the running test under its own name, with a reason that the end of the run lists. In CI a skip fails the run. */
export function skippedBecause(test: Pick<TestContext, "skip">, reason: string): never {
  return test.skip(reason);
}

/**
 * Skips the running test unless `program` is on the PATH.
 * @throws Error when the Debian package is missing from `.ci/debian-packages`: CI would skip the test for ever.
 */
export function needsProgram(test: Pick<TestContext, "skip">, program: string, debianPackage: string): void {
  if (!debianPackages().includes(debianPackage)) {
    throw new Error(`\`${debianPackage}\` is not listed in .ci/debian-packages: CI installs only what stands there; add a line`);
  }
  const found = spawnSync("sh", ["-c", 'command -v -- "$1"', "sh", program], { stdio: "ignore" }).status === 0;
  if (!found) skippedBecause(test, `\`${program}\` is not installed: on Debian run \`apt-get install ${debianPackage}\``);
}

/** Debian's own Python, whose modules Debian packages bring. */
const DEBIAN_PYTHON = "/usr/bin/python3";

/** Returns a Python that has the module, or skips the running test. @throws Error as `needsProgram`. */
export function needsPython(test: Pick<TestContext, "skip">, module: string, debianPackage: string): string {
  needsProgram(test, DEBIAN_PYTHON, debianPackage);
  if (spawnSync(DEBIAN_PYTHON, ["-c", `import ${module}`], { stdio: "ignore" }).status !== 0)
    skippedBecause(test, `Python's \`${module}\` is not installed: on Debian run \`apt-get install ${debianPackage}\``);
  return DEBIAN_PYTHON;
}

/** Returns the path of a file or folder of the shared test data, or skips the running test. */
export function needsSharedData(test: Pick<TestContext, "skip">, name: string): string {
  const path = join(SHARED_DATA_FOLDER, name);
  if (!existsSync(path)) {
    skippedBecause(test, `the shared test data \`${name}\` is not here: set ${SHARED_DATA_VARIABLE} to the folder that holds it`);
  }
  return path;
}

/** Names of the Debian packages that CI installs before the tests. */
export function debianPackages(): readonly string[] {
  return readFileSync(join(ROOT, ".ci/debian-packages"), "utf8")
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "");
}
