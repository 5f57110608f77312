import { createHash } from "node:crypto";
import { chmod, chown, mkdir, mkdtemp, realpath, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Fault } from "../../../domain/fault.ts";
import { errorCode } from "./binaries.ts";
import { canReach, type ServerUser } from "./server-user.ts";

/** Where one embedded server keeps its things. */
export interface Layout {
  /** Held by the broker's user: lock, password, the server's log. */
  readonly home: string;
  /** PostgreSQL's own data, owned by the server's user. */
  readonly data: string;
}

/** Where the data goes when root's server user cannot enter the data folder. */
const SYSTEM_FOLDER = "/var/lib/bailiwick";
/** A Unix socket's path holds at most 107 bytes (unix(7)); the server appends its own file name. */
const MAX_SOCKET_PATH_BYTES = 107;
const SOCKET_FILE = "/.s.PGSQL.5432";

/**
 * Makes the folders `<folder>/postgres`. When `user` could not enter them (a data folder below /root), the server's part lies
 * under /var/lib/bailiwick and `<folder>/postgres/elsewhere` points there; `log` says so.
 */
export async function makeLayout(folder: string, user: ServerUser | undefined, log: (line: string) => void): Promise<Layout> {
  const home = join(folder, "postgres");
  try {
    await mkdir(home, { recursive: true, mode: 0o755 });
    if (user !== undefined) await letPass([folder, home]);
    const parent =
      user === undefined || (await canReach(home, user)) ? await realpath(home) : await placeElsewhere(await realpath(home), log);
    await mkdir(join(parent, "server"), { recursive: true, mode: 0o700 });
    await giveTo(join(parent, "server"), user);
    return { home: await realpath(home), data: join(parent, "server", "data") };
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault(
      "store_unavailable",
      `cannot make the data folder \`${home}\` (${errorCode(cause)}); name another folder or make this one writable`,
      { cause },
    );
  }
}

/** Other users may pass through our own folders (not list them); what is secret in them is readable by its owner only. */
async function letPass(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    const { mode } = await stat(folder);
    await chmod(folder, (mode & 0o777) | 0o001);
  }
}

/** A folder only the server's user (and root) may enter, short enough for a socket's path. */
export async function makeSocketFolder(layout: Layout, user: ServerUser | undefined): Promise<string> {
  const near = join(dirname(layout.data), "socket");
  const folder = Buffer.byteLength(near + SOCKET_FILE) <= MAX_SOCKET_PATH_BYTES ? near : await mkdtemp(join(tmpdir(), "bailiwick-"));
  if (Buffer.byteLength(folder + SOCKET_FILE) > MAX_SOCKET_PATH_BYTES) {
    throw new Fault(
      "store_unavailable",
      `the path \`${folder}\` is too long for a Unix socket; set TMPDIR to a shorter folder, or choose a data folder with a shorter path`,
    );
  }
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await giveTo(folder, user);
  return folder;
}

/** Hands a file or folder to the server's user. */
export async function giveTo(path: string, user: ServerUser | undefined): Promise<void> {
  if (user !== undefined) await chown(path, user.uid, user.gid);
}

async function placeElsewhere(home: string, log: (line: string) => void): Promise<string> {
  const target = join(SYSTEM_FOLDER, createHash("sha256").update(home).digest("hex").slice(0, 16));
  await mkdir(target, { recursive: true, mode: 0o711 });
  await chmod(SYSTEM_FOLDER, 0o755);
  await symlink(target, join(home, "elsewhere")).catch((error: unknown) => {
    if (errorCode(error) !== "EEXIST") throw error;
  });
  log(
    `PostgreSQL cannot run as root and its user may not enter \`${home}\`, so its data lies in \`${target}\`; a data folder that other users may enter keeps all in one place`,
  );
  return target;
}
