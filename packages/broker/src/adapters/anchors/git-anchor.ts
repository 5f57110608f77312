import { hash, randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { LedgerError } from "@bailiwick/ledger";
import { type Anchor, type Anchored, AnchorFault } from "../../domain/anchor.ts";
import { type Git, gitIn } from "./git.ts";
import { anchoredFrom, mayTake } from "./growth.ts";
import { folderOf } from "./log-folder.ts";

export interface GitAnchorOptions {
  /** A path or a URL, as git takes it. */
  readonly git: string;
  readonly branch: string;
  /** Where a copy of the branch is kept between two looks. */
  readonly cacheFolder: string;
  /** PATH, HOME and what git needs to sign in. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Another broker may push at the same time; the next attempt goes on from its commit. */
const MAX_ATTEMPTS = 5;
/** The last commit this broker saw of the branch, kept over restarts. */
const SEEN = "refs/anchor/seen";

/**
 * A branch of a git repository: a commit a checkpoint, `<log>/checkpoint` the newest of each log. Commits are only ever added; that the branch
 * was not written anew is checked at every look.
 */
export function gitAnchor({ git: remote, branch, cacheFolder, environment }: GitAnchorOptions): Anchor {
  const folder = join(cacheFolder, `git-${hash("sha256", `${remote}\n${branch}`, "hex").slice(0, 16)}`);
  const git = gitIn(folder, environment);
  const place = { git, folder, remote, ref: `refs/heads/${branch}`, ready: false };
  return {
    name: `git ${withoutSecrets(remote)} (${branch})`,
    kind: "git",
    newest: async (origin) => readNewest(place, await follow(place), origin),
    async publish(origin, checkpoint, prove) {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const head = await follow(place);
        if (!(await mayTake(await readNewest(place, head, origin), checkpoint, prove))) return [];
        const commit = await commitOn(place, head, origin, checkpoint);
        if (await push(place, commit)) return [];
      }
      throw new AnchorFault(
        "unreachable",
        `\`git push\` to branch \`${branch}\` is refused; check the rights of the broker on the repository`,
      );
    },
  };
}

interface Place {
  readonly git: Git;
  readonly folder: string;
  readonly remote: string;
  readonly ref: string;
  /** Whether the copy is there. */
  ready: boolean;
}

/** The branch's newest commit; undefined when there is no branch yet. @throws AnchorFault `conflict` when it does not go on from the last one seen. */
async function follow(place: Place): Promise<string | undefined> {
  const { git, folder, remote, ref } = place;
  if (!place.ready) {
    await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
      throw new AnchorFault("unreachable", `\`${folder}\` cannot be made; make its folder writable`, { cause: error });
    });
    await git.run(["init", "--quiet", "--bare"]);
    place.ready = true;
  }
  const seen = await commitAt(git, SEEN);
  const listed = await git.run(["ls-remote", "--heads", "--", remote, ref]);
  if (listed === "") {
    if (seen === undefined) return undefined;
    throw new AnchorFault("conflict", "the branch held checkpoints and is gone from the repository; find out who removed it");
  }
  await git.run(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", remote, `+${ref}:${FETCHED}`]);
  const head = await commitAt(git, FETCHED);
  if (head === undefined) throw new AnchorFault("unreachable", "the branch could not be fetched; this is tried again");
  if (seen !== undefined && !(await git.test(["merge-base", "--is-ancestor", seen, head])))
    throw new AnchorFault(
      "conflict",
      `the branch was written anew and no longer has commit \`${seen.slice(0, 12)}\`; find out who pushed to it`,
    );
  await git.run(["update-ref", SEEN, head]);
  return head;
}

async function readNewest({ git }: Place, head: string | undefined, origin: string): Promise<Anchored | undefined> {
  const path = `${folderOf(origin)}/checkpoint`;
  if (head === undefined || (await git.run(["ls-tree", head, "--", path])) === "") return undefined;
  try {
    return anchoredFrom(await git.run(["cat-file", "blob", `${head}:${path}`]));
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    throw new AnchorFault("conflict", `\`${path}\` in the repository is no checkpoint; find out who wrote there`, { cause: error });
  }
}

/** A commit with one file changed, made without a work tree. Returns its id. */
async function commitOn({ git, folder }: Place, head: string | undefined, origin: string, { size, note }: Anchored): Promise<string> {
  const index = join(folder, `index-${randomBytes(8).toString("hex")}`);
  const env = { GIT_INDEX_FILE: index };
  try {
    const blob = (await git.run(["hash-object", "-w", "--stdin"], { input: note })).trim();
    await git.run(head === undefined ? ["read-tree", "--empty"] : ["read-tree", head], { env });
    await git.run(["update-index", "--add", "--cacheinfo", `100644,${blob},${folderOf(origin)}/checkpoint`], { env });
    const tree = (await git.run(["write-tree"], { env })).trim();
    const parent = head === undefined ? [] : ["-p", head];
    return (await git.run(["commit-tree", tree, ...parent], { input: `${origin} has ${size} records\n` })).trim();
  } finally {
    await rm(index, { force: true });
  }
}

/** False when somebody was faster, or may not push; git does not tell the two apart by its exit code. */
async function push({ git, remote, ref }: Place, commit: string): Promise<boolean> {
  // Without force: a remote that moved on refuses.
  const pushed = await git.test(["push", "--quiet", "--no-verify", "--", remote, `${commit}:${ref}`]);
  if (pushed) await git.run(["update-ref", SEEN, commit]);
  return pushed;
}

async function commitAt(git: Git, ref: string): Promise<string | undefined> {
  return (await git.run(["for-each-ref", "--format=%(objectname)", ref])).trim() || undefined;
}

/** What stands in records and messages. Over HTTP a token is often the user, or in the query; over SSH the user says only who signs in. */
function withoutSecrets(remote: string): string {
  const url = URL.parse(remote);
  if (url === null || url.host === "") return remote;
  const user = url.protocol === "ssh:" && url.username !== "" ? `${url.username}@` : "";
  return `${url.protocol}//${user}${url.host}${url.pathname}`;
}

const FETCHED = "refs/anchor/fetched";
