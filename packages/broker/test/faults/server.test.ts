import { afterAll, beforeAll, expect, test } from "vitest";
import { rowsOf } from "./alone.ts";
import { appenderOf, type FaultServer, faultServer, postmasterOf, processesOf } from "./fault-server.ts";
import { everyPoint, POINTS } from "./points.ts";
import { seeded } from "./seeded.ts";
import { strikeUnderLoad } from "./under-load.ts";
import type { Verdict } from "./verdict.ts";

const TIMEOUT_MS = 300_000;

let faulty: FaultServer;
beforeAll(async () => {
  faulty = await faultServer();
});
afterAll(async () => faulty.close());

test(
  "a broker whose sessions the database ends, one or all, while it appends or waits, loses no record",
  async () => {
    const points = moments("session ended", ["the appending session", "every session"]);
    await everyPoint("session ended", points, {
      atOnce: 1,
      shows: ["succeeded"],
      strike: (point) =>
        strikeAt(point, async () => {
          const appender = await appenderOf(faulty);
          const which = point.how === "every session" ? "datname = current_database() and pid <> pg_backend_pid()" : `pid = ${appender}`;
          await rowsOf(faulty.databaseUrl, `select pg_terminate_backend(pid) from pg_stat_activity where ${which}`);
        }),
    });
  },
  TIMEOUT_MS,
);

test(
  "a database whose process is killed in the middle of its work recovers every record it confirmed",
  async () => {
    const points = moments("backend killed", ["the appending process", "the process that writes the log ahead"]);
    await everyPoint("backend killed", points, {
      atOnce: 1,
      shows: ["succeeded"],
      strike: (point) =>
        strikeAt(point, async () => {
          const recoveries = count("reinitializing");
          kill(point.how === "the appending process" ? await appenderOf(faulty) : await walWriter(), "SIGKILL");
          await expect.poll(() => count("reinitializing"), { timeout: 20_000, interval: 5 }).toBeGreaterThan(recoveries);
        }),
    });
  },
  TIMEOUT_MS,
);

test(
  "a database killed with kill -9, alone or with all its processes, comes back with every record it confirmed",
  async () => {
    const points = moments("server killed", ["all processes", "the postmaster alone"]);
    await everyPoint("server killed", points, {
      atOnce: 1,
      shows: ["succeeded"],
      strike: (point) =>
        strikeAt(point, async () => {
          const before = postmasterOf(faulty.server);
          for (const pid of point.how === "all processes" ? await processesOf(faulty) : [before]) kill(pid, "SIGKILL");
          await restarted(before);
        }),
    });
  },
  TIMEOUT_MS,
);

test(
  "a database that restarts under load, in order or at once, loses no record",
  async () => {
    const points = moments("server restarted", ["SIGINT", "SIGQUIT"]);
    await everyPoint("server restarted", points, {
      atOnce: 1,
      shows: ["succeeded"],
      strike: (point) =>
        strikeAt(point, async () => {
          const before = postmasterOf(faulty.server);
          kill(before, point.how);
          await restarted(before);
        }),
    });
  },
  TIMEOUT_MS,
);

interface Moment<How extends string> {
  readonly name: string;
  readonly how: How;
  readonly afterSteps: number;
  readonly turns: number;
}

/** Moments from the first batch on, each a few turns of the event loop into the work on a batch. */
function moments<How extends string>(kind: keyof typeof POINTS, hows: readonly [How, How]): readonly Moment<How>[] {
  const draw = seeded(kind);
  return Array.from({ length: POINTS[kind] }, (_, number) => {
    const [afterSteps, turns] = [draw(20, 150), draw(0, 12)];
    const how = hows[number % 2 === 0 ? 0 : 1];
    return { name: `${kind} ${number}: ${how}, after ${afterSteps} steps and ${turns} turns`, how, afterSteps, turns };
  });
}

function strikeAt({ afterSteps, turns }: Moment<string>, strike: () => Promise<void>): Promise<Verdict> {
  return strikeUnderLoad({ place: faulty.place(), afterSteps, turns, strike });
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // A child that ended by itself meanwhile.
  }
}

async function walWriter(): Promise<number> {
  const [found] = await rowsOf(faulty.databaseUrl, "select pid from pg_stat_activity where backend_type = 'walwriter'");
  return Number(found?.["pid"]);
}

/** The supervisor has started another server. */
async function restarted(before: number): Promise<void> {
  await expect.poll(() => faulty.server.pid() ?? before, { timeout: 30_000, interval: 5 }).not.toBe(before);
}

function count(text: string): number {
  return faulty.ownLog().split(text).length - 1;
}
