import { lstat, readdir, readFile, realpath, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import type { PolicyFile } from "@bailiwick/policy";

/** A policy file is written by hand; a larger one is something else. */
export const MAX_POLICY_FILE_BYTES = 1_048_576;
/** A folder with more files is not a policy folder, e.g. a home directory named by mistake. */
export const MAX_POLICY_FILES = 2_000;
/** The format has one level of folders; the rest is read only far enough to be reported as unknown. */
const MAX_DEPTH = 3;

/** The folder cannot be read as a policy. `message` says what is wrong and what to do. */
export class PolicyFolderError extends Error {
  override readonly name = "PolicyFolderError";
}

/**
 * Reads all files of a policy folder, in the order of their paths. Names that start with a dot are left out (`.git`).
 * @throws PolicyFolderError when the folder is missing, a link leads out of it, a file is no UTF-8 text, or there is too much.
 */
export async function readPolicyFolder(folder: string): Promise<readonly PolicyFile[]> {
  const root = await realpath(folder).catch((error: unknown) =>
    fail(`the policy folder \`${folder}\` cannot be opened; name an existing folder`, error),
  );
  const paths = await listFiles(root, root, 0);
  const files: PolicyFile[] = [];
  for (const path of paths.toSorted()) files.push({ path: relative(root, path).split(sep).join("/"), text: await readText(root, path) });
  return files;
}

async function listFiles(root: string, folder: string, depth: number): Promise<readonly string[]> {
  const found: string[] = [];
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) =>
    fail(`\`${folder}\` cannot be listed; check its permissions`, error),
  );
  for (const entry of entries) {
    if (entry.name.startsWith(".")) continue;
    const path = join(folder, entry.name);
    const kind = entry.isSymbolicLink() ? await kindOfLink(root, path) : entry.isDirectory() ? "folder" : "file";
    if (kind === "file") found.push(path);
    else if (depth < MAX_DEPTH) found.push(...(await listFiles(root, path, depth + 1)));
    else fail(`\`${relative(root, path)}\` is nested too deep; a policy folder has one level of folders`);
    if (found.length > MAX_POLICY_FILES)
      fail(`\`${root}\` holds more than ${String(MAX_POLICY_FILES)} files; name the policy folder itself`);
  }
  return found;
}

/** Links within the folder are followed (mounted configuration uses them); a link to a folder is not, since it could lead in circles. */
async function kindOfLink(root: string, path: string): Promise<"file"> {
  const name = relative(root, path);
  const target = await realpath(path).catch((error: unknown) => fail(`the link \`${name}\` leads nowhere; remove it`, error));
  if (!target.startsWith(root + sep)) fail(`the link \`${name}\` leads out of the policy folder; copy the file instead`);
  if (!(await stat(target)).isFile()) fail(`the link \`${name}\` does not lead to a file; use a real folder`);
  return "file";
}

async function readText(root: string, path: string): Promise<string> {
  const name = relative(root, path);
  const target = await realpath(path).catch((error: unknown) =>
    fail(`\`${name}\` disappeared while the folder was read; it is read again on the next change`, error),
  );
  if (target !== root && !target.startsWith(root + sep)) fail(`\`${name}\` leads out of the policy folder; copy the file instead`);
  const info = await lstat(target).catch((error: unknown) =>
    fail(`\`${name}\` disappeared while the folder was read; it is read again on the next change`, error),
  );
  if (!info.isFile()) fail(`\`${name}\` is not a regular file; remove it`);
  if (info.size > MAX_POLICY_FILE_BYTES) fail(`\`${name}\` is larger than 1 MiB; split it or move it out of the policy folder`);
  const bytes = await readFile(target).catch((error: unknown) => fail(`\`${name}\` cannot be read; check its permissions`, error));
  if (bytes.length > MAX_POLICY_FILE_BYTES) fail(`\`${name}\` is larger than 1 MiB; split it or move it out of the policy folder`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    return fail(`\`${name}\` is not UTF-8 text; convert it or move it out of the policy folder`, error);
  }
}

function fail(message: string, cause?: unknown): never {
  throw new PolicyFolderError(message, { cause });
}
