import { appendFile, cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";

const PACKAGE = fileURLToPath(new URL("../../packages/console", import.meta.url));

const module = z.object({ sourcesDigest: z.custom<() => string>(), builtFolder: z.custom<() => string | undefined>() });

let copy: string;
let built: z.output<typeof module>;

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), "bailiwick-console-"));
  for (const part of ["app", "build", "src", "package.json"]) await cp(join(PACKAGE, part), join(copy, part), { recursive: true });
  built = module.parse(await import(pathToFileURL(join(copy, "src/built.ts")).href));
});
afterAll(async () => {
  await rm(copy, { recursive: true, force: true });
});

test("a build is found under the digest of its sources, and no longer once any of them changed", async () => {
  expect(built.builtFolder()).toBeUndefined();
  const folder = join(copy, "dist", built.sourcesDigest());
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "index.html"), "");
  expect(built.builtFolder()).toBe(folder);
  for (const path of ["app/styles.css", "app/pages/inbox/inbox-page.tsx", "build/build.ts", "src/paths.ts", "package.json"]) {
    const before = built.sourcesDigest();
    await appendFile(join(copy, path), "\n");
    expect([path, built.sourcesDigest() === before, built.builtFolder()]).toEqual([path, false, undefined]);
  }
  await writeFile(join(copy, "app/new.ts"), "");
  expect(built.builtFolder()).toBeUndefined();
});
