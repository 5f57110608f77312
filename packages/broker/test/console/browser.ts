import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Browser, chromium } from "playwright-core";

const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));

/** A real Chromium, from the binary inside an npm package, unpacked into a folder of this run. The console is built first when its sources changed. */
export async function openBrowser(): Promise<{ readonly browser: Browser; close(): Promise<void> }> {
  await buildConsole();
  const folder = await mkdtemp(join(tmpdir(), "bailiwick-chromium-"));
  const before = process.env["TMPDIR"];
  // The package unpacks beside whatever it finds in the temporary folder, and would take a half-written file of another run for whole.
  process.env["TMPDIR"] = folder;
  try {
    const { default: packed } = await import("@sparticuz/chromium");
    const executablePath = await packed.executablePath();
    const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
    return {
      browser,
      close: async () => {
        await browser.close();
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  } finally {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  }
}

/** Builds the console unless its sources are built already. In a process of its own: a build reads settings that a test run has changed. */
export async function buildConsole(): Promise<void> {
  await promisify(execFile)(process.execPath, ["tools/run.js", "console"], { cwd: ROOT });
}
