import { chmod, chown, mkdir, mkdtemp, realpath, stat } from "node:fs/promises";
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
  /** Whether the server's user cannot come here by a path (a data folder below /root): then the server is started inside. */
  readonly inside: boolean;
}

/** A Unix socket's path holds at most 107 bytes (unix(7)); the server appends its own file name. */
const MAX_SOCKET_PATH_BYTES = 107;
const SOCKET_FILE = "/.s.PGSQL.5432";

/**
 * Makes the folders `<folder>/postgres` (the broker's) and `<folder>/postgres/server` (the server's user's).
 * @throws Fault `store_unavailable` when they cannot be made, or the server's user could not work there.
 */
export async function makeLayout(folder: string, user: ServerUser | undefined): Promise<Layout> {
  const home = join(folder, "postgres");
  const server = join(home, "server");
  try {
    await mkdir(home, { recursive: true, mode: 0o755 });
    if (user !== undefined) await letPass([folder, home]);
    await mkdir(server, { recursive: true, mode: 0o700 });
    await giveTo(server, user);
  } catch (cause) {
    throw new Fault(
      "store_unavailable",
      `cannot make the data folder \`${home}\` (${errorCode(cause)}); name another folder or make this one writable`,
      { cause },
    );
  }
  const inside = user !== undefined && !(await canReach(home, user));
  if (inside && process.platform !== "linux") {
    throw new Fault(
      "store_unavailable",
      `PostgreSQL cannot run as root, and its user may not enter \`${home}\`; name a data folder that other users may enter, or run as another user`,
    );
  }
  return { home: await realpath(home), data: join(await realpath(server), "data"), inside };
}

/** Other users may pass through our own folders (not list them); what is secret in them is readable by its owner only. */
async function letPass(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    const { mode } = await stat(folder);
    await chmod(folder, (mode & 0o777) | 0o001);
  }
}

/** A folder only the server's user (and root) may enter, short enough for a socket's path: as the server and as the broker name it. */
export async function makeSocketFolder(
  layout: Layout,
  user: ServerUser | undefined,
): Promise<{ readonly server: string; readonly broker: string }> {
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
  return { server: layout.inside && folder === near ? "../socket" : folder, broker: folder };
}

/** How the server's programs are told where the data is. A process may always enter its own working directory, whatever lies above it. */
export function placeOf(data: string, layout: Layout): { readonly cwd: string; readonly data: string } {
  return layout.inside ? { cwd: data, data: "/proc/self/cwd" } : { cwd: "/", data };
}

/** Hands a file or folder to the server's user. */
export async function giveTo(path: string, user: ServerUser | undefined): Promise<void> {
  if (user !== undefined) await chown(path, user.uid, user.gid);
}
