import { chmod, mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Policy } from "@bailiwick/policy";
import { openLivePolicy, PolicyLoadError } from "../../src/config/live-policy.ts";
import { MAX_POLICY_FILE_BYTES, MAX_POLICY_FILES, readPolicyFolder } from "../../src/config/read-folder.ts";

const MAIN = "version: 1\ntenants: [acme]\nenvironments: { dev: {} }\n";
const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "bailiwick-policy-"));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

/** Opens a folder; `change` and `error` resolve on the next call of the handler. */
async function opened(folder: string) {
  const change = Promise.withResolvers<Policy>();
  const error = Promise.withResolvers<PolicyLoadError>();
  const live = await openLivePolicy(folder, { activate: async () => undefined, onChange: change.resolve, onError: error.resolve });
  cleanups.push(() => live.close());
  return { live, change: change.promise, error: error.promise };
}

describe("readPolicyFolder", () => {
  it("returns every file with its path relative to the folder", async () => {
    const folder = await folderWith({ "bailiwick.yaml": MAIN, "roles/base.yaml": "role: base\n", ".git/config": "x" });
    expect(await readPolicyFolder(folder)).toEqual([
      { path: "bailiwick.yaml", text: MAIN },
      { path: "roles/base.yaml", text: "role: base\n" },
    ]);
  });

  it("refuses a link that leads out of the folder", async () => {
    const folder = await folderWith({ "bailiwick.yaml": MAIN });
    const outside = await folderWith({ "secret.yaml": "x: 1\n" });
    await symlink(join(outside, "secret.yaml"), join(folder, "gates.yaml"));
    await expect(readPolicyFolder(folder)).rejects.toThrow(/`gates.yaml` leads out of the policy folder/);
  });

  it("follows a link to a file within the folder", async () => {
    const folder = await folderWith({ "bailiwick.yaml": MAIN, "notes.md": "hello" });
    await symlink(join(folder, "notes.md"), join(folder, "README.md"));
    expect((await readPolicyFolder(folder)).map((file) => file.path)).toEqual(["README.md", "bailiwick.yaml", "notes.md"]);
  });

  it("refuses a file of more than 1 MiB", async () => {
    const folder = await folderWith({ "bailiwick.yaml": "#".repeat(MAX_POLICY_FILE_BYTES + 1) });
    await expect(readPolicyFolder(folder)).rejects.toThrow(/larger than 1 MiB/);
  });

  it("refuses a file that is not UTF-8", async () => {
    const folder = await folderWith({});
    await writeFile(join(folder, "bailiwick.yaml"), Buffer.from([0xff, 0xfe, 0x00]));
    await expect(readPolicyFolder(folder)).rejects.toThrow(/not UTF-8/);
  });

  it("refuses a folder with too many files", async () => {
    const folder = await folderWith(
      Object.fromEntries(Array.from({ length: MAX_POLICY_FILES + 1 }, (_, index) => [`f${String(index)}`, ""])),
    );
    await expect(readPolicyFolder(folder)).rejects.toThrow(/more than 2000 files/);
  });

  it("says so when the folder does not exist", async () => {
    await expect(readPolicyFolder(join(tmpdir(), "bailiwick-none"))).rejects.toThrow(/cannot be opened/);
  });
});

describe("openLivePolicy", () => {
  it("puts a changed file in force and says so", async () => {
    const folder = await folderWith({ "bailiwick.yaml": MAIN });
    const { live, change } = await opened(folder);
    const before = live.current().version;
    await writeFile(join(folder, "bailiwick.yaml"), MAIN.replace("[acme]", "[acme, globex]"));
    expect((await change).tenants).toEqual(["acme", "globex"]);
    expect(live.current().version).not.toBe(before);
  });

  it("hears of a file in a folder that did not exist before", async () => {
    const folder = await folderWith({ "bailiwick.yaml": MAIN });
    const { change, live } = await opened(folder);
    await mkdir(join(folder, "roles"));
    await writeFile(join(folder, "roles.tmp.md"), "x");
    await writeFile(join(folder, "roles", "base.yaml"), "role: base\nreason: r\n");
    await change;
    await live.reload();
    expect(live.current().version).toMatch(/^sha256:/);
  });

  it("keeps the version in force when the changed folder does not load", async () => {
    const folder = await folderWith({ "bailiwick.yaml": MAIN });
    const { live, error } = await opened(folder);
    const before = live.current();
    await writeFile(join(folder, "next"), "version: 1\ntenants: [acme]\nenvironmants: {}\n");
    await rename(join(folder, "next"), join(folder, "bailiwick.yaml"));
    expect((await error).diagnostics.map((diagnostic) => diagnostic.code)).toContain("unknown-key");
    expect(live.current()).toBe(before);
  });

  it("keeps the files in force beside those that do not load, until the folder loads again", async () => {
    const folder = await folderWith({ "bailiwick.yaml": MAIN });
    const { live } = await opened(folder);
    expect(live.folder()).toEqual({ files: [{ path: "bailiwick.yaml", text: MAIN }] });
    const broken = `${MAIN}environmants: {}\n`;
    await writeFile(join(folder, "bailiwick.yaml"), broken);
    await live.reload();
    expect(live.folder()).toMatchObject({
      files: [{ path: "bailiwick.yaml", text: MAIN }],
      rejected: { files: [{ path: "bailiwick.yaml", text: broken }], diagnostics: [{ code: "unknown-key" }] },
    });
    await writeFile(join(folder, "bailiwick.yaml"), `${MAIN}# mended\n`);
    await live.reload();
    expect(live.folder()).toEqual({ files: [{ path: "bailiwick.yaml", text: `${MAIN}# mended\n` }] });
  });

  it("keeps the version in force when the folder disappears", async () => {
    const folder = await folderWith({ "bailiwick.yaml": MAIN });
    const { live } = await opened(folder);
    await rm(folder, { recursive: true });
    expect((await live.reload()).ok).toBe(false);
    expect(live.current().tenants).toEqual(["acme"]);
  });

  it("does not open when the first version does not load", async () => {
    const folder = await folderWith({ "bailiwick.yaml": "version: 2\n" });
    await expect(
      openLivePolicy(folder, { activate: async () => undefined, onChange: () => undefined, onError: () => undefined }),
    ).rejects.toThrow(/bailiwick.yaml:1 {2}error/);
  });

  it("does not announce a rewrite that changed nothing", async () => {
    const folder = await folderWith({ "bailiwick.yaml": MAIN });
    let changes = 0;
    const live = await openLivePolicy(folder, {
      activate: async () => undefined,
      onChange: () => (changes += 1),
      onError: () => undefined,
    });
    cleanups.push(() => live.close());
    await chmod(join(folder, "bailiwick.yaml"), 0o600);
    await live.reload();
    expect(changes).toBe(0);
  });
});
