import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile, rm, stat, truncate } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { Fault } from "../../../domain/fault.ts";
import { errorState } from "../connections.ts";
import { assertDurable } from "../durable.ts";
import { type Binaries, locateBinaries } from "./binaries.ts";
import { lockFolder } from "./folder-lock.ts";
import { initialise, OWNER_ROLE, serverEnvironment } from "./initialise.ts";
import { type Layout, makeLayout, makeSocketFolder, placeOf } from "./layout.ts";
import { stopOrphan } from "./orphan.ts";
import { serverUser, type ServerUser } from "./server-user.ts";
import { serverArguments } from "./settings.ts";

export interface EmbeddedServer {
  /** Process id of the postmaster now running; undefined between a crash and the restart. */
  pid(): number | undefined;
  /** Connection URL of the owner for a database of this server. Holds a password: never log it. */
  ownerUrl(database: string): string;
  /** Fast shutdown, then gives the folder back. Safe to call twice. */
  close(): Promise<void>;
}

export interface EmbeddedOptions {
  readonly folder: string;
  /** Default 100. */
  readonly maxConnections?: number | undefined;
  readonly log?: ((line: string) => void) | undefined;
}

const DEFAULT_MAX_CONNECTIONS = 100;
/** Crash recovery replays at most `max_wal_size` of log; minutes only on a very slow disk. */
const START_TIMEOUT_MS = 120_000;
/** A fast shutdown ends sessions and writes a checkpoint; after this the server is killed and recovers at the next start. */
const STOP_TIMEOUT_MS = 60_000;
/** The server's own log is emptied at start when it has grown beyond this. */
const MAX_SERVER_LOG_BYTES = 10 * 1024 * 1024;
/** Waits between restarts of a server that died: the first at once, a full disk not in a busy loop. */
const RESTART_DELAYS_MS = [0, 200, 1_000, 2_000, 5_000] as const;

/** SQLSTATE invalid_password. */
const WRONG_PASSWORD = "28P01";

interface Running {
  readonly layout: Layout;
  readonly binaries: Binaries;
  readonly user: ServerUser | undefined;
  readonly socket: { readonly server: string; readonly broker: string };
  readonly password: string;
  readonly maxConnections: number;
  readonly log: (line: string) => void;
  child: ChildProcess | undefined;
  closing: boolean;
  crashes: number;
}

/**
 * Runs a PostgreSQL of our own on `<folder>/postgres`, reachable through a Unix socket only, and keeps it running.
 * @throws Fault `store_unavailable` when the platform has no server, another broker holds the folder, or it does not start.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const log = options.log ?? (() => undefined);
  const user = await serverUser();
  const binaries = await locateBinaries(user);
  const layout = await makeLayout(resolve(options.folder), user);
  const unlock = await lockFolder(layout.home);
  try {
    const orphan = await stopOrphan(layout.data);
    if (orphan !== undefined) log(`stopped the PostgreSQL (process ${orphan}) that an earlier broker left behind`);
    const password = await initialise(layout, binaries, user);
    const socket = await makeSocketFolder(layout, user);
    const maxConnections = options.maxConnections ?? DEFAULT_MAX_CONNECTIONS;
    const running: Running = {
      layout,
      binaries,
      user,
      socket,
      password,
      maxConnections,
      log,
      child: undefined,
      closing: false,
      crashes: 0,
    };
    await launch(running);
    return handle(running, unlock);
  } catch (error) {
    await unlock();
    throw error;
  }
}

function handle(running: Running, unlock: () => Promise<void>): EmbeddedServer {
  let closed: Promise<void> | undefined;
  return {
    pid: () => running.child?.pid,
    ownerUrl: (database) => ownerUrl(running, database),
    close: () => (closed ??= stopAndUnlock(running, unlock)),
  };
}

async function stopAndUnlock(running: Running, unlock: () => Promise<void>): Promise<void> {
  try {
    await stop(running);
  } finally {
    await unlock();
  }
}

function ownerUrl(running: Pick<Running, "socket" | "password">, database: string): string {
  const query = new URLSearchParams({ host: running.socket.broker, port: "5432" }).toString();
  return `postgresql://${OWNER_ROLE}:${encodeURIComponent(running.password)}@/${encodeURIComponent(database)}?${query}`;
}

async function launch(running: Running): Promise<void> {
  const child = await start(running);
  running.child = child;
  child.once("exit", (code, signal) => {
    running.child = undefined;
    if (!running.closing) void restart(running, code ?? signal);
  });
}

async function restart(running: Running, why: number | string | null): Promise<void> {
  const delayMs = RESTART_DELAYS_MS[Math.min(running.crashes, RESTART_DELAYS_MS.length - 1)] ?? 0;
  running.crashes += 1;
  running.log(
    `PostgreSQL stopped by itself (${why ?? "no reason given"}); starting it again in ${delayMs} ms; see \`${logFile(running)}\``,
  );
  await sleep(delayMs, undefined, { ref: false });
  if (running.closing) return;
  try {
    await launch(running);
    running.crashes = 0;
  } catch (error) {
    running.log(error instanceof Error ? error.message : String(error));
    if (!running.closing) await restart(running, "start failed");
  }
}

async function start(running: Running): Promise<ChildProcess> {
  const file = logFile(running);
  const grown = await stat(file).catch(() => undefined);
  if (grown !== undefined && grown.size > MAX_SERVER_LOG_BYTES) await truncate(file);
  const output = openSync(file, "a", 0o600);
  // Its own process group: Ctrl-C in a terminal must reach the broker, which then stops the server in order.
  const place = placeOf(running.layout.data, running.layout);
  const child = spawn(running.binaries.postgres, serverArguments(place.data, running.socket.server, running.maxConnections), {
    ...running.user,
    cwd: place.cwd,
    env: serverEnvironment(),
    stdio: ["ignore", output, output],
    detached: true,
  });
  closeSync(output);
  const failed = new Promise<never>((_, reject) => {
    child.once("error", (cause) => reject(new Fault("store_unavailable", `PostgreSQL could not be started: ${cause.message}`, { cause })));
    child.once("exit", (code, signal) => void lastLines(file).then((lines) => reject(stoppedAtStart(code ?? signal, file, lines))));
  });
  try {
    await Promise.race([answers(running), failed]);
  } catch (error) {
    await endChild(child);
    throw error;
  }
  failed.catch(() => undefined);
  return child;
}

function stoppedAtStart(why: number | string | null, file: string, lines: string): Fault {
  return new Fault(
    "store_unavailable",
    `PostgreSQL stopped while starting (${why ?? "no reason given"}): ${lines}; the whole story is in \`${file}\``,
  );
}

/** Resolves when the server accepts a connection and has shown that what it confirms is on the disk. */
async function answers(running: Running): Promise<void> {
  for (const deadline = Date.now() + START_TIMEOUT_MS; Date.now() < deadline; await sleep(15)) {
    const client = new Client({ connectionString: ownerUrl(running, "postgres"), connectionTimeoutMillis: 5_000 });
    client.on("error", () => undefined);
    try {
      await client.connect();
    } catch (error) {
      await client.end().catch(() => undefined);
      if (errorState(error) === WRONG_PASSWORD) throw wrongPassword(running, error);
      continue;
    }
    try {
      return await assertDurable(client);
    } finally {
      await client.end();
    }
  }
  throw new Fault("store_unavailable", `PostgreSQL did not answer within ${START_TIMEOUT_MS / 1000} s; see \`${logFile(running)}\``);
}

function wrongPassword(running: Running, cause: unknown): Fault {
  return new Fault(
    "store_unavailable",
    `the password in \`${join(running.layout.home, "owner-password")}\` does not open the database in \`${running.layout.data}\`; put the file back that was there when the database was made`,
    { cause },
  );
}

async function stop(running: Running): Promise<void> {
  running.closing = true;
  if (running.child !== undefined) await endChild(running.child);
  if (!running.socket.broker.startsWith(dirname(running.layout.data))) await rm(running.socket.broker, { recursive: true, force: true });
}

/** Fast shutdown (SIGINT): sessions are ended, a checkpoint is written. */
async function endChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((settle) => child.once("exit", () => settle()));
  child.kill("SIGINT");
  const timer = setTimeout(() => child.kill("SIGQUIT"), STOP_TIMEOUT_MS);
  await gone;
  clearTimeout(timer);
}

function logFile(running: Pick<Running, "layout">): string {
  return join(running.layout.home, "server.log");
}

async function lastLines(file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch(() => "");
  return text.trim().split("\n").slice(-4).join(" | ");
}
