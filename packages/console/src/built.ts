import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));

/** What the built console is made from, below the package's folder. */
const SOURCES = ["app", "build", "src/paths.ts", "package.json", "../../package-lock.json"];

/** Where builds lie, each in a folder named by the digest of what it was made from. */
export const BUILDS_FOLDER = join(PACKAGE, "dist");

/** Names the state of the sources: SHA-256 over every file's path and content, 32 hex digits. */
export function sourcesDigest(): string {
  const hash = createHash("sha256");
  for (const path of SOURCES.flatMap(filesOf)) {
    const content = readFileSync(join(PACKAGE, path));
    hash.update(`${path}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex").slice(0, 32);
}

/** The build of exactly these sources, or undefined when there is none: a build of other sources is never taken for it. */
export function builtFolder(): string | undefined {
  const folder = join(BUILDS_FOLDER, sourcesDigest());
  return existsSync(join(folder, "index.html")) ? folder : undefined;
}

function filesOf(path: string): readonly string[] {
  const full = join(PACKAGE, path);
  if (!existsSync(full)) return [];
  const entries = readdirSync(join(full, ".."), { withFileTypes: true }).find((entry) => full.endsWith(`/${entry.name}`));
  if (entries?.isDirectory() !== true) return [path];
  return readdirSync(full, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(PACKAGE.length))
    .toSorted();
}
