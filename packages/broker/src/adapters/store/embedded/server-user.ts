import { readFile, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/** The account PostgreSQL runs as when the broker is root; PostgreSQL refuses to run as root. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

/** `nobody` on systems whose account file does not say otherwise. */
const NOBODY: ServerUser = { uid: 65534, gid: 65534 };

/** Undefined when the broker is not root: then the server runs as the broker's own user. */
export async function serverUser(): Promise<ServerUser | undefined> {
  if (process.geteuid?.() !== 0) return undefined;
  const accounts = await readFile("/etc/passwd", "utf8").catch(() => "");
  const fields = /^nobody:.*$/m.exec(accounts)?.[0].split(":") ?? [];
  const uid = Number(fields[2]);
  const gid = Number(fields[3]);
  return Number.isInteger(uid) && uid > 0 && Number.isInteger(gid) && gid > 0 ? { uid, gid } : NOBODY;
}

/** Whether `user` may enter every folder on the way to `path` (which may not exist yet) and `path` itself. */
export async function canReach(path: string, user: ServerUser): Promise<boolean> {
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    const info = await stat(folder).catch(() => undefined);
    if (info !== undefined && !mayEnter(info, user)) return false;
    if (folder === dirname(folder)) return true;
  }
}

function mayEnter(info: { readonly uid: number; readonly gid: number; readonly mode: number }, user: ServerUser): boolean {
  if (info.uid === user.uid) return (info.mode & 0o100) !== 0;
  if (info.gid === user.gid) return (info.mode & 0o010) !== 0;
  return (info.mode & 0o001) !== 0;
}
