import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { test } from "vitest";
import { type FaultyLine, faultyLine, type Mishap } from "./faulty-line.ts";
import { onOwnDatabase } from "./own-database.ts";
import { everyPoint, POINTS } from "./points.ts";
import { seeded } from "./seeded.ts";
import { strikeUnderLoad } from "./under-load.ts";
import type { Verdict } from "./verdict.ts";

const TIMEOUT_MS = 300_000;
/** Points at once: each mostly waits. */
const AT_ONCE = 6;
/** What eight callers send and get back in a few batches. */
const BYTES = { "to the server": 24_000, "to the broker": 6_000 } as const;

test(
  "a line to the database that dies in the middle of any message loses no record and makes none up",
  async () => {
    const draw = seeded("line");
    const points = Array.from({ length: POINTS["line cut in a message"] }, (_, number) => {
      const direction = number % 2 === 0 ? ("to the server" as const) : ("to the broker" as const);
      const [bytes, refuse] = [draw(1, BYTES[direction]), draw(0, 4)];
      return { name: `line ${number}: cut after ${bytes} bytes ${direction}, ${refuse} attempts refused`, direction, bytes, refuse };
    });
    await everyPoint("line cut in a message", points, {
      atOnce: AT_ONCE,
      shows: ["succeeded"],
      strike: ({ bytes, direction, refuse }) => overLine(20, (line) => line.cutAfter(bytes, direction, refuse)),
    });
  },
  TIMEOUT_MS,
);

/** What becomes of one message, and then of the question whether it arrived. */
const MISHAPS: readonly (readonly [Mishap, Mishap | undefined])[] = [
  ["request lost", undefined],
  ["answer lost", undefined],
  ["request late", undefined],
  ["answer lost", "request lost"],
  ["answer lost", "answer lost"],
  ["request late", "answer lost"],
];

test(
  "a message to or from the database that is lost or late is written once or not at all, also when the question about it is lost",
  async () => {
    const draw = seeded("message");
    const points = Array.from({ length: POINTS["message lost"] }, (_, number) => {
      const [first, second] = MISHAPS[number % MISHAPS.length] ?? ["answer lost", undefined];
      const [afterSteps, lateTurns] = [2 + number * 2, draw(0, 60)];
      return {
        name: `message ${number}: ${first}, then ${second ?? "nothing"}, after ${afterSteps} steps`,
        first,
        second,
        afterSteps,
        lateTurns,
      };
    });
    await everyPoint("message lost", points, {
      atOnce: AT_ONCE,
      shows: ["succeeded"],
      strike: ({ first, second, afterSteps, lateTurns }) =>
        overLine(afterSteps, async (line) => {
          await line.spoilNext("append_records", first);
          if (second !== undefined) await line.spoilNext("settle_batch", second);
          for (let turn = 0; turn < lateTurns; turn++) await nextTurn();
          line.deliverLate();
        }),
    });
  },
  TIMEOUT_MS,
);

/** Longer than the writer waits for the fate of a batch. */
const OUT_OF_REACH_MS = 5_600;

test(
  "while the database is out of reach for longer than a caller is kept waiting nothing runs, and what was found written afterwards has a true end",
  async () => {
    const points = Array.from({ length: POINTS["database out of reach"] }, (_, number) => {
      const [mishap, afterSteps] = [number % 2 === 0 ? ("answer lost" as const) : ("request lost" as const), 3 + number * 5];
      return { name: `out of reach ${number}: ${mishap} after ${afterSteps} steps`, mishap, afterSteps };
    });
    await everyPoint("database out of reach", points, {
      atOnce: points.length,
      shows: ["succeeded", "not_sent", "unknown"],
      strike: ({ mishap, afterSteps }) =>
        overLine(afterSteps, async (line) => {
          await line.spoilNext("append_records", mishap);
          line.takeDown();
          await sleep(OUT_OF_REACH_MS);
          line.restore();
        }),
    });
  },
  TIMEOUT_MS,
);

/** A broker whose line to a database of its own breaks. */
function overLine(afterSteps: number, strike: (line: FaultyLine) => Promise<void>): Promise<Verdict> {
  return onOwnDatabase(async (place) => {
    const line = await faultyLine(place.store.databaseUrl);
    try {
      const way = { ...place.store, databaseUrl: line.url };
      return await strikeUnderLoad({ place, way, afterSteps, strike: () => strike(line) });
    } finally {
      await line.close();
    }
  });
}
