import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { needsProgram } from "../../../../tools/needs.ts";
import { runUntilDead } from "./broker-child.ts";
import { appenderOf, type FaultServer, faultServer, postmasterOf, processesOf } from "./fault-server.ts";
import { everyPoint, POINTS } from "./points.ts";
import { seeded } from "./seeded.ts";
import { inject } from "./traced.ts";
import { judgeAfterwards, strikeUnderLoad } from "./under-load.ts";
import type { Verdict } from "./verdict.ts";

const TIMEOUT_MS = 300_000;

let faulty: FaultServer;
beforeAll(async () => {
  faulty = await faultServer();
});
afterAll(async () => faulty.close());
beforeEach((context) => needsProgram(context, "strace", "strace"));

test(
  "a disk that fails at any fdatasync takes no confirmed record with it, and no call runs on an intent that may not be on the disk",
  async () => {
    const points = failures("fdatasync fails", "fdatasync:error=EIO");
    await everyPoint("fdatasync fails", points, { atOnce: 1, shows: ["succeeded"], strike: crashByDisk });
  },
  TIMEOUT_MS,
);

test(
  "a write that finds no space, into a table or into the log written ahead, takes no confirmed record with it",
  async () => {
    const points = failures("write finds no space", "pwrite64:error=ENOSPC");
    await everyPoint("write finds no space", points, { atOnce: 1, shows: ["succeeded"], strike: crashByDisk });
  },
  TIMEOUT_MS,
);

/** How long each fdatasync takes, so that whatever is killed is killed while a commit is not on the disk yet. */
const SLOW_US = 60_000;

test(
  "a broker or a database killed while a slow disk has not yet taken a commit leaves no effect without an intent",
  async () => {
    const draw = seeded("fdatasync is slow");
    const points = Array.from({ length: POINTS["fdatasync is slow"] }, (_, number) => {
      const [killed, afterMs] = [number % 2 === 0 ? ("broker" as const) : ("database" as const), draw(10, 300)];
      return { name: `slow fdatasync ${number}: the ${killed} is killed after ${afterMs} ms`, killed, afterMs };
    });
    await everyPoint("fdatasync is slow", points, {
      atOnce: 1,
      shows: ["succeeded"],
      strike: ({ killed, afterMs }) => (killed === "broker" ? killBrokerOnSlowDisk(afterMs) : killDatabaseOnSlowDisk(afterMs)),
    });
  },
  TIMEOUT_MS,
);

interface Failure {
  readonly name: string;
  readonly injection: string;
  readonly afterSteps: number;
}

/** The first such call of the appending process fails, or one of the next. */
function failures(kind: keyof typeof POINTS, injection: string): readonly Failure[] {
  const draw = seeded(kind);
  return Array.from({ length: POINTS[kind] }, (_, number) => {
    const [when, afterSteps] = [1 + (number % 6), draw(20, 120)];
    return { name: `${kind} ${number}: at number ${when} after ${afterSteps} steps`, injection: `${injection}:when=${when}`, afterSteps };
  });
}

/** The appending process meets the error, and takes its statement or the whole database down. */
function crashByDisk({ injection, afterSteps }: Failure): Promise<Verdict> {
  const before = faulty.ownLog().length;
  return strikeUnderLoad({
    place: faulty.place(),
    afterSteps,
    strike: async () => {
      const injected = await inject(await appenderOf(faulty), injection);
      try {
        await expect.poll(() => /PANIC|No space left/.test(faulty.ownLog().slice(before)), { timeout: 30_000, interval: 5 }).toBe(true);
      } finally {
        await injected.heal();
      }
    },
  });
}

async function killBrokerOnSlowDisk(afterMs: number): Promise<Verdict> {
  const place = faulty.place();
  const seen = await runUntilDead(place, undefined, async (child) => {
    const slow = await inject(await appenderOf(faulty), `fdatasync:delay_enter=${SLOW_US}`);
    await sleep(afterMs);
    child.kill("SIGKILL");
    await slow.heal();
  });
  return judgeAfterwards(place, seen);
}

function killDatabaseOnSlowDisk(afterMs: number): Promise<Verdict> {
  return strikeUnderLoad({
    place: faulty.place(),
    afterSteps: 20,
    strike: async () => {
      const before = postmasterOf(faulty.server);
      const slow = await inject(await appenderOf(faulty), `fdatasync:delay_enter=${SLOW_US}`);
      await sleep(afterMs);
      for (const pid of await processesOf(faulty)) process.kill(pid, "SIGKILL");
      await slow.heal();
      await expect.poll(() => faulty.server.pid() ?? before, { timeout: 30_000, interval: 5 }).not.toBe(before);
    },
  });
}
