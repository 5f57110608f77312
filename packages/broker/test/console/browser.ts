import { execFile } from "node:child_process";
import { access, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Browser, chromium } from "playwright-core";

const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));
/** Unpacking and building take a few seconds; on a busy machine some more. */
const MADE_WITHIN_MS = 100_000;

export interface OpenedBrowser {
  readonly browser: Browser;
  close(): Promise<void>;
}

/**
 * A real Chromium, from the binary inside an npm package. It is unpacked, and the console built when its sources changed, once for all files of a test
 * run, or into a folder of its own for other programs.
 */
export async function openBrowser(): Promise<OpenedBrowser> {
  const shared = process.env["BAILIWICK_TEST_CHROMIUM"];
  if (shared !== undefined) {
    await once(shared, async () => void (await prepare(shared)));
    return launch(shared, async () => undefined);
  }
  const folder = await mkdtemp(join(tmpdir(), "bailiwick-chromium-"));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    return await launch(folder, remove);
  } catch (error) {
    await remove();
    throw error;
  }
}

async function launch(folder: string, remove: () => Promise<void>): Promise<OpenedBrowser> {
  const executablePath = await prepare(folder);
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
  return {
    browser,
    close: async () => {
      await browser.close();
      await remove();
    },
  };
}

/** Path of the program. What is unpacked and built already stays as it is. */
async function prepare(folder: string): Promise<string> {
  const before = process.env["TMPDIR"];
  // The package unpacks beside whatever it finds in the temporary folder, and would take a half-written file of another run for whole.
  process.env["TMPDIR"] = folder;
  try {
    const { default: packed } = await import("@sparticuz/chromium");
    const path = await packed.executablePath();
    if (!(await exists(join(folder, "ready")))) await buildConsole();
    return path;
  } finally {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  }
}

/** Whoever makes the folder `making` does the work; everybody else waits until `ready` is there. */
async function once(folder: string, work: () => Promise<void>): Promise<void> {
  const ready = join(folder, "ready");
  if (await exists(ready)) return;
  const first = await mkdir(join(folder, "making")).then(
    () => true,
    () => false,
  );
  if (first) {
    await work();
    await writeFile(ready, "");
    return;
  }
  for (const until = Date.now() + MADE_WITHIN_MS; Date.now() < until; await sleep(100)) if (await exists(ready)) return;
  throw new Error("another test file was to unpack the browser and build the console, and did not get done; its own failure says why");
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Builds the console unless its sources are built already. In a process of its own: a build reads settings that a test run has changed. */
export async function buildConsole(): Promise<void> {
  await promisify(execFile)(process.execPath, ["tools/run.js", "console"], { cwd: ROOT });
}
