import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where the files of one run share what a browser test needs: the first that wants it makes it. */
export default async function globalBrowser(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "bailiwick-chromium-"));
  // Workers are started with this environment.
  process.env["BAILIWICK_TEST_CHROMIUM"] = folder;
  return () => rm(folder, { recursive: true, force: true });
}
