import { openSync, writeSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { openStore } from "../../src/adapters/store/index.ts";
import { sessionOf } from "../store/samples.ts";
import type { Death } from "./broker-child.ts";
import { runCallers } from "./callers.ts";
import type { Place } from "./under-load.ts";

/** A broker with callers that dies by its own hand, at an exact place, or works until it is killed. Its argument says how, as JSON. */
const { place, journal, brokerId, death } = JSON.parse(process.argv[2] ?? "") as {
  readonly place: Place;
  readonly journal: string;
  readonly brokerId: string;
  readonly death?: Death;
};
// One write a line: what was written outlives the killed process.
const file = openSync(journal, "a");
const store = await openStore(place.store, { brokerId });
await store.sessions.create(sessionOf({ tenant: place.tenant, id: brokerId }));
let reached = 0;
let acted = false;
await runCallers({
  store,
  tenant: place.tenant,
  session: brokerId,
  brokerId,
  note: (seen) => {
    const moment = death !== undefined && seen.step === death.step && ++reached === death.times ? death.moment : undefined;
    if (moment === "before") die();
    writeSync(file, `${JSON.stringify(seen)}\n`);
    // Tells the parent that there is something to kill.
    if (seen.step === "acted" && !acted) process.stdout.write("acted\n");
    acted ||= seen.step === "acted";
    if (moment === 0) die();
    if (moment !== undefined && moment !== "before") void dieLater(moment);
  },
  goOn: () => true,
});

async function dieLater(turns: Exclude<Death["moment"], "before">): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await nextTurn();
  die();
}

function die(): void {
  process.kill(process.pid, "SIGKILL");
}
