import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { Fault } from "../../../domain/fault.ts";
import type { Binaries } from "./binaries.ts";
import { giveTo, type Layout, placeOf } from "./layout.ts";
import type { ServerUser } from "./server-user.ts";

const run = promisify(execFile);

/** The role that owns the embedded server; only migrations and set-up use it. */
export const OWNER_ROLE = "bailiwick_owner";
/** initdb takes about 1.5 s; a slow disk may take much longer. */
const INITDB_TIMEOUT_MS = 120_000;

/** Makes the database cluster once; an interrupted attempt is thrown away. Returns the owner's password. */
export async function initialise(layout: Layout, binaries: Binaries, user: ServerUser | undefined): Promise<string> {
  const password = await ownerPassword(layout);
  const exists = await stat(join(layout.data, "PG_VERSION")).then(
    () => true,
    () => false,
  );
  if (exists) return password;
  const fresh = `${layout.data}.new`;
  const passwordFile = `${layout.data}.password`;
  await rm(fresh, { recursive: true, force: true });
  try {
    await mkdir(fresh, { mode: 0o700 });
    await giveTo(fresh, user);
    await writeFile(passwordFile, password, { mode: 0o600 });
    await giveTo(passwordFile, user);
    const place = placeOf(fresh, layout);
    await run(
      binaries.initdb,
      [
        "-D",
        place.data,
        "-U",
        OWNER_ROLE,
        "--auth=scram-sha-256",
        `--pwfile=${layout.inside ? join("..", basename(passwordFile)) : passwordFile}`,
        "--encoding=UTF8",
        "--locale=C",
        "--set",
        "scram_iterations=1",
      ],
      { ...user, cwd: place.cwd, env: serverEnvironment(), timeout: INITDB_TIMEOUT_MS },
    );
    await rename(fresh, layout.data);
  } catch (cause) {
    throw new Fault(
      "store_unavailable",
      `PostgreSQL could not make its database in \`${layout.data}\`: ${reason(cause)}; check free space and permissions, then start again`,
      { cause },
    );
  } finally {
    await rm(passwordFile, { force: true });
  }
  return password;
}

/** Nothing of the broker's environment reaches the server: it may hold secrets, and PG* variables would change what runs. */
export function serverEnvironment(): Record<string, string> {
  return { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };
}

async function ownerPassword(layout: Layout): Promise<string> {
  const file = join(layout.home, "owner-password");
  const found = await readFile(file, "utf8").catch(() => undefined);
  if (found !== undefined && found.length > 0) return found.trim();
  const password = randomBytes(32).toString("base64url");
  await writeFile(`${file}.new`, password, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return password;
}

function reason(error: unknown): string {
  if (typeof error === "object" && error !== null && "stderr" in error && typeof error.stderr === "string" && error.stderr !== "") {
    return error.stderr.trim().split("\n").slice(-3).join(" ");
  }
  return error instanceof Error ? error.message : String(error);
}
