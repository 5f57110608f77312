import { test, expect } from "vitest";
import { dataFolder, serversOn } from "../store/embedded-folder.ts";
import { type Death, runUntilDead } from "./broker-child.ts";
import { onOwnDatabase } from "./own-database.ts";
import { everyPoint, POINTS } from "./points.ts";
import { seeded } from "./seeded.ts";
import { judgeAfterwards } from "./under-load.ts";

const TIMEOUT_MS = 300_000;
/** As many brokers at once as there are processors to be counted on. */
const AT_ONCE = 2;

/** The places of a call where a broker can die: on both sides of what it does, and in the middle of what the database does. */
const STATIONS: readonly (readonly [string, (number: number) => Pick<Death, "step" | "moment">])[] = [
  ["while the intent is written", (number) => ({ step: "asked", moment: 1 + (number % 12) })],
  ["after the intent is durable, before anybody knows", () => ({ step: "intended", moment: "before" })],
  ["before the effect", () => ({ step: "intended", moment: 0 })],
  ["after the effect", () => ({ step: "acted", moment: 0 })],
  ["while the outcome is written", (number) => ({ step: "acted", moment: 2 + (number % 12) })],
  ["after the outcome is durable, before anybody knows", () => ({ step: "ended", moment: "before" })],
  ["after the call", () => ({ step: "ended", moment: 0 })],
];

function deaths(kind: keyof typeof POINTS): readonly (Death & { readonly name: string })[] {
  const draw = seeded(kind);
  return Array.from({ length: POINTS[kind] }, (_, number) => {
    const round = Math.trunc(number / STATIONS.length);
    const [where, station] = STATIONS[number % STATIONS.length] ?? expect.fail("a remainder is a place in the list");
    const death = { ...station(round), times: draw(12, 60) };
    return { ...death, name: `${kind} ${number}: ${where}, the ${death.times}th time, ${death.moment}` };
  });
}

test(
  "a broker killed at any station of a call leaves no effect without an intent, and each of its open calls surfaces as unknown",
  async () => {
    await everyPoint("broker killed", deaths("broker killed"), {
      atOnce: AT_ONCE,
      shows: ["succeeded", "unknown"],
      strike: (death) => onOwnDatabase(async (place) => judgeAfterwards(place, await runUntilDead(place, death))),
    });
  },
  TIMEOUT_MS,
);

test.runIf(process.platform === "linux")(
  "a broker and its embedded database, killed one after the other, come back with every record they confirmed",
  async () => {
    const folder = await dataFolder();
    try {
      await everyPoint("broker and server killed", deaths("broker and server killed"), {
        atOnce: 1,
        shows: ["succeeded", "unknown"],
        strike: async (death) => {
          const place = { store: { dataFolder: folder.path }, tenant: `tenant-${death.name.replaceAll(/\D+/g, "-")}` };
          const seen = await runUntilDead(place, death);
          const orphans = await serversOn(folder.path);
          expect(orphans).toHaveLength(1);
          for (const pid of orphans) process.kill(pid, "SIGKILL");
          return judgeAfterwards(place, seen);
        },
      });
      expect(await serversOn(folder.path)).toEqual([]);
    } finally {
      await folder.remove();
    }
  },
  TIMEOUT_MS,
);
