import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EmbeddedServer, startEmbedded } from "../../src/adapters/store/embedded/server.ts";
import { openStore } from "../../src/adapters/store/index.ts";
import { onServer } from "../support/server-statement.ts";
import { TEST_ROOT_KEY } from "../support/store.ts";
import { rowsOf } from "./alone.ts";
import type { Place } from "./under-load.ts";

/** The embedded server under its supervisor, for faults that the run's shared server must not meet. */
export interface FaultServer {
  readonly server: EmbeddedServer;
  /** The database all points of this server share. */
  readonly databaseUrl: string;
  /** A tenant nobody has used. */
  place(): Place;
  /** What the server has written about itself since it was started first. */
  ownLog(): string;
  close(): Promise<void>;
}

const APPENDS_WITHIN_MS = 20_000;
const DATABASE = "faults";

/** `folder` must be one that the server's user may enter; default: a temporary one. */
export async function faultServer(folder?: string): Promise<FaultServer> {
  const home = folder ?? (await mkdtemp(join(tmpdir(), "bailiwick-faults-")));
  await chmod(home, 0o711);
  const server = await startEmbedded({ folder: home });
  const databaseUrl = server.ownerUrl(DATABASE);
  await onServer(server.ownerUrl("postgres"), `create database ${DATABASE} template template0`);
  await (await openStore({ databaseUrl, rootKey: TEST_ROOT_KEY }, { brokerId: "first" })).close();
  return {
    server,
    databaseUrl,
    place: () => ({ store: { databaseUrl, rootKey: TEST_ROOT_KEY }, tenant: `tenant-${randomBytes(5).toString("hex")}` }),
    ownLog: () => readFileSync(join(home, "postgres", "server.log"), "utf8"),
    close: async () => {
      await server.close();
      if (folder === undefined) await rm(home, { recursive: true, force: true });
    },
  };
}

/** The postmaster and all its processes. @throws Error between a crash and the restart. */
export async function processesOf({ server }: FaultServer): Promise<readonly number[]> {
  const postmaster = postmasterOf(server);
  const children = await readFile(`/proc/${postmaster}/task/${postmaster}/children`, "utf8");
  return [
    postmaster,
    ...children
      .split(" ")
      .filter((pid) => pid !== "")
      .map(Number),
  ];
}

/** The process that appends for a broker under load. @throws Error when none does within a while. */
export async function appenderOf({ databaseUrl }: FaultServer): Promise<number> {
  for (const deadline = Date.now() + APPENDS_WITHIN_MS; Date.now() < deadline;) {
    const [found] = await rowsOf(
      databaseUrl,
      "select pid from pg_stat_activity where pid <> pg_backend_pid() and query like '%append_records%'",
    );
    if (found !== undefined) return Number(found["pid"]);
  }
  throw new Error("nobody appends to the log");
}

export function postmasterOf(server: EmbeddedServer): number {
  const pid = server.pid();
  if (pid === undefined) throw new Error("the server is not running");
  return pid;
}
