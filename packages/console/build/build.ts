import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";
import tailwind from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { build } from "vite";
import { builtFolder, BUILDS_FOLDER, sourcesDigest } from "../src/built.ts";

const APP = fileURLToPath(new URL("../app", import.meta.url));
/** Builds of earlier sources that are kept: a broker of another checkout's state may still read one. */
const KEPT_BUILDS = 3;
/** Sources that change while they are built are built again; somebody who saves faster than that waits. */
const MAX_TRIES = 5;
const TEXTS = /\.(?:html|js|css|svg)$/u;

/** Builds the console unless its sources are built already. Several may do so at once. Returns the folder, and whether it was built now. */
export async function buildConsole(): Promise<{ readonly folder: string; readonly built: boolean }> {
  const present = builtFolder();
  if (present !== undefined) return { folder: present, built: false };
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const digest = sourcesDigest();
    const made = await buildInto();
    if (sourcesDigest() === digest) {
      const folder = await settle(made, join(BUILDS_FOLDER, digest));
      await forgetOld();
      return { folder, built: true };
    }
    await rm(made, { recursive: true, force: true });
  }
  throw new Error("the console's sources changed during each of several builds; try again when they rest");
}

async function buildInto(): Promise<string> {
  await mkdir(BUILDS_FOLDER, { recursive: true });
  const outDir = await mkdtemp(join(BUILDS_FOLDER, ".making-"));
  await chmod(outDir, 0o755);
  try {
    await build({
      configFile: false,
      envDir: false,
      root: APP,
      mode: "production",
      logLevel: "warn",
      publicDir: false,
      plugins: [react(), tailwind()],
      build: {
        outDir,
        emptyOutDir: true,
        // `light-dark()` and nesting stay as they are written: each of these browsers knows them.
        target: ["chrome123", "firefox128", "safari17.5"],
        // The preload of a page that is loaded late must not be an inline script.
        modulePreload: { polyfill: false },
        // A data: URL is nothing that the page's security policy lets in.
        assetsInlineLimit: 0,
        reportCompressedSize: false,
      },
    });
    await compress(outDir);
    return outDir;
  } catch (error) {
    await rm(outDir, { recursive: true, force: true });
    throw error;
  }
}

/** Whoever comes second finds the same files there. */
async function settle(made: string, folder: string): Promise<string> {
  try {
    await rename(made, folder);
  } catch (error) {
    await rm(made, { recursive: true, force: true });
    if (!existsSync(join(folder, "index.html"))) throw error;
  }
  return folder;
}

async function compress(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  for (const entry of entries) {
    if (!entry.isFile() || !TEXTS.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    await writeFile(`${path}.gz`, await promisify(gzip)(await readFile(path), { level: constants.Z_BEST_COMPRESSION }));
  }
}

async function forgetOld(): Promise<void> {
  const names = (await readdir(BUILDS_FOLDER)).filter((name) => /^[0-9a-f]{32}$/u.test(name));
  const dated = await Promise.all(names.map(async (name) => ({ name, at: (await stat(join(BUILDS_FOLDER, name))).mtimeMs })));
  const old = dated.toSorted((a, b) => b.at - a.at).slice(KEPT_BUILDS);
  for (const { name } of old) await rm(join(BUILDS_FOLDER, name), { recursive: true, force: true });
}
