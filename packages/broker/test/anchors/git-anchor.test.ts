import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { needsProgram } from "../../../../tools/needs.ts";
import { gitAnchor } from "../../src/adapters/anchors/git-anchor.ts";
import type { Anchor } from "../../src/domain/anchor.ts";
import { freshSigner, writtenLog } from "../witness/log.ts";

const signer = freshSigner("bailiwick.example/log/acme");
const log = writtenLog(signer, 100);
const globex = writtenLog(freshSigner("bailiwick.example/log/globex"), 100);
const FILE = "bailiwick.example%2Flog%2Facme/checkpoint";
let root: string;
let remote: string;
let made = 0;
const folders: string[] = [];

beforeEach(async (context) => {
  needsProgram(context, "git", "git");
  root = await mkdtemp(join(tmpdir(), "git-anchor-"));
  folders.push(root);
  remote = join(root, "anchors.git");
  execFileSync("git", ["init", "--quiet", "--bare", remote]);
});
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

/** A broker's anchor with a copy of its own. */
function anchorOf(place: string = remote): Anchor {
  return gitAnchor({ git: place, branch: "main", cacheFolder: join(root, `cache-${++made}`), environment: process.env });
}

const git = (...args: readonly string[]): string => execFileSync("git", [`--git-dir=${remote}`, ...args], { encoding: "utf8" });
const commits = (): readonly string[] => git("log", "--format=%s", "main").trimEnd().split("\n");

test("each checkpoint is a commit, and another broker reads the newest from the remote", async () => {
  const anchor = anchorOf();
  expect(await anchor.newest(log.origin)).toBeUndefined();
  for (const size of [3, 10, 100]) await anchor.publish(log.origin, await log.at(size), log.prove);
  await anchor.publish(globex.origin, await globex.at(7), globex.prove);
  expect(commits()).toEqual(
    ["globex has 7 records", "acme has 100 records", "acme has 10 records", "acme has 3 records"].map(
      (line) => `bailiwick.example/log/${line}`,
    ),
  );
  expect(git("show", `main:${FILE}`)).toBe((await log.at(100)).note);
  expect(await anchorOf().newest(log.origin)).toEqual(await log.at(100));
  expect(await anchorOf().newest(globex.origin)).toEqual(await globex.at(7));
});

test("a checkpoint it has, or an older one, is no commit", async () => {
  const anchor = anchorOf();
  await anchor.publish(log.origin, await log.at(10), log.prove);
  await anchor.publish(log.origin, await log.at(10), log.prove);
  await anchorOf().publish(log.origin, await log.at(3), log.prove);
  expect(commits()).toHaveLength(1);
});

test("brokers that publish at the same time lose no checkpoint of each other", async () => {
  const anchors = [anchorOf(), anchorOf(), anchorOf()];
  for (const size of [10, 20, 30])
    await Promise.all([
      anchors[0]?.publish(log.origin, await log.at(size), log.prove),
      anchors[1]?.publish(globex.origin, await globex.at(size), globex.prove),
      anchors[2]?.publish(log.origin, await log.at(size), log.prove),
    ]);
  expect(await anchorOf().newest(log.origin)).toEqual(await log.at(30));
  expect(await anchorOf().newest(globex.origin)).toEqual(await globex.at(30));
  expect(commits()).toHaveLength(6);
});

test("a log that grew differently is a conflict, and nothing is pushed", async () => {
  const other = writtenLog(signer, 100, "other", 5);
  await anchorOf().publish(log.origin, await log.at(10), log.prove);
  await expect(anchorOf().publish(log.origin, await other.at(100), other.prove)).rejects.toMatchObject({ code: "conflict" });
  expect(commits()).toHaveLength(1);
});

test("a branch that was written anew is found, also after a restart", async () => {
  const anchor = anchorOf();
  await anchor.publish(log.origin, await log.at(10), log.prove);
  await anchor.publish(log.origin, await log.at(20), log.prove);
  git("update-ref", "refs/heads/main", "main~1");
  const after = gitAnchor({ git: remote, branch: "main", cacheFolder: join(root, `cache-${made}`), environment: process.env });
  for (const one of [anchor, after])
    await expect(one.newest(log.origin)).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining("written anew") });
  git("update-ref", "-d", "refs/heads/main");
  await expect(anchor.publish(log.origin, await log.at(30), log.prove)).rejects.toMatchObject({
    code: "conflict",
    message: expect.stringContaining("is gone"),
  });
});

test("something else under the checkpoint's name is a conflict", async () => {
  const anchor = anchorOf();
  await anchor.publish(log.origin, await log.at(10), log.prove);
  const work = join(root, "work");
  execFileSync("git", ["clone", "--quiet", "--branch", "main", remote, work]);
  await writeFile(join(work, FILE), "nothing\n");
  execFileSync("git", ["-C", work, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "--quiet", "--all", "--message=x"]);
  execFileSync("git", ["-C", work, "push", "--quiet"]);
  await expect(anchor.newest(log.origin)).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining("is no checkpoint") });
});

test("a repository that is not there, or may not be written, is said without its password", async () => {
  const secret = "https://me:hunter2@127.0.0.1:9/anchors.git";
  const anchor = anchorOf(secret);
  expect(anchor.name).not.toContain("hunter2");
  const failed = await anchor.newest(log.origin).catch((error: unknown) => error);
  expect(failed).toMatchObject({ code: "unreachable" });
  expect(JSON.stringify(failed, Object.getOwnPropertyNames(failed))).not.toContain("hunter2");
  await expect(anchorOf(join(root, "nothing.git")).newest(log.origin)).rejects.toMatchObject({ code: "unreachable" });
  await writeFile(join(remote, "hooks/pre-receive"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  await expect(anchorOf().publish(log.origin, await log.at(3), log.prove)).rejects.toMatchObject({
    code: "unreachable",
    message: expect.stringContaining("rights"),
  });
});

test.each([
  ["https://ghp_hunter2@git.example/anchors.git", "git https://git.example/anchors.git (main)"],
  ["https://git.example/anchors.git?token=hunter2#hunter2", "git https://git.example/anchors.git (main)"],
  ["ssh://git:hunter2@git.example/anchors.git", "git ssh://git@git.example/anchors.git (main)"],
  ["git@git.example:anchors.git", "git git@git.example:anchors.git (main)"],
  ["/srv/anchors.git", "git /srv/anchors.git (main)"],
])("%s is named without what signs in", (address, name) => {
  expect(anchorOf(address).name).toBe(name);
});

test("the git program sees neither the broker's secrets nor another repository's settings", async () => {
  const spy = join(root, "spy.txt");
  const program = execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim();
  await writeFile(join(root, "git"), `#!/bin/sh\nenv > "${spy}"\nexec "${program}" "$@"\n`, { mode: 0o755 });
  const environment = {
    ...process.env,
    PATH: `${root}:${process.env["PATH"]}`,
    BAILIWICK_ROOT_KEY: "hunter2",
    GIT_DIR: "/nowhere",
    GIT_INDEX_FILE: "/nowhere",
  };
  const anchor = gitAnchor({ git: remote, branch: "main", cacheFolder: join(root, "spied"), environment });
  await anchor.publish(log.origin, await log.at(3), log.prove);
  expect((await anchorOf().newest(log.origin))?.size).toBe(3);
  const seen = await readFile(spy, "utf8");
  expect(seen).toContain("GIT_TERMINAL_PROMPT=0");
  expect(seen).not.toMatch(/hunter2|nowhere/u);
});
